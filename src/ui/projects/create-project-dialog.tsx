/** Creates a project and opens it. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import type { ProjectCreated } from "@/src/shared/management/schemas";
import { suggestProjectName } from "@/src/shared/text/names";
import { projectsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { bySchema } from "../forms/by-schema";
import { CancelButton } from "../forms/cancel-button";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { FormFailure } from "../forms/form-failure";
import { NameField } from "../forms/name-field";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

export function CreateProjectDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New project"
      description="A project has its own endpoints, keys and allowed origins."
    >
      <CreateProjectForm onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateProjectForm({ onCancel }: { onCancel: () => void }) {
  const router = useRouter();
  const queries = useQueryClient();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).projectCreateSchema),
    toBody: ({ name }) => ({ name }),
    draft: { name: "new-project" },
    submit: async (body) => {
      const { id } = await requestJson<ProjectCreated>("projects", { method: "POST", body });
      await queries.invalidateQueries(projectsQuery());
      router.push(`/p/${id}`);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <FormDraftNote draft={form.draft} what="this project" />
      <NameField
        suggest={suggestProjectName}
        name="name"
        label="Name"
        hint="Letters, digits, spaces, “-” and “_”."
        problem={form.problemOf("name")}
        autoFocus
      />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Create project</SubmitButton>
        <CancelButton form={form} onCancel={onCancel} />
      </DialogActions>
    </form>
  );
}
