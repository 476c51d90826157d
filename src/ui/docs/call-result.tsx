/** The response to a request: status, time, size, headers, body. */
import type { ReactNode } from "react";
import { CodeBlock } from "../components/code-block";
import { formatBytes } from "../format/format-number";
import { toPrettyText } from "../json/json-print";
import { parseJson } from "../json/json-tree";
import type { CallResponse } from "./send-call";

export function CallResult({ response }: { response: CallResponse }) {
  const { status, statusText, durationMs, headers, text, bytes, isCut } = response;
  const tone = status < 300 ? "text-create" : status < 400 ? "text-text" : "text-delete";
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <dl className="flex flex-wrap gap-x-6 gap-y-1">
        <Fact name="Status">
          <span className={`font-medium ${tone}`}>
            {status} {statusText}
          </span>
        </Fact>
        <Fact name="Time">{durationMs} ms</Fact>
        <Fact name="Body">
          {formatBytes(bytes)}
          {isCut ? " shown, more not loaded" : ""}
        </Fact>
      </dl>
      {text === undefined ? <p className="text-muted">The body isn’t text.</p> : null}
      {text ? <CodeBlock title="Body" code={isCut ? text : toReadable(text)} what="the body" /> : null}
      <details className="min-w-0">
        <summary className="w-fit rounded-sm py-1 text-muted hover:text-text">Headers ({headers.length})</summary>
        <div className="pt-2">
          <CodeBlock code={headers.map(([name, value]) => `${name}: ${value}`).join("\n")} what="the headers" />
        </div>
      </details>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex gap-2">
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** JSON with line breaks, digits and keys unchanged. Other texts are returned unchanged. */
function toReadable(text: string): string {
  const parsed = parseJson(text);
  return parsed.ok ? toPrettyText(parsed.node) : text;
}
