/** Shown when a part of a page fails: what failed, the request id, and a button to retry. */
"use client";

import { RequestError } from "../../api/request-error";
import { Button } from "../button";
import { CopyButton } from "../copy-button";

export function ProblemPanel({ what, error, onRetry }: { what: string; error: unknown; onRetry: () => void }) {
  const requestId = error instanceof RequestError ? error.requestId : undefined;
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 rounded-md border border-line bg-surface px-5 py-4"
    >
      <div className="min-w-0">
        <p className="font-medium">{what}</p>
        <p className="text-muted">{error instanceof Error ? error.message : "Something went wrong."}</p>
        {requestId ? (
          <p className="flex items-center gap-1 pt-1 font-mono text-data text-muted">
            {requestId}
            <CopyButton text={requestId} what="the request ID" />
          </p>
        ) : null}
      </div>
      <Button onClick={onRetry}>Try again</Button>
    </div>
  );
}
