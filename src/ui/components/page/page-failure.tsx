/** A page that could not be shown: what to do, and the number of the error in the server's log. Small: every page carries it. */
"use client";

import { Button } from "../button";

export function PageFailure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const digest = error instanceof Error && "digest" in error && typeof error.digest === "string" ? error.digest : undefined;
  return (
    <div role="alert" className="flex w-full max-w-[24rem] flex-col items-start gap-4">
      <div>
        <h1 className="text-title font-semibold">This page could not be shown</h1>
        <p className="pt-1 text-prose text-muted">
          Something went wrong on the server, or on the way to it. Nothing that was stored is lost. Try again in a moment.
        </p>
      </div>
      {digest ? <p className="font-mono text-data text-muted select-all">{digest}</p> : null}
      <Button tone="primary" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}
