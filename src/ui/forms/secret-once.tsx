/** Shows a secret that can't be shown again. */
"use client";

import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { DialogActions } from "../components/overlay/dialog";

/** `what`: as in “Copy {what}”. */
export function SecretOnce({ secret, what, warning, onDone }: { secret: string; what: string; warning: string; onDone: () => void }) {
  return (
    <div className="flex flex-col gap-4">
      <p role="status" className="text-warn">
        {warning}
      </p>
      <CodeBlock code={secret} what={what} />
      <DialogActions>
        <Button tone="primary" onClick={onDone}>
          Done
        </Button>
      </DialogActions>
    </div>
  );
}
