/** The body of the composer's request: an editor that completes from the endpoint's schema, or a text area for text. */
"use client";

import { type ClipboardEvent, type RefObject, useRef, useState } from "react";
import { CONTROL } from "../../components/field";
import { CodeEditor } from "../../editor/code-editor";
import { isCurl } from "./parse-curl";
import { maskVariables } from "./request-variables";
import type { Draft } from "./send-record";

const MIN_HEIGHT_PX = 92;
const MAX_HEIGHT_PX = 220;

interface Props {
  draft: Draft;
  /** The endpoint's JSON Schema, if it has one. */
  schema: unknown;
  problem: string | undefined;
  bodyRef: RefObject<HTMLDivElement | null>;
  onChange: (part: Partial<Draft>) => void;
  /** Called with a pasted curl command, which then does not become part of the body. */
  onCurl: (command: string) => void;
  onSubmit: () => void;
}

export function ComposerBody({ draft, schema, problem, bodyRef, onChange, onCurl, onSubmit }: Props) {
  const latestSchema = useRef(schema);
  latestSchema.current = schema;
  const [load] = useState(() => async () => {
    const { createSchemaCodeMirror } = await import("../../editor/schema-code-mirror");
    return {
      createCodeMirror: (setup: Parameters<typeof createSchemaCodeMirror>[0]) =>
        createSchemaCodeMirror(setup, { getSchema: () => latestSchema.current, mask: maskVariables }),
    };
  });
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData("text/plain");
    if (!isCurl(text)) return;
    event.preventDefault();
    event.stopPropagation();
    onCurl(text);
  };
  return (
    <div ref={bodyRef} onPasteCapture={paste}>
      {draft.format === "json" ? (
        <CodeEditor
          load={load}
          label="Body"
          hideLabel
          value={draft.body}
          onChange={(body) => onChange({ body })}
          problem={problem}
          minHeight={MIN_HEIGHT_PX}
          maxHeight={MAX_HEIGHT_PX}
          onSubmit={onSubmit}
        />
      ) : (
        <TextBody draft={draft} problem={problem} onChange={onChange} />
      )}
    </div>
  );
}

function TextBody({ draft, problem, onChange }: Pick<Props, "draft" | "problem" | "onChange">) {
  return (
    <>
      <textarea
        aria-label="Body"
        aria-invalid={problem ? true : undefined}
        aria-describedby="composer-text-problem"
        value={draft.body}
        spellCheck={false}
        onChange={(event) => onChange({ body: event.target.value })}
        style={{ minHeight: MIN_HEIGHT_PX, maxHeight: MAX_HEIGHT_PX }}
        className={`${CONTROL} block field-sizing-content resize-none px-2.5 py-2 font-mono leading-5 [tab-size:2]`}
      />
      <p id="composer-text-problem" className="pt-1 text-delete empty:hidden" aria-live="polite">
        {problem}
      </p>
    </>
  );
}
