/** Tokens for the management API: list, creation, revocation. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { TokenView } from "@/src/shared/management/schemas";
import { projectsQuery, tokensQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { Panel, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { NameConfirmation } from "../forms/name-confirmation";
import { notify } from "../notifications/notify";
import { CreateTokenDialog } from "./create-token-dialog";

export function TokensSection() {
  const client = useQueryClient();
  const { data: tokens, dataUpdatedAt, error, refetch } = useQuery(tokensQuery());
  // Needed for the names of the projects that tokens are limited to.
  const { data: projects = [] } = useQuery({ ...projectsQuery(), enabled: tokens?.some(({ projectIds }) => projectIds !== null) ?? false });
  const projectNames = new Map(projects.map(({ id, name }) => [id, name]));
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<TokenView | null>(null);
  const revoke = async (token: TokenView) => {
    await requestJson(`account/tokens/${token.id}`, { method: "DELETE" });
    await client.invalidateQueries({ queryKey: tokensQuery().queryKey });
    notify(`Token ${token.name} revoked.`);
    setRevoking(null);
  };
  return (
    <Section
      title="Management tokens"
      note="For programs that manage your projects. Send a token as Authorization: Bearer <token>."
      actions={
        <>
          <ButtonLink href="/account/api">API reference</ButtonLink>
          <Button onClick={() => setCreating(true)}>Create token</Button>
        </>
      }
    >
      {tokens ? (
        <Panel padded={false}>
          {tokens.length === 0 ? (
            <p className="px-5 py-4 text-muted">No tokens yet.</p>
          ) : (
            <ul className="flex flex-col divide-y">
              {tokens.map((token) => (
                <TokenRow
                  key={token.id}
                  token={token}
                  projectNames={projectNames}
                  nowMs={dataUpdatedAt}
                  onRevoke={() => setRevoking(token)}
                />
              ))}
            </ul>
          )}
        </Panel>
      ) : error ? (
        <ProblemPanel what="Couldn’t load your tokens." error={error} onRetry={refetch} />
      ) : null}
      <CreateTokenDialog open={creating} onClose={() => setCreating(false)} />
      <NameConfirmation
        open={revoking !== null}
        onOpenChange={(open) => open || setRevoking(null)}
        title="Revoke token"
        name={revoking?.name ?? ""}
        action="Revoke token"
        consequences={<p>Programs that use this token lose access immediately. This can’t be undone.</p>}
        onConfirm={async () => {
          if (revoking) await revoke(revoking);
        }}
      />
    </Section>
  );
}

/** A row lists up to this many project names. */
const NAMES_MAX = 3;

function toReach({ projectIds }: TokenView, names: ReadonlyMap<string, string>): string {
  if (projectIds === null) return "all projects";
  const known = projectIds.flatMap((id) => names.get(id) ?? []);
  if (known.length === 0) return projectIds.length === 1 ? "1 project" : `${projectIds.length} projects`;
  const more = projectIds.length - Math.min(known.length, NAMES_MAX);
  return `${known.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function TokenRow({
  token,
  projectNames,
  nowMs,
  onRevoke,
}: {
  token: TokenView;
  projectNames: ReadonlyMap<string, string>;
  nowMs: number;
  onRevoke: () => void;
}) {
  const expired = token.expiresAt !== null && Date.parse(token.expiresAt) <= nowMs;
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-5 py-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium wrap-anywhere">{token.name}</span>
          <code className="text-data text-muted">{token.prefix}…</code>
          {expired ? <Badge tone="warn">Expired</Badge> : null}
        </p>
        <p className="text-muted wrap-anywhere">
          {token.scope === "read" ? "Read only" : "Read and write"} · {toReach(token, projectNames)}
        </p>
        <p className="text-muted">
          Created <RelativeTime time={token.createdAt} /> · last used <RelativeTime time={token.lastUsedAt} never="never" /> · expires{" "}
          <RelativeTime time={token.expiresAt} never="never" />
        </p>
      </div>
      <Button onClick={onRevoke} aria-label={`Revoke ${token.name}`}>
        Revoke
      </Button>
    </li>
  );
}
