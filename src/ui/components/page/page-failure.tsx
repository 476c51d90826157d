/** Shown when a page fails: what to do, and the id of the error in the server's log. Kept small, because every page includes it. */
"use client";

import { Button } from "../button";

export function PageFailure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const digest = error instanceof Error && "digest" in error && typeof error.digest === "string" ? error.digest : undefined;
  return (
    <div role="alert" className="flex w-full max-w-[24rem] flex-col items-start gap-4">
      <div>
        <h1 className="text-title font-semibold">This page couldn’t be loaded</h1>
        <p className="pt-1 text-prose text-muted">
          Something went wrong on the server or in the network. Stored data is safe. Try again in a moment.
        </p>
      </div>
      {digest ? <p className="font-mono text-data text-muted select-all">{digest}</p> : null}
      <Button tone="primary" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}
