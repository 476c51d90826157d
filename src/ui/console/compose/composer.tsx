/**
 * Sends requests to the endpoint from the console: method, body with variables, response, and the equivalent curl command. Collapsed until it is used.
 */
"use client";

import { ChevronDown } from "lucide-react";
import { memo, type RefObject, useId, useMemo, useRef, useState } from "react";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { readRecord } from "../../api/records";
import { RequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { classNames } from "../../components/class-names";
import { CodeBlock } from "../../components/code-block";
import { CONTROL } from "../../components/field";
import { Segments } from "../../components/segments";
import { DraftNote } from "../../forms/drafts/draft-note";
import { toPrettyText } from "../../json/json-print";
import { parseJson, parseStored } from "../../json/json-tree";
import { type Target, toCurl } from "../../snippets/snippets";
import { toTooltip } from "../shortcuts";
import { type Outcome, OutcomeLine, ResponseBody } from "./composer-answer";
import { ComposerBody } from "./composer-body";
import { RequestMenu, useRequestStore, VariableMenu } from "./composer-requests";
import { parseCurl } from "./parse-curl";
import { addToHistory, type RequestStore } from "./request-store";
import { expandVariables, hasVariables } from "./request-variables";
import { type Draft, METHODS, type Method, STRATEGIES, sendDraft, toDraftRequest } from "./send-record";

export const DRAFT_NEW: Draft = { method: "POST", recordId: "", strategy: "force", format: "json", body: '{\n  "hello": "world"\n}' };

interface Props {
  projectId: string;
  endpointId: string;
  /** The endpoint's JSON Schema, if it has one. */
  schema: unknown;
  /** True at authentication endpoints, whose bodies contain passwords. Their requests are not kept. */
  isSecret: boolean;
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
  /** The element around the field of the body. */
  bodyRef: RefObject<HTMLDivElement | null>;
}

const STRATEGY_HINTS: Readonly<Record<Draft["strategy"], string>> = {
  force: "Replaces the whole data, whatever its type.",
  merge: "Merges an object into the stored one. Arrays and other values are replaced.",
  replace: "Replaces the whole data, if JSON stays JSON and text stays text.",
};

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

function OpenComposer(props: Props) {
  const { projectId, endpointId, schema, isSecret, target, draft, onDraft, restoredAtMs, onDiscard, onSent, sendRef, bodyRef } = props;
  const [outcome, setOutcome] = useState<Outcome>({ state: "idle" });
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const [lastId, setLastId] = useState<string>();
  const [note, setNote] = useState<string>();
  const store = useRequestStore(projectId);
  const expanded = useMemo(() => expandDraft(draft, store, lastId), [draft, store, lastId]);
  const problems = toProblems(draft, expanded);
  const latestDraft = useRef(draft);
  latestDraft.current = draft;
  const choose = (next: Draft) => {
    onDraft(next);
    setNote(undefined);
    if (outcome.state !== "sending") setOutcome({ state: "idle" });
  };
  const set = (part: Partial<Draft>) => choose({ ...draft, ...part });
  const setRecordId = (recordId: string) => {
    set({ recordId });
    // A body that was not edited is replaced by the record's data, to start from.
    if (draft.method !== "PUT" || !isUniqueId(recordId) || (draft.body.trim() !== "" && draft.body !== DRAFT_NEW.body)) return;
    readRecord(endpointId, recordId).then(
      ({ data, contentType }) => {
        if (latestDraft.current.recordId !== recordId || latestDraft.current.method !== "PUT") return;
        const body = contentType === "text" ? toTextBody(data) : toPrettyText(parseStored(data));
        onDraft({ ...latestDraft.current, body, format: contentType === "text" ? "text" : "json" });
        setNote("Filled in with the record’s current data.");
      },
      (error: Error) => setNote(`Couldn’t load this record: ${error.message}`),
    );
  };
  const fillIn = (command: string) => {
    const parsed = parseCurl(command);
    if (parsed.ok) onDraft({ ...draft, ...parsed.draft });
    setNote(parsed.ok ? "Filled in from the curl command. Requests always go to this endpoint." : parsed.problem);
  };
  const send = () => {
    setWasSubmitted(true);
    setNote(undefined);
    if (outcome.state === "sending" || !expanded.ok || problems.body || problems.recordId) return;
    setOutcome({ state: "sending" });
    // Times and random numbers are those of the request, not of the last edit.
    const now = expandDraft(draft, store, lastId);
    const keep = (status: number) => {
      if (!isSecret) addToHistory(projectId, { draft, endpointId, status, atMs: Date.now() });
    };
    sendDraft(endpointId, now.ok ? now.draft : expanded.draft).then(
      (sent) => {
        setOutcome({ state: "sent", sent });
        onSent();
        setLastId(sent.recordId);
        setWasSubmitted(false);
        keep(sent.status);
      },
      (error: Error) => {
        setOutcome({ state: "failed", error });
        if (error instanceof RequestError && error.status > 0) keep(error.status);
      },
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
      className="flex max-h-[45dvh] max-w-[64rem] flex-col gap-3 overflow-y-auto px-4 pb-3"
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
          <RecordIdField draft={draft} problem={wasSubmitted ? problems.recordId : undefined} onChange={setRecordId} />
        )}
        {draft.method === "PUT" ? (
          <Segments
            label="Strategy"
            hideLabel
            value={draft.strategy}
            options={STRATEGIES.map((value) => ({ value, label: value }))}
            hint={STRATEGY_HINTS[draft.strategy]}
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
      {draft.method === "DELETE" ? null : (
        <ComposerBody
          draft={draft}
          schema={schema}
          problem={wasSubmitted || !expanded.ok || draft.format === "text" ? problems.body : undefined}
          bodyRef={bodyRef}
          onChange={set}
          onCurl={fillIn}
          onSubmit={() => sendRef.current?.()}
        />
      )}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          tone={draft.method === "DELETE" ? "danger" : "primary"}
          type="submit"
          busy={outcome.state === "sending"}
          title={toTooltip("send")}
        >
          {draft.method === "DELETE" ? "Delete record" : "Send"}
        </Button>
        <RequestMenu projectId={projectId} store={store} draft={draft} isSecret={isSecret} onChoose={choose} />
        <VariableMenu projectId={projectId} store={store} />
        <p role="status" className="text-muted empty:hidden">
          {note}
        </p>
        <OutcomeLine outcome={outcome} />
      </div>
      {outcome.state === "sent" ? <ResponseBody sent={outcome.sent} /> : null}
      <details className="group">
        <summary className="w-fit text-muted hover:text-text">curl equivalent</summary>
        <div className="pt-2">
          <CodeBlock code={toCurl(toDraftRequest(expanded.ok ? expanded.draft : draft, target))} what="the curl command" />
        </div>
      </details>
    </form>
  );
}

function RecordIdField({ draft, problem, onChange }: { draft: Draft; problem: string | undefined; onChange: (recordId: string) => void }) {
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
        onChange={(event) => onChange(event.target.value.trim())}
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

type ExpandedDraft = { ok: true; draft: Draft } | { ok: false; unknown: string };

/** The draft with its variables replaced by the values of this moment. */
function expandDraft(draft: Draft, { variables }: RequestStore, lastId: string | undefined): ExpandedDraft {
  const own = new Map(variables.map(({ name, value }) => [name, value]));
  const sources = { nowMs: Date.now(), random: Math.random, lastId, own };
  const recordId = expandVariables(draft.recordId, sources);
  if (!recordId.ok) return recordId;
  const body = expandVariables(draft.body, sources);
  return body.ok ? { ok: true, draft: { ...draft, recordId: recordId.text, body: body.text } } : body;
}

/** The text of a record that was sent as text. */
function toTextBody(data: string): string {
  const node = parseStored(data);
  return node.kind === "string" ? node.value : data;
}

function toProblems(draft: Draft, expanded: ExpandedDraft): { body?: string; recordId?: string } {
  if (!expanded.ok) {
    const problem = `{{${expanded.unknown}}} has no value.${expanded.unknown === "id" ? " Send a request first." : " Set it under Variables."}`;
    return hasVariables(draft.recordId) && !hasVariables(draft.body) ? { recordId: problem } : { body: problem };
  }
  return toDraftProblems(expanded.draft);
}

function toDraftProblems(draft: Draft): { body?: string; recordId?: string } {
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
