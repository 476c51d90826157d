/** Creates an endpoint and opens its console, or its users. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { suggestEndpointName } from "@/src/shared/text/names";
import { endpointsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Switch } from "../components/switch";
import { bySchema } from "../forms/by-schema";
import { CancelButton } from "../forms/cancel-button";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { readFlag, readOneOf } from "../forms/drafts/stored-state";
import { FormFailure } from "../forms/form-failure";
import { NameField } from "../forms/name-field";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { type EndpointKind, KindChoice } from "./kind-choice";

const PLACEHOLDERS = { data: "shop/orders", authentication: "shop/customers", email: "shop/mails" } as const;

const KINDS: readonly EndpointKind[] = ["data", "authentication", "email"];

interface Props {
  projectId: string;
  /** The initially selected kind. */
  kind?: EndpointKind;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function CreateEndpointDialog({ projectId, kind = "data", open, onOpenChange }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="New endpoint">
      <CreateEndpointForm projectId={projectId} initialKind={kind} onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateEndpointForm({ projectId, initialKind, onCancel }: { projectId: string; initialKind: EndpointKind; onCancel: () => void }) {
  const router = useRouter();
  const queries = useQueryClient();
  const { data: endpoints } = useQuery(endpointsQuery(projectId));
  const [kind, setKind] = useState(initialKind);
  const [secure, setSecure] = useState<boolean>();
  // An open e-mail endpoint can be used by everybody with the key.
  const isSecure = secure ?? kind === "email";
  const hasUsers = endpoints?.some((endpoint) => endpoint.kind === "authentication") ?? true;
  const restore = (state: unknown) => {
    setKind(readOneOf(state, "kind", KINDS) ?? initialKind);
    setSecure(readFlag(state, "secure"));
  };
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).endpointCreateSchema),
    toBody: ({ name, description }) => ({ name, description, kind, ...(kind === "authentication" ? {} : { secure: isSecure }) }),
    draft: { name: `new-endpoint/${projectId}/${initialKind}`, state: { kind, secure }, restore },
    submit: async (body) => {
      const { id } = await requestJson<EndpointDetail>(`projects/${projectId}/endpoints`, { method: "POST", body });
      await queries.invalidateQueries(endpointsQuery(projectId));
      router.push(`/p/${projectId}/endpoints/${id}/${kind === "authentication" ? "users" : "live"}`);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <FormDraftNote draft={form.draft} what="this endpoint" />
      <NameField
        suggest={suggestEndpointName}
        name="name"
        label="Name"
        mono
        placeholder={PLACEHOLDERS[kind]}
        hint="Part of the URL: lowercase letters, digits, “-” and “/”."
        problem={form.problemOf("name")}
        autoCapitalize="none"
        autoFocus
      />
      <TextField name="description" label="Description" hint="Optional." problem={form.problemOf("description")} />
      <KindChoice value={kind} onChange={setKind} />
      {kind === "authentication" ? null : (
        <div className="-my-3">
          <Switch
            label="Secure"
            hint={`Only logged-in users of your app have access, and each record belongs to the user who created it.${hasUsers ? "" : " This project has no authentication endpoint yet. Until it has one, only the master key gives access."}`}
            checked={isSecure}
            onChange={setSecure}
          />
        </div>
      )}
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Create endpoint</SubmitButton>
        <CancelButton form={form} onCancel={onCancel} />
      </DialogActions>
    </form>
  );
}
