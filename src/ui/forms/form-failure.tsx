/** Shows why a form or action failed if the problem concerns no field. Announced by screen readers. */
import type { RequestError } from "../api/request-error";

export function FormFailure({ failure }: { failure: RequestError | Error | null | undefined }) {
  const requestId = failure && "requestId" in failure && "status" in failure && failure.status >= 500 ? failure.requestId : undefined;
  return (
    <div role="alert" className="empty:hidden">
      {failure ? (
        <p className="animate-appear rounded-md border border-delete px-3 py-2 text-delete wrap-anywhere">
          {failure.message}
          {requestId ? <span className="block font-mono text-data">{requestId}</span> : null}
        </p>
      ) : null}
    </div>
  );
}
