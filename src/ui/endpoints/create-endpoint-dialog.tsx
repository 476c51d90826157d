/** Makes an endpoint and leads to its console. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import type { EndpointDetail } from "@/src/shared/management";
import { endpointsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/dialog";
import { TextField } from "../components/field";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

interface Props {
  projectId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function CreateEndpointDialog({ projectId, open, onOpenChange }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New endpoint"
      description="It stores JSON and streams every change over the same URL."
    >
      <CreateEndpointForm projectId={projectId} onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateEndpointForm({ projectId, onCancel }: { projectId: string; onCancel: () => void }) {
  const router = useRouter();
  const queries = useQueryClient();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management")).endpointCreateSchema),
    toBody: ({ name, description }) => ({ name, description }),
    submit: async (body) => {
      const { id } = await requestJson<EndpointDetail>(`projects/${projectId}/endpoints`, { method: "POST", body });
      await queries.invalidateQueries(endpointsQuery(projectId));
      router.push(`/p/${projectId}/endpoints/${id}/live`);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField
        name="name"
        label="Name"
        mono
        placeholder="shop/orders"
        hint="Part of the URL: 5 or more lowercase letters, digits, “-” and “/”."
        problem={form.problemOf("name")}
        autoCapitalize="none"
        autoFocus
      />
      <TextField name="description" label="Description" hint="For people; optional." problem={form.problemOf("description")} />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Create endpoint</SubmitButton>
        <Button onClick={onCancel}>Cancel</Button>
      </DialogActions>
    </form>
  );
}
