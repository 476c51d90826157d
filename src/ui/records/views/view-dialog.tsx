/** Names a new view, renames one, or deletes one. */
"use client";

import type { RecordView, StoredView } from "@/src/shared/management/record-views";
import { Button } from "../../components/button";
import { TextField } from "../../components/field";
import { Dialog, DialogActions } from "../../components/overlay/dialog";
import { bySchema } from "../../forms/by-schema";
import { FormFailure } from "../../forms/form-failure";
import { SubmitButton } from "../../forms/submit-button";
import { useAction } from "../../forms/use-action";
import { useForm } from "../../forms/use-form";
import { notify } from "../../notifications/notify";
import { createView, deleteView, updateView } from "./view-requests";

interface Props {
  endpointId: string;
  action: "save" | "rename" | "delete";
  view: RecordView | undefined;
  content: StoredView;
  onClose: () => void;
  /** `view`: the one that was saved. */
  onDone: (view?: RecordView) => Promise<void>;
}

export function ViewDialog(props: Props) {
  const { action, view, onClose } = props;
  const title = action === "save" ? "Save as a new view" : action === "rename" ? "Rename view" : `Delete the view “${view?.name ?? ""}”?`;
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={title}
      description={action === "save" ? "Keeps the search, filters, order and columns, for everyone who manages this endpoint." : undefined}
    >
      {action === "delete" ? <DeleteForm {...props} /> : <NameForm {...props} />}
    </Dialog>
  );
}

function NameForm({ endpointId, action, view, content, onClose, onDone }: Props) {
  const form = useForm({
    check: bySchema(async () => {
      const schemas = await import("@/src/shared/management/record-views");
      return action === "save" ? schemas.recordViewCreateSchema : schemas.recordViewPatchSchema;
    }),
    toBody: ({ name }) => (action === "save" ? { name, ...content } : { name }),
    submit: async ({ name = "", ...rest }) => {
      const saved =
        action === "rename" && view ? await updateView(endpointId, view.id, { name }) : await createView(endpointId, { name, ...rest });
      notify(action === "save" ? `View “${saved.name}” saved.` : "View renamed.");
      await onDone(saved);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField
        name="name"
        label="Name"
        defaultValue={action === "rename" ? view?.name : ""}
        problem={form.problemOf("name")}
        maxLength={200}
      />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>{action === "save" ? "Save view" : "Rename view"}</SubmitButton>
        <Button onClick={onClose}>Cancel</Button>
      </DialogActions>
    </form>
  );
}

function DeleteForm({ endpointId, view, onClose, onDone }: Props) {
  const { run, pending, failure } = useAction(async () => {
    if (view) await deleteView(endpointId, view.id);
    notify(`View “${view?.name ?? ""}” deleted.`);
    await onDone();
  });
  return (
    <div className="flex flex-col gap-4">
      <p className="text-muted">The records stay. Others who use this view lose it too.</p>
      <FormFailure failure={failure} />
      <DialogActions>
        <Button tone="danger" busy={pending} onClick={() => run()}>
          Delete view
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </DialogActions>
    </div>
  );
}
