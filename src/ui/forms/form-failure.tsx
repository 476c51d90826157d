/** Says why a form was not accepted, when no field is to blame; read aloud when it appears. */
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
