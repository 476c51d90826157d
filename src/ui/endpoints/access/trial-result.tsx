/** The verdict of a trial: what decided, what is hidden, and how long it took. */
import type { AccessChecked } from "@/src/shared/management/access";

export function TrialResult({ result }: { result: AccessChecked }) {
  const { allowed, decidedBy, hidden, millis } = result;
  const { kind, rule, line, column, reason } = decidedBy;
  return (
    <div className="flex flex-col gap-2 rounded-md border border-line bg-inset px-4 py-3">
      <p>
        <strong className={`font-semibold ${allowed ? "text-create" : "text-delete"}`}>{allowed ? "Allowed." : "Refused."}</strong>{" "}
        <span className="wrap-anywhere">{reason}</span>
      </p>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {rule === null ? null : (
          <>
            <dt className="text-muted">{kind === "default" ? "Default" : "Rule"}</dt>
            <dd className="min-w-0 font-mono text-data leading-5 wrap-anywhere">
              <MarkedRule {...decidedBy} />
            </dd>
          </>
        )}
        {kind === "function" && line !== null ? (
          <>
            <dt className="text-muted">Function</dt>
            <dd>
              Line {line}
              {column === null ? null : `, column ${column}`}
            </dd>
          </>
        ) : null}
        <dt className="text-muted">Hidden</dt>
        <dd className="min-w-0 font-mono text-data leading-5 wrap-anywhere">
          {hidden.length === 0 ? <span className="font-sans text-ui">Nothing</span> : hidden.map((entry) => <div key={entry}>{entry}</div>)}
        </dd>
        <dt className="text-muted">Time</dt>
        <dd className="tabular-nums">{millis} ms</dd>
      </dl>
    </div>
  );
}

/** The rule, with the part that decided underlined. */
function MarkedRule({ rule, part, line, column }: AccessChecked["decidedBy"]) {
  if (rule === null) return null;
  // Rules of the form have one line.
  const start = part === null || column === null || line !== 1 ? -1 : column - 1;
  if (part === null || rule.slice(start, start + part.length) !== part) return <>{rule}</>;
  return (
    <>
      {rule.slice(0, start)}
      <span className="font-semibold underline decoration-2 underline-offset-4">{part}</span>
      {rule.slice(start + part.length)}
    </>
  );
}
