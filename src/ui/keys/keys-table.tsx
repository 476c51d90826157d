/** A table of the project's keys, active ones first. On narrow windows each row becomes a card. */
"use client";

import { type ReactNode, useEffect, useRef } from "react";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { CopyButton } from "../components/copy-button";
import { RelativeTime } from "../components/relative-time";
import { isWorking, type KeyState, SCOPE_LABELS, toKeyStart, toKeyState, toStateLabel } from "../snippets/key-state";

const TONES = { active: "live", ending: "warn", expired: "plain", revoked: "plain" } as const;
/** The order of the rows. Within a state, the newest key is first. */
const ORDER: Readonly<Record<KeyState, number>> = { active: 0, ending: 1, expired: 2, revoked: 2 };
const COLUMNS = ["Key", "Scope", "Created", "Last used", "Expires", "State"];

export function KeysTable({
  keys,
  nowMs,
  newId,
  onRotate,
  onRevoke,
}: {
  keys: readonly ManagedKey[];
  nowMs: number;
  /** The key that was just created by a rotation. Its row is highlighted and receives the focus. */
  newId: string | undefined;
  onRotate: (key: ManagedKey) => void;
  onRevoke: (key: ManagedKey) => void;
}) {
  const rows = keys.map((key) => ({ key, state: toKeyState(key, nowMs) }));
  // The new key is next to the one that it replaces, in front of it.
  rows.sort((a, b) => ORDER[a.state] - ORDER[b.state] || Number(b.key.id === newId) - Number(a.key.id === newId));
  const byId = new Map(keys.map((key) => [key.id, key]));
  return (
    <div className="@container">
      <table className="w-full text-left @max-[55rem]:block">
        <thead className="@max-[55rem]:sr-only">
          <tr className="border-b text-muted">
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className="h-row px-2 font-medium whitespace-nowrap first:pl-5">
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
            <KeyRow
              key={key.id}
              managedKey={key}
              state={state}
              nowMs={nowMs}
              isNew={key.id === newId}
              replaces={byId.get(key.replacesId ?? "")}
              replacedBy={byId.get(key.replacedById ?? "")}
              onRotate={() => onRotate(key)}
              onRevoke={() => onRevoke(key)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function KeyRow({
  managedKey,
  state,
  nowMs,
  isNew,
  replaces,
  replacedBy,
  onRotate,
  onRevoke,
}: {
  managedKey: ManagedKey;
  state: KeyState;
  nowMs: number;
  isNew: boolean;
  replaces: ManagedKey | undefined;
  replacedBy: ManagedKey | undefined;
  onRotate: () => void;
  onRevoke: () => void;
}) {
  const { id, name, key, scope, createdAt, lastUsedAt, expiresAt } = managedKey;
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isNew) row.current?.focus();
  }, [isNew]);
  return (
    <tr
      ref={row}
      id={toRowId(id)}
      tabIndex={-1}
      className={`border-b outline-offset-[-2px] target:bg-hover ${isNew ? "bg-hover" : ""} ${isWorking(state) ? "" : "text-muted"} last:border-b-0 @max-[55rem]:grid @max-[55rem]:grid-cols-3 @max-[55rem]:gap-x-4 @max-[55rem]:gap-y-2 @max-[55rem]:px-4 @max-[55rem]:py-3 @max-[22rem]:grid-cols-2`}
    >
      <th scope="row" className="py-2 pr-2 pl-5 text-left font-normal @max-[55rem]:col-span-full @max-[55rem]:p-0">
        <span className="flex flex-wrap items-center gap-x-2 font-medium wrap-anywhere">
          {name}
          {isNew ? <Badge tone="live">New</Badge> : null}
        </span>
        <span className="flex items-center gap-1">
          <code className="text-data text-muted wrap-anywhere">{key}</code>
          <CopyButton text={key} what={`the key ${name}`} />
        </span>
        {replaces ? <Relative text="Replaces" managedKey={replaces} /> : null}
        {replacedBy ? <Relative text="Replaced by" managedKey={replacedBy} /> : null}
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
        <Badge tone={TONES[state]}>{toStateLabel(managedKey, nowMs)}</Badge>
      </Cell>
      <td className="py-2 pr-2 text-right whitespace-nowrap @max-[55rem]:col-span-full @max-[55rem]:p-0 @max-[55rem]:text-left">
        {isWorking(state) ? (
          <>
            <Button onClick={onRotate} aria-label={`Rotate ${name}`}>
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

/** A link to the row of a key that is older or newer. */
function Relative({ text, managedKey }: { text: string; managedKey: ManagedKey }) {
  return (
    <span className="block text-data text-muted">
      {text}{" "}
      <a href={`#${toRowId(managedKey.id)}`} className="font-mono text-focus underline-offset-2 hover:underline">
        {toKeyStart(managedKey)}
      </a>
    </span>
  );
}

function toRowId(keyId: string): string {
  return `key-${keyId}`;
}

function Cell({ label, children }: { label: string; children: ReactNode }) {
  return (
    <td className="px-2 py-2 whitespace-nowrap @max-[55rem]:p-0">
      <span aria-hidden="true" className="text-data text-muted hidden @max-[55rem]:block">
        {label}
      </span>
      {children}
    </td>
  );
}
