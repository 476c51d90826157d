/** A table of the project's keys, active ones first. On narrow windows each row becomes a card. */
"use client";

import type { ReactNode } from "react";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { CopyButton } from "../components/copy-button";
import { RelativeTime } from "../components/relative-time";
import { type KeyState, SCOPE_LABELS, STATE_LABELS, toKeyState } from "./key-state";

const TONES = { active: "live", expired: "warn", revoked: "plain" } as const;
const COLUMNS = ["Key", "Scope", "Created", "Last used", "Expires", "State"];

export function KeysTable({
  keys,
  nowMs,
  onRotate,
  onRevoke,
}: {
  keys: readonly ManagedKey[];
  nowMs: number;
  onRotate: (key: ManagedKey) => void;
  onRevoke: (key: ManagedKey) => void;
}) {
  const rows = keys.map((key) => ({ key, state: toKeyState(key, nowMs) }));
  rows.sort((a, b) => Number(a.state !== "active") - Number(b.state !== "active"));
  return (
    <div className="@container">
      <table className="w-full text-left @max-[55rem]:block">
        <thead className="@max-[55rem]:sr-only">
          <tr className="border-b text-muted">
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className="h-row px-3 font-medium whitespace-nowrap first:pl-5">
                {column}
              </th>
            ))}
            <th scope="col" className="pr-5">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody className="@max-[55rem]:block">
          {rows.map(({ key, state }) => (
            <KeyRow key={key.id} managedKey={key} state={state} onRotate={() => onRotate(key)} onRevoke={() => onRevoke(key)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function KeyRow({
  managedKey,
  state,
  onRotate,
  onRevoke,
}: {
  managedKey: ManagedKey;
  state: KeyState;
  onRotate: () => void;
  onRevoke: () => void;
}) {
  const { name, key, scope, createdAt, lastUsedAt, expiresAt } = managedKey;
  return (
    <tr className="border-b last:border-b-0 @max-[55rem]:grid @max-[55rem]:grid-cols-3 @max-[55rem]:gap-x-4 @max-[55rem]:gap-y-2 @max-[55rem]:px-4 @max-[55rem]:py-3">
      <th scope="row" className="py-2 pr-3 pl-5 text-left font-normal @max-[55rem]:col-span-3 @max-[55rem]:p-0">
        <span className="block font-medium wrap-anywhere">{name}</span>
        <span className="flex items-center gap-1">
          <code className="text-data text-muted wrap-anywhere">{key}</code>
          <CopyButton text={key} what={`the key ${name}`} />
        </span>
      </th>
      <Cell label="Scope">{SCOPE_LABELS[scope]}</Cell>
      <Cell label="Created">
        <RelativeTime time={createdAt} />
      </Cell>
      <Cell label="Last used">
        <RelativeTime time={lastUsedAt} />
      </Cell>
      <Cell label="Expires">
        <RelativeTime time={expiresAt} />
      </Cell>
      <Cell label="State">
        <Badge tone={TONES[state]}>{STATE_LABELS[state]}</Badge>
      </Cell>
      <td className="py-2 pr-2 text-right whitespace-nowrap @max-[55rem]:-ml-3 @max-[55rem]:col-span-3 @max-[55rem]:p-0 @max-[55rem]:text-left">
        {state === "active" ? (
          <>
            <Button tone="quiet" onClick={onRotate} aria-label={`Rotate ${name}`}>
              Rotate
            </Button>
            <Button tone="quiet" onClick={onRevoke} aria-label={`Revoke ${name}`}>
              Revoke
            </Button>
          </>
        ) : null}
      </td>
    </tr>
  );
}

function Cell({ label, children }: { label: string; children: ReactNode }) {
  return (
    <td className="px-3 py-2 whitespace-nowrap @max-[55rem]:p-0">
      <span aria-hidden="true" className="text-data text-muted hidden @max-[55rem]:block">
        {label}
      </span>
      {children}
    </td>
  );
}
