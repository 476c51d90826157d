/** The master key of a project: creates, replaces and removes it, and shows a new one once. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { ManagedProject, MasterKey } from "@/src/shared/management/schemas";
import { projectQuery } from "../api/queries";
import { requestJson } from "../api/request";
import type { RequestError } from "../api/request-error";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Panel, Section } from "../components/page/page";
import { FormFailure } from "../forms/form-failure";
import { SecretOnce } from "../forms/secret-once";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";

type Action = "create" | "replace" | "remove";

const DIALOGS: Readonly<Record<Action, { title: string; text: string; action: string }>> = {
  create: {
    title: "Create master key",
    text: "It gives access to every endpoint of this project, including secure ones, from any origin. Use it on servers only, never in a web page.",
    action: "Create master key",
  },
  replace: {
    title: "Replace master key",
    text: "The current master key will stop working immediately. Programs that use it will need the new one.",
    action: "Replace master key",
  },
  remove: {
    title: "Remove master key",
    text: "Requests with the master key will be rejected immediately. Secure endpoints will then need a user’s access token.",
    action: "Remove master key",
  },
};

export function MasterKeySection({ project }: { project: ManagedProject }) {
  const client = useQueryClient();
  const [action, setAction] = useState<Action | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const path = `projects/${project.id}/master-key`;
  const refresh = () => client.invalidateQueries({ queryKey: projectQuery(project.id).queryKey });
  const { run, pending, failure, reset } = useAction(async () => {
    if (action === "remove") {
      await requestJson(path, { method: "DELETE" });
      await refresh();
      notify("Master key removed.");
      close();
      return;
    }
    const { masterKey } = await requestJson<MasterKey>(path, { method: "POST" });
    setSecret(masterKey);
    await refresh();
  });
  const close = () => {
    setAction(null);
    setSecret(null);
    reset();
  };
  return (
    <Section
      title="Master key"
      note="For servers that you trust: it gives access to every endpoint of the project, regardless of access settings and origins. Send it in the X-Master-Key header."
    >
      <Panel>
        <div className="flex flex-wrap items-center justify-between gap-3">
          <Badge tone={project.hasMasterKey ? "live" : "plain"}>{project.hasMasterKey ? "Set" : "Not set"}</Badge>
          <div className="flex flex-wrap gap-2">
            {project.hasMasterKey ? (
              <>
                <Button onClick={() => setAction("replace")}>Replace master key</Button>
                <Button onClick={() => setAction("remove")}>Remove master key</Button>
              </>
            ) : (
              <Button onClick={() => setAction("create")}>Create master key</Button>
            )}
          </div>
        </div>
      </Panel>
      <MasterKeyDialog action={action} secret={secret} pending={pending} failure={failure} onRun={run} onClose={close} />
    </Section>
  );
}

function MasterKeyDialog({
  action,
  secret,
  pending,
  failure,
  onRun,
  onClose,
}: {
  action: Action | null;
  secret: string | null;
  pending: boolean;
  failure: RequestError | undefined;
  onRun: () => void;
  onClose: () => void;
}) {
  const dialog = DIALOGS[action ?? "create"];
  return (
    <Dialog
      open={action !== null}
      onOpenChange={(open) => open || onClose()}
      title={secret === null ? dialog.title : "Your master key"}
      isHeld={secret !== null}
    >
      {secret === null ? (
        <div className="flex flex-col gap-4">
          <p className="text-muted">{dialog.text}</p>
          <FormFailure failure={failure} />
          <DialogActions>
            <Button tone={action === "create" ? "primary" : "danger"} busy={pending} onClick={onRun}>
              {dialog.action}
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </DialogActions>
        </div>
      ) : (
        <SecretOnce secret={secret} what="the master key" onDone={onClose} />
      )}
    </Dialog>
  );
}
