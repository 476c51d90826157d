/**
 * Shows why a form or action failed if the problem concerns no field. Announced by screen readers. With the request id, which identifies the entry in
 * the server's log, or a way to sign in if the session has ended.
 */
"use client";

import type { RequestError } from "../api/request-error";
import { askToSignIn, isSessionError } from "../api/session";
import { Button } from "../components/button";
import { CopyButton } from "../components/copy-button";

export function FormFailure({ failure }: { failure: RequestError | Error | null | undefined }) {
  const requestId = failure && "requestId" in failure ? failure.requestId : undefined;
  return (
    <div role="alert" className="empty:hidden">
      {failure ? (
        <div className="flex animate-appear flex-wrap items-center justify-between gap-x-4 gap-y-1 rounded-md border border-delete px-3 py-2">
          <div className="min-w-0 wrap-anywhere">
            <p className="text-delete">{failure.message}</p>
            {requestId ? (
              <p className="flex items-center gap-1 font-mono text-data text-muted">
                {requestId}
                <CopyButton text={requestId} what="the request ID" />
              </p>
            ) : null}
          </div>
          {isSessionError(failure) ? <Button onClick={askToSignIn}>Sign in</Button> : null}
        </div>
      ) : null}
    </div>
  );
}
