/** The response to the composer's request: status, time, size, version, and the record. */
import { RequestError } from "../../api/request-error";
import { CopyButton } from "../../components/copy-button";
import { formatBytes } from "../../format/format-number";
import { toPrettyText } from "../../json/json-print";
import { parseStored } from "../../json/json-tree";
import type { Sent } from "./send-record";

export type Outcome = { state: "idle" | "sending" } | { state: "sent"; sent: Sent } | { state: "failed"; error: Error };

/** Longer responses are shown in part. */
const SHOWN_LENGTH_MAX = 20_000;

export function OutcomeLine({ outcome }: { outcome: Outcome }) {
  switch (outcome.state) {
    case "idle":
    case "sending":
      return <output className="sr-only">{outcome.state === "sending" ? "Sending" : ""}</output>;
    case "sent": {
      const { status, durationMs, text, version, recordId } = outcome.sent;
      return (
        <output className="min-w-0 text-muted">
          <span className="font-medium text-create">{status}</span> in {durationMs} ms ·{" "}
          {formatBytes(new TextEncoder().encode(text).length)}
          {version === undefined ? "" : ` · version ${version}`} · <span className="font-mono text-data wrap-anywhere">{recordId}</span>{" "}
          <CopyButton text={recordId} what="the record’s ID" />
        </output>
      );
    }
    case "failed":
      return (
        <p role="alert" className="min-w-0 flex-1 text-delete wrap-anywhere">
          {outcome.error instanceof RequestError && outcome.error.status > 0 ? `${outcome.error.status} · ` : ""}
          {outcome.error.message}
          {outcome.error instanceof RequestError && outcome.error.requestId !== undefined ? (
            <RequestId requestId={outcome.error.requestId} />
          ) : null}
        </p>
      );
  }
}

/** The id by which the request log and the server's own log name the request. */
function RequestId({ requestId }: { requestId: string }) {
  return (
    <span className="flex items-center gap-1 pt-1 text-data text-muted">
      Request <span className="font-mono wrap-anywhere">{requestId}</span> <CopyButton text={requestId} what="the request ID" />
    </span>
  );
}

export function ResponseBody({ sent }: { sent: Sent }) {
  const pretty = toPrettyText(parseStored(sent.text));
  return (
    <details className="group min-w-0">
      <summary className="w-fit text-muted hover:text-text">Response</summary>
      <div className="relative mt-2 rounded-md border border-line bg-inset">
        <div className="absolute top-1.5 right-1.5 rounded-sm bg-inset">
          <CopyButton text={pretty} what="the response" />
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
        <pre tabIndex={0} className="max-h-40 overflow-y-auto p-3 pr-10 font-mono text-data leading-5 wrap-anywhere whitespace-pre-wrap">
          {pretty.length > SHOWN_LENGTH_MAX ? `${pretty.slice(0, SHOWN_LENGTH_MAX)}…` : pretty}
        </pre>
      </div>
      {sent.requestId === undefined ? null : <RequestId requestId={sent.requestId} />}
    </details>
  );
}
