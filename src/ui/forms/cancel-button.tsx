/** Closes a form and discards what was entered. Closing it in another way keeps it. */
import { Button } from "../components/button";
import type { Form } from "./use-form";

export function CancelButton({ form, onCancel }: { form: Pick<Form, "draft">; onCancel: () => void }) {
  return (
    <Button
      onClick={() => {
        form.draft.discard();
        onCancel();
      }}
    >
      Cancel
    </Button>
  );
}
