/** Sends requests to the endpoint from the console: method, body, and the equivalent curl command. Collapsed until it is used. */
"use client";

import { ChevronDown } from "lucide-react";
import { memo, type RefObject, useId, useState } from "react";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { RequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { classNames } from "../../components/class-names";
import { CodeBlock } from "../../components/code-block";
import { CONTROL } from "../../components/field";
import { Segments } from "../../components/segments";
import { DraftNote } from "../../forms/drafts/draft-note";
import { parseJson } from "../../json/json-tree";
import { type Target, toCurl } from "../../snippets/snippets";
import { toTooltip } from "../shortcuts";
import { type Draft, METHODS, type Method, type Sent, STRATEGIES, sendDraft, toDraftRequest } from "./send-record";

export const DRAFT_NEW: Draft = { method: "POST", recordId: "", strategy: "force", format: "json", body: '{\n  "hello": "world"\n}' };

interface Props {
  endpointId: string;
  target: Target;
  draft: Draft;
  onDraft: (draft: Draft) => void;
  /** When the draft was changed, if it was restored. */
  restoredAtMs: number | undefined;
  onDiscard: () => void;
  onSent: () => void;
  open: boolean;
  onOpen: (open: boolean) => void;
  /** Set to the function that sends, for the keyboard shortcut. */
  sendRef: RefObject<(() => void) | undefined>;
  bodyRef: RefObject<HTMLTextAreaElement | null>;
}

type Outcome = { state: "idle" | "sending" } | { state: "sent"; sent: Sent } | { state: "failed"; error: Error };

/** Memoized, because every rendering checks the body, which can be long. */
export const Composer = memo(function Composer(props: Props) {
  const { open, onOpen } = props;
  return (
    <section aria-label="Send a request" className="shrink-0 border-t border-line bg-surface">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => onOpen(!open)}
        className="flex h-9 w-full items-center gap-2 px-4 text-left text-muted hover:bg-hover hover:text-text focus-visible:-outline-offset-2 pointer-coarse:h-11"
      >
        <ChevronDown className={classNames("size-3.5", open ? "" : "rotate-180")} aria-hidden="true" />
        <span className={open ? "font-medium text-text" : ""}>{open ? "Send a request" : "Send a request…"}</span>
        {props.restoredAtMs !== undefined && !open ? <span className="text-warn">Your unsent request was restored.</span> : null}
      </button>
      {open ? <OpenComposer {...props} /> : null}
    </section>
  );
});

function OpenComposer({ endpointId, target, draft, onDraft, restoredAtMs, onDiscard, onSent, sendRef, bodyRef }: Props) {
  const [outcome, setOutcome] = useState<Outcome>({ state: "idle" });
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const problems = toProblems(draft);
  const set = (part: Partial<Draft>) => {
    onDraft({ ...draft, ...part });
    if (outcome.state !== "sending") setOutcome({ state: "idle" });
  };
  const send = () => {
    setWasSubmitted(true);
    if (outcome.state === "sending" || problems.body || problems.recordId) return;
    setOutcome({ state: "sending" });
    sendDraft(endpointId, draft).then(
      (sent) => {
        setOutcome({ state: "sent", sent });
        onSent();
        setWasSubmitted(false);
      },
      (error: Error) => setOutcome({ state: "failed", error }),
    );
  };
  sendRef.current = send;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      className="flex max-h-[50dvh] flex-col gap-3 overflow-y-auto px-4 pb-3"
    >
      <DraftNote restoredAtMs={restoredAtMs} onDiscard={onDiscard} />
      <div className="flex flex-wrap items-end gap-3">
        <Segments
          label="Method"
          hideLabel
          value={draft.method}
          options={METHODS.map((value) => ({ value, label: value }))}
          onChange={(method: Method) => set({ method })}
        />
        {draft.method === "POST" ? null : (
          <RecordIdField draft={draft} problem={wasSubmitted ? problems.recordId : undefined} onChange={set} />
        )}
        {draft.method === "PUT" ? (
          <Segments
            label="Strategy"
            hideLabel
            value={draft.strategy}
            options={STRATEGIES.map((value) => ({ value, label: value }))}
            onChange={(strategy) => set({ strategy })}
          />
        ) : null}
        {draft.method === "DELETE" ? null : (
          <Segments
            label="Format"
            hideLabel
            value={draft.format}
            options={[
              { value: "json", label: "JSON" },
              { value: "text", label: "Text" },
            ]}
            onChange={(format) => set({ format })}
          />
        )}
      </div>
      {draft.method === "DELETE" ? null : <BodyField draft={draft} problem={problems.body} bodyRef={bodyRef} onChange={set} />}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          tone={draft.method === "DELETE" ? "danger" : "primary"}
          type="submit"
          busy={outcome.state === "sending"}
          title={toTooltip("send")}
        >
          {draft.method === "DELETE" ? "Delete record" : "Send"}
        </Button>
        <OutcomeLine outcome={outcome} />
      </div>
      <details className="group">
        <summary className="w-fit text-muted hover:text-text">curl equivalent</summary>
        <div className="pt-2">
          <CodeBlock code={toCurl(toDraftRequest(draft, target))} what="the curl command" />
        </div>
      </details>
    </form>
  );
}

function RecordIdField({
  draft,
  problem,
  onChange,
}: {
  draft: Draft;
  problem: string | undefined;
  onChange: (part: Partial<Draft>) => void;
}) {
  const id = useId();
  return (
    <div className="min-w-64 flex-1">
      <input
        aria-label="Record ID"
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? id : undefined}
        placeholder="Record ID: 32 hex digits"
        value={draft.recordId}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange({ recordId: event.target.value.trim() })}
        className={`${CONTROL} h-control px-2.5 font-mono`}
      />
      {problem ? (
        <p id={id} className="pt-1 text-delete">
          {problem}
        </p>
      ) : null}
    </div>
  );
}

function BodyField({
  draft,
  problem,
  bodyRef,
  onChange,
}: {
  draft: Draft;
  problem: string | undefined;
  bodyRef: RefObject<HTMLTextAreaElement | null>;
  onChange: (part: Partial<Draft>) => void;
}) {
  const id = useId();
  return (
    <div>
      <textarea
        ref={bodyRef}
        aria-label="Body"
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? id : undefined}
        value={draft.body}
        rows={Math.min(Math.max(draft.body.split("\n").length, 3), 12)}
        spellCheck={false}
        onChange={(event) => onChange({ body: event.target.value })}
        className={`${CONTROL} block resize-y px-2.5 py-2 font-mono leading-5 [tab-size:2]`}
      />
      <p id={id} className="min-h-5 pt-1 text-delete" aria-live="polite">
        {problem}
      </p>
    </div>
  );
}

function OutcomeLine({ outcome }: { outcome: Outcome }) {
  switch (outcome.state) {
    case "idle":
    case "sending":
      return <output className="sr-only">{outcome.state === "sending" ? "Sending" : ""}</output>;
    case "sent":
      return (
        <output className="text-muted">
          <span className="font-medium text-create">{outcome.sent.status}</span> in {outcome.sent.durationMs} ms ·{" "}
          <span className="font-mono text-data wrap-anywhere">{outcome.sent.recordId}</span>
        </output>
      );
    case "failed":
      return (
        <p role="alert" className="min-w-0 flex-1 text-delete wrap-anywhere">
          {outcome.error instanceof RequestError && outcome.error.status > 0 ? `${outcome.error.status} · ` : ""}
          {outcome.error.message}
        </p>
      );
  }
}

function toProblems(draft: Draft): { body?: string; recordId?: string } {
  const problems: { body?: string; recordId?: string } = {};
  if (draft.method !== "POST" && !isUniqueId(draft.recordId)) problems.recordId = "Enter the record’s ID: 32 lowercase hex digits.";
  if (draft.method !== "DELETE") {
    const body = toBodyProblem(draft);
    if (body) problems.body = body;
  }
  return problems;
}

function toBodyProblem({ format, body }: Draft): string | undefined {
  if (format === "text") return body === "" ? "The body is empty. Enter some text." : undefined;
  const parsed = parseJson(body);
  if (parsed.ok) return undefined;
  const { message, line, column } = parsed.problem;
  return `Line ${line}, column ${column}: ${message}`;
}
