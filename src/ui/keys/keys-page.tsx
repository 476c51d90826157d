/** A project's keys and its master key. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { keysQuery, projectQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { EmptyState } from "../components/page/empty-state";
import { Page, Panel } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { NameConfirmation } from "../forms/name-confirmation";
import { notify } from "../notifications/notify";
import { toKeyStart } from "../snippets/key-state";
import { CreateKeyDialog } from "./create-key-dialog";
import { KeyStreams } from "./key-streams";
import { KeysTable } from "./keys-table";
import { MasterKeySection } from "./master-key-section";
import { RotateKeyDialog } from "./rotate-key-dialog";

export function KeysPage({ projectId }: { projectId: string }) {
  const client = useQueryClient();
  const { data: keys, dataUpdatedAt, error, refetch } = useQuery(keysQuery(projectId));
  const { data: project } = useQuery(projectQuery(projectId));
  const [creating, setCreating] = useState(false);
  const [rotating, setRotating] = useState<ManagedKey | null>(null);
  const [revoking, setRevoking] = useState<ManagedKey | null>(null);
  /** The key that was created last by a rotation. */
  const [newId, setNewId] = useState<string>();
  const create = (
    <Button tone="primary" onClick={() => setCreating(true)}>
      Create key
    </Button>
  );
  const revoke = async (key: ManagedKey) => {
    await requestJson(`keys/${key.id}`, { method: "DELETE" });
    await client.invalidateQueries({ queryKey: keysQuery(projectId).queryKey });
    void client.invalidateQueries({ queryKey: projectQuery(projectId).queryKey });
    notify(`Key ${key.name} revoked.`);
    setRevoking(null);
  };
  return (
    <Page
      title="Keys"
      note={
        <>
          Keys identify your clients. Send one with every request as <code className="text-data whitespace-nowrap">?key=</code>.
        </>
      }
      actions={create}
    >
      {keys ? (
        keys.length === 0 ? (
          <EmptyState sentence="This project has no keys, so nothing can reach its endpoints." action={create} />
        ) : (
          <Panel padded={false}>
            <KeysTable keys={keys} nowMs={dataUpdatedAt} newId={newId} onRotate={setRotating} onRevoke={setRevoking} />
          </Panel>
        )
      ) : error ? (
        <ProblemPanel what="Couldn’t load the keys." error={error} onRetry={refetch} />
      ) : null}
      {project ? <MasterKeySection project={project} /> : null}
      <CreateKeyDialog projectId={projectId} open={creating} onOpenChange={setCreating} />
      <RotateKeyDialog managedKey={rotating} onClose={() => setRotating(null)} onRotated={setNewId} />
      <NameConfirmation
        open={revoking !== null}
        onOpenChange={(open) => open || setRevoking(null)}
        title="Revoke key"
        name={revoking?.name ?? ""}
        action="Revoke key"
        consequences={
          <>
            <p>
              Requests with this key{revoking ? <code className="text-data"> {toKeyStart(revoking)}</code> : null} will be rejected
              immediately. This can’t be undone. To replace a key without downtime, rotate it instead.
            </p>
            {revoking ? <KeyStreams managedKey={revoking} when="immediately" /> : null}
          </>
        }
        onConfirm={async () => {
          if (revoking) await revoke(revoking);
        }}
      />
    </Page>
  );
}
