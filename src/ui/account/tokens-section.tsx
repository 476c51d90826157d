/** Tokens for the management API: made here, shown once, revoked here. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { TokenView } from "@/src/shared/management";
import { tokensQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { Panel, Section } from "../components/page";
import { RelativeTime } from "../components/relative-time";
import { NameConfirmation } from "../forms/name-confirmation";
import { notify } from "../notifications/notify";
import { CreateTokenDialog } from "./create-token-dialog";

export function TokensSection({ tokens: initial, nowMs }: { tokens: TokenView[]; nowMs: number }) {
  const client = useQueryClient();
  const { data: tokens, dataUpdatedAt } = useQuery({ ...tokensQuery(), initialData: initial, initialDataUpdatedAt: nowMs });
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<TokenView | null>(null);
  const revoke = async (token: TokenView) => {
    await requestJson(`account/tokens/${token.id}`, { method: "DELETE" });
    await client.invalidateQueries({ queryKey: tokensQuery().queryKey });
    notify(`Revoked ${token.name}.`);
    setRevoking(null);
  };
  return (
    <Section
      title="Management tokens"
      note="For programs that manage your projects: they send one as Authorization: Bearer …, and may do all that you may."
      actions={
        <>
          <ButtonLink href="/account/api">API reference</ButtonLink>
          <Button onClick={() => setCreating(true)}>Create token</Button>
        </>
      }
    >
      <Panel padded={false}>
        {tokens.length === 0 ? (
          <p className="px-5 py-4 text-muted">No tokens yet.</p>
        ) : (
          <ul className="flex flex-col divide-y">
            {tokens.map((token) => (
              <TokenRow key={token.id} token={token} nowMs={dataUpdatedAt} onRevoke={() => setRevoking(token)} />
            ))}
          </ul>
        )}
      </Panel>
      <CreateTokenDialog open={creating} onClose={() => setCreating(false)} />
      <NameConfirmation
        open={revoking !== null}
        onOpenChange={(open) => open || setRevoking(null)}
        title="Revoke token"
        name={revoking?.name ?? ""}
        action="Revoke token"
        consequences={<p>Programs that use this token are refused from now on. This can't be undone.</p>}
        onConfirm={async () => {
          if (revoking) await revoke(revoking);
        }}
      />
    </Section>
  );
}

function TokenRow({ token, nowMs, onRevoke }: { token: TokenView; nowMs: number; onRevoke: () => void }) {
  const expired = token.expiresAt !== null && Date.parse(token.expiresAt) <= nowMs;
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-5 py-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium wrap-anywhere">{token.name}</span>
          <code className="text-data text-muted">{token.prefix}…</code>
          {expired ? <Badge tone="warn">Expired</Badge> : null}
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
