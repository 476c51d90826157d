/** Shown when a page fails: what to do, and the request id, which the server's log has too. Kept small, because every page includes it. */
"use client";

import { Button } from "../button";
import { Wordmark } from "../wordmark";

/** `withLogo`: outside of the dashboard's frame. */
export function PageFailure({ error, onRetry, withLogo = false }: { error: unknown; onRetry: () => void; withLogo?: boolean }) {
  const digest = error instanceof Error && "digest" in error && typeof error.digest === "string" ? error.digest : undefined;
  return (
    <div className="flex justify-center px-4 pt-[14dvh] pb-10">
      <div role="alert" className="flex w-full max-w-[24rem] flex-col items-start gap-4">
        {withLogo ? <Wordmark /> : null}
        <div>
          <h1 className="text-title font-semibold">This page couldn’t be loaded</h1>
          <p className="pt-1 text-prose text-muted">
            Something went wrong on the server or in the network. Stored data is safe. Try again in a moment.
          </p>
        </div>
        {digest ? (
          <p className="text-muted">
            Request ID <span className="font-mono text-data select-all">{digest}</span>
          </p>
        ) : null}
        <Button tone="primary" onClick={onRetry}>
          Try again
        </Button>
      </div>
    </div>
  );
}
