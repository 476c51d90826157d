/** Asks for confirmation before records are deleted, and names the consequences. */
"use client";

import { useRef } from "react";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { deleteRecords } from "../api/records";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { formatPlural } from "../format/format-number";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";

interface Props {
  endpointId: string;
  kind: EndpointKind;
  /** Empty: closed. */
  ids: readonly string[];
  onClose: () => void;
  onDeleted: (ids: readonly string[]) => void;
}

export function DeleteDialog({ endpointId, kind, ids, onClose, onDeleted }: Props) {
  const cancel = useRef<HTMLButtonElement>(null);
  const noun = kind === "authentication" ? "user" : "record";
  const what = formatPlural(ids.length, noun);
  const { run, pending, failure, reset } = useAction(async () => {
    const count = await deleteRecords(endpointId, ids);
    notify(count === ids.length ? `Deleted ${what}.` : `Deleted ${formatPlural(count, noun)}. The rest were already deleted.`);
    onDeleted(ids);
  });
  const close = () => {
    reset();
    onClose();
  };
  return (
    <Dialog open={ids.length > 0} onOpenChange={(open) => open || close()} title={`Delete ${what}?`} initialFocus={cancel}>
      <div className="flex flex-col gap-4">
        <p className="text-muted">
          {kind === "authentication"
            ? "Their accounts, passwords and sessions will be deleted, and their streams will close. Records they created in other endpoints remain."
            : "Connected clients will be notified immediately. Attached files will be deleted too."}{" "}
          This can’t be undone.
        </p>
        <FormFailure failure={failure} />
        <DialogActions>
          <Button tone="danger" busy={pending} onClick={() => run()}>
            Delete {what}
          </Button>
          <Button ref={cancel} onClick={close}>
            Cancel
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}
