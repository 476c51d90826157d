/** Shows a secret that can't be displayed again, because the server stores only its hash. It closes only after it was copied. */
"use client";

import { useEffect, useId, useState } from "react";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { DialogActions } from "../components/overlay/dialog";

/** `what`: as in “Copy {what}”. The dialog around it must be held (`isHeld`). */
export function SecretOnce({ secret, what, onDone }: { secret: string; what: string; onDone: () => void }) {
  const id = useId();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (isCopied) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isCopied]);
  return (
    // A selection that is copied by hand counts too.
    <div className="flex flex-col gap-4" onCopy={() => setCopied(true)}>
      <p role="status" className="text-warn">
        Copy it now. You won’t be able to see it again.
      </p>
      <CodeBlock code={secret} what={what} onCopied={() => setCopied(true)} />
      <DialogActions>
        <Button tone="primary" disabled={!isCopied} aria-describedby={isCopied ? undefined : id} onClick={onDone}>
          Done
        </Button>
        <p id={id} className="mr-auto self-center text-muted">
          {isCopied ? "Copied." : "Copy it to continue."}
        </p>
      </DialogActions>
    </div>
  );
}
