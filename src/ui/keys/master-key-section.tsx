/** The master key of a project: made, replaced and removed here, and shown once. */
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

type Asking = "create" | "replace" | "remove";

const DIALOGS: Readonly<Record<Asking, { title: string; text: string; action: string }>> = {
  create: {
    title: "Create master key",
    text: "It opens every endpoint of this project, secure ones too, from any origin. Keep it on servers, never in a page.",
    action: "Create master key",
  },
  replace: {
    title: "Replace master key",
    text: "The master key that you have now stops working at once; what uses it needs the new one.",
    action: "Replace master key",
  },
  remove: {
    title: "Remove master key",
    text: "Requests with the master key are refused from now on. Secure endpoints can't be reached without one.",
    action: "Remove master key",
  },
};

export function MasterKeySection({ project }: { project: ManagedProject }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const path = `projects/${project.id}/master-key`;
  const refresh = () => client.invalidateQueries({ queryKey: projectQuery(project.id).queryKey });
  const { run, pending, failure, reset } = useAction(async () => {
    if (asking === "remove") {
      await requestJson(path, { method: "DELETE" });
      await refresh();
      notify("Removed the master key.");
      close();
      return;
    }
    const { masterKey } = await requestJson<MasterKey>(path, { method: "POST" });
    setSecret(masterKey);
    await refresh();
  });
  const close = () => {
    setAsking(null);
    setSecret(null);
    reset();
  };
  return (
    <Section
      title="Master key"
      note="For servers that you trust: it opens every endpoint of the project, whatever its switches and origins say. Send it as the header X-Master-Key."
    >
      <Panel>
        <div className="flex flex-wrap items-center justify-between gap-3">
          <Badge tone={project.hasMasterKey ? "live" : "plain"}>{project.hasMasterKey ? "In use" : "None"}</Badge>
          <div className="flex flex-wrap gap-2">
            {project.hasMasterKey ? (
              <>
                <Button onClick={() => setAsking("replace")}>Replace master key</Button>
                <Button onClick={() => setAsking("remove")}>Remove master key</Button>
              </>
            ) : (
              <Button onClick={() => setAsking("create")}>Create master key</Button>
            )}
          </div>
        </div>
      </Panel>
      <MasterKeyDialog asking={asking} secret={secret} pending={pending} failure={failure} onRun={run} onClose={close} />
    </Section>
  );
}

function MasterKeyDialog({
  asking,
  secret,
  pending,
  failure,
  onRun,
  onClose,
}: {
  asking: Asking | null;
  secret: string | null;
  pending: boolean;
  failure: RequestError | undefined;
  onRun: () => void;
  onClose: () => void;
}) {
  const words = DIALOGS[asking ?? "create"];
  return (
    <Dialog open={asking !== null} onOpenChange={(open) => open || onClose()} title={secret === null ? words.title : "Your master key"}>
      {secret === null ? (
        <div className="flex flex-col gap-4">
          <p className="text-muted">{words.text}</p>
          <FormFailure failure={failure} />
          <DialogActions>
            <Button tone={asking === "create" ? "primary" : "danger"} busy={pending} onClick={onRun}>
              {words.action}
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </DialogActions>
        </div>
      ) : (
        <SecretOnce
          secret={secret}
          what="the master key"
          warning="Copy it now: it is shown this once, and the server keeps only its hash."
          onDone={onClose}
        />
      )}
    </Dialog>
  );
}
