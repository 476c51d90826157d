/** Changes fields of all records that match: enter, preview, run with progress and Stop. */
"use client";

import { useState } from "react";
import type { GridQuery } from "../../api/record-rows";
import { type RequestError, toRequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { Dialog, DialogActions } from "../../components/overlay/dialog";
import { formatCount, formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { diffJson } from "../../json/json-diff";
import { toCompactText } from "../../json/json-print";
import { parseStored } from "../../json/json-tree";
import { type DraftChange, type Scope, toChangesText, toUpdateBody } from "./bulk-request";
import { ChangeFields } from "./change-fields";
import { type PreviewedRecord, previewUpdate } from "./edit-requests";
import { useBulkRun } from "./use-bulk-run";

interface Props {
  endpointId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  query: GridQuery;
  selected: ReadonlySet<string>;
  /** Paths that are offered. */
  fields: readonly string[];
  /** Called when records were changed. */
  onChanged: () => void;
  onOpenRecord: (id: string) => void;
}

export function BulkDialog({ open, onOpenChange, ...props }: Props) {
  const [running, setRunning] = useState(false);
  return (
    // A run is stopped before its dialog is closed.
    <Dialog wide open={open} onOpenChange={(next) => (next || !running) && onOpenChange(next)} title="Change fields of several records">
      <BulkForm {...props} onRunning={setRunning} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

type FormProps = Omit<Props, "open" | "onOpenChange"> & { onRunning: (running: boolean) => void; onDone: () => void };

function BulkForm({ endpointId, query, selected, fields, onChanged, onOpenRecord, onRunning, onDone }: FormProps) {
  // The scope stays the same, also if the selection changes while the dialog is open.
  const [scope] = useState<Scope>(() => ({ query, uniqueIds: selected.size > 0 ? [...selected] : undefined }));
  const [changes, setChanges] = useState<readonly DraftChange[]>([{ field: "", op: "set", typed: "" }]);
  const [problem, setProblem] = useState<Extract<ReturnType<typeof toChangesText>, { ok: false }>>();
  const [previewed, setPreviewed] = useState<{ changesText: string; matching: number | null; first: PreviewedRecord[] }>();
  const [invalid, setInvalid] = useState<RequestError>();
  const run = useBulkRun(endpointId, { onRunning, onChanged });

  const edit = (next: readonly DraftChange[]) => {
    setChanges(next);
    setProblem(undefined);
    setInvalid(undefined);
    setPreviewed(undefined);
  };
  const preview = useAction(async () => {
    const parsed = toChangesText(changes);
    if (!parsed.ok) return setProblem(parsed);
    try {
      setPreviewed({ changesText: parsed.text, ...(await previewUpdate(endpointId, toUpdateBody(parsed.text, scope))) });
    } catch (error) {
      const failure = toRequestError(error);
      const [, index, field = ""] = /^changes\.(\d+)(?:\.(\w+))?$/.exec(Object.keys(failure.fields)[0] ?? "") ?? [];
      if (index === undefined) return setInvalid(failure);
      setProblem({
        ok: false,
        index: Number(index),
        field: field === "value" ? "value" : "field",
        problem: Object.values(failure.fields)[0] ?? failure.message,
      });
    }
  });

  if (run.state) {
    return (
      <div className="flex flex-col gap-4">
        <Progress run={run.state} matching={previewed?.matching ?? null} />
        <FormFailure failure={run.state.failure} />
        {run.state.failed.length > 0 ? <FailedList failed={run.state.failed} onOpenRecord={onOpenRecord} /> : null}
        <DialogActions>
          {run.state.isRunning ? (
            <Button onClick={run.stop}>Stop</Button>
          ) : (
            <>
              <Button tone="primary" onClick={onDone}>
                Close
              </Button>
              {run.state.next === undefined ? null : <Button onClick={run.resume}>Continue</Button>}
            </>
          )}
        </DialogActions>
      </div>
    );
  }
  const matching = previewed?.matching;
  const count = matching === null || matching === undefined ? "all matching records" : formatPlural(matching, "record");
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        preview.run();
      }}
      className="flex flex-col gap-4"
    >
      <p className="text-muted">{toScopeSentence(scope)} Connected clients receive each change.</p>
      <ChangeFields changes={changes} fields={fields} problem={problem} onChange={edit} />
      <FormFailure failure={invalid ?? preview.failure} />
      {previewed ? <Preview {...previewed} /> : null}
      <DialogActions>
        {previewed && matching !== 0 ? (
          <Button tone="primary" onClick={() => run.start(previewed.changesText, scope)}>
            Change {count}
          </Button>
        ) : (
          <Button tone="primary" type="submit" busy={preview.pending}>
            Preview
          </Button>
        )}
        <Button onClick={onDone}>Cancel</Button>
      </DialogActions>
    </form>
  );
}

function toScopeSentence({ query, uniqueIds }: Scope): string {
  if (uniqueIds) return `Changes the ${formatPlural(uniqueIds.length, "selected record")}.`;
  const isNarrowed = query.search.trim() !== "" || query.filters.length > 0;
  return isNarrowed
    ? "Changes all records that match the search and filters."
    : "Changes all records of this endpoint. Filter or select to change some of them.";
}

function Preview({ matching, first }: { matching: number | null; first: readonly PreviewedRecord[] }) {
  return (
    <section aria-label="Preview" className="flex flex-col gap-1.5">
      <p role="status" className="font-medium">
        {matching === null
          ? "Many records match."
          : matching === 0
            ? "No records match."
            : `${formatPlural(matching, "record")} ${matching === 1 ? "matches" : "match"}.`}
        {first.length > 0 && matching !== 0 ? (
          <span className="font-normal text-muted">
            {" "}
            Nothing is changed yet. The first {first.length === 1 ? "one" : formatCount(first.length)}:
          </span>
        ) : null}
      </p>
      {first.length > 0 ? (
        <ul
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reached by keyboard
          tabIndex={0}
          className="flex max-h-64 flex-col divide-y divide-line overflow-y-auto rounded-md border border-line"
          aria-label="First records"
        >
          {first.map((record) => (
            <li key={record.uniqueId} className="flex gap-3 px-3 py-1.5 font-mono text-data">
              <span className="shrink-0 text-muted">…{record.uniqueId.slice(-8)}</span>
              <span className="min-w-0 flex-1 wrap-anywhere">
                <Difference record={record} />
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function Difference({ record: { before, after, error } }: { record: PreviewedRecord }) {
  if (error || after === undefined) return <span className="font-sans text-delete">{error?.detail}</span>;
  const changes = diffJson(parseStored(before), parseStored(after), 20);
  if (changes.length === 0) return <span className="font-sans text-muted">Already has these values.</span>;
  return changes.map((change) => (
    <span key={change.path} className="block">
      {change.path || "data"}: <span className="text-muted line-through">{"before" in change ? toCompactText(change.before, 80) : ""}</span>
      {"before" in change ? " → " : ""}
      {"after" in change ? toCompactText(change.after, 80) : <span className="font-sans">removed</span>}
    </span>
  ));
}

type RunState = NonNullable<ReturnType<typeof useBulkRun>["state"]>;

function Progress({ run: { updated, unchanged, failed, isRunning, next }, matching }: { run: RunState; matching: number | null }) {
  const done = updated + unchanged + failed.length;
  const parts = [
    `Changed ${formatPlural(updated, "record")}.`,
    unchanged > 0 ? `${formatCount(unchanged)} already had these values.` : "",
    failed.length > 0 ? `${formatCount(failed.length)} couldn’t be changed.` : "",
    !isRunning && next !== undefined ? "Stopped." : "",
  ];
  return (
    <div className="flex flex-col gap-2">
      <p role="status" className="font-medium tabular-nums">
        {isRunning
          ? `${formatCount(done)}${matching === null ? "" : ` of ${formatCount(matching)}`}…`
          : parts.filter((part) => part !== "").join(" ")}
      </p>
      <progress
        aria-label="Records"
        className="h-1.5 w-full accent-focus"
        max={Math.max(matching ?? 0, done, 1)}
        value={isRunning && matching === null ? undefined : done}
      />
    </div>
  );
}

function FailedList({ failed, onOpenRecord }: { failed: RunState["failed"]; onOpenRecord: (id: string) => void }) {
  return (
    <ul
      aria-label="Records that couldn’t be changed"
      className="flex max-h-56 flex-col divide-y divide-line overflow-y-auto rounded-md border border-line"
    >
      {failed.slice(0, SHOWN_MAX).map(({ uniqueId, error }) => (
        <li key={uniqueId} className="flex gap-3 px-3 py-1.5">
          <button type="button" onClick={() => onOpenRecord(uniqueId)} className="shrink-0 font-mono text-data text-focus">
            …{uniqueId.slice(-8)}
          </button>
          <span className="min-w-0 flex-1 wrap-anywhere text-muted">{error.detail}</span>
        </li>
      ))}
      {failed.length > SHOWN_MAX ? <li className="px-3 py-1.5 text-muted">And {formatCount(failed.length - SHOWN_MAX)} more.</li> : null}
    </ul>
  );
}

const SHOWN_MAX = 200;
