/** Shows a secret that can't be displayed again, because the server stores only its hash. */
"use client";

import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { DialogActions } from "../components/overlay/dialog";

/** `what`: as in “Copy {what}”. */
export function SecretOnce({ secret, what, onDone }: { secret: string; what: string; onDone: () => void }) {
  return (
    <div className="flex flex-col gap-4">
      <p role="status" className="text-warn">
        Copy it now. You won’t be able to see it again.
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
