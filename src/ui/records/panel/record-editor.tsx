/** Edits the JSON or text of a record. Saving fails if someone else has changed the record in the meantime. */
"use client";

import { type ReactNode, useEffect, useState } from "react";
import type { GridRow } from "../../api/record-rows";
import { createRecord, type RecordDraft, readRecord, replaceRecord } from "../../api/records";
import { RequestError, toRequestError } from "../../api/request-error";
import { Button } from "../../components/button";
import { TextAreaField } from "../../components/field";
import { JsonEditor, type JsonProblem } from "../../editor/json-editor";
import { DraftNote } from "../../forms/drafts/draft-note";
import type { Draft } from "../../forms/drafts/use-draft";
import { FormFailure } from "../../forms/form-failure";
import { toPrettyText } from "../../json/json-print";
import { parseJson, parseStored } from "../../json/json-tree";
import { notify } from "../../notifications/notify";
import { ConflictView } from "./conflict-view";
import type { RecordEdit } from "./record-drafts";

interface Props {
  endpointId: string;
  /** The record as it was read. Its version is the condition for saving. */
  record: GridRow;
  /** The unsaved text. */
  kept: Draft<RecordEdit>;
  hint: string | undefined;
  /** Shown above the editor, but not beside a conflict. */
  note: ReactNode;
  onDirty: (dirty: boolean) => void;
  onSaved: (record: GridRow) => void;
  /** Called when editing ends without saving. `latest`: the current record, if it is newer; null if it was deleted. */
  onLeave: (latest?: GridRow | null) => void;
  onCreated: (id: string) => void;
}

export function RecordEditor({ endpointId, record, kept, hint, note, onDirty, onSaved, onLeave, onCreated }: Props) {
  const base = kept.value?.base ?? record;
  const text = kept.value?.text ?? toEditable(record);
  const [theirs, setTheirs] = useState<{ record: GridRow | undefined }>();
  const [showsConflict, setShowsConflict] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestError>();
  const isText = record.contentType === "text";
  const draft: RecordDraft = isText ? { contentType: "text", text } : { contentType: "json", text };

  const change = (next: string) => {
    if (next === toEditable(base)) kept.clear();
    else kept.set({ text: next, base });
    setFailure(undefined);
  };
  const isDirty = kept.value !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: called for each change only
  useEffect(() => onDirty(isDirty), [isDirty]);
  // Restored text may be of an older version of the record.
  const isRestored = kept.restoredAtMs !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: checked once
  useEffect(() => {
    if (isRestored) void checkRestored();
  }, [isRestored]);
  const save = async (current: GridRow) => {
    if (busy || (!isText && !parseJson(text).ok) || text === "") return;
    setBusy(true);
    setFailure(undefined);
    try {
      const saved = await replaceRecord(endpointId, current, draft);
      kept.clear();
      onSaved(saved);
      notify("Record saved.");
    } catch (error) {
      if (!isConflict(error)) setFailure(toRequestError(error));
      else if (await readTheirs()) setShowsConflict(true);
    } finally {
      setBusy(false);
    }
  };
  /** Shows the conflict if the record was changed since the restored text was made. */
  const checkRestored = async () => {
    const current = await readRecord(endpointId, record.id).catch(nullIfDeleted);
    if (current === undefined || current?.version === base.version) return;
    setTheirs({ record: current ?? undefined });
    setShowsConflict(true);
  };
  /** Reads the other side's version. Returns false if that fails. */
  const readTheirs = async (): Promise<boolean> => {
    try {
      setTheirs({ record: await readRecord(endpointId, record.id).catch(undefinedIfDeleted) });
      return true;
    } catch (error) {
      setFailure(toRequestError(error));
      return false;
    }
  };
  const keepMine = async () => {
    if (theirs?.record) return save(theirs.record);
    setBusy(true);
    try {
      const created = await createRecord(endpointId, draft);
      kept.clear();
      onCreated(created);
    } catch (error) {
      setFailure(toRequestError(error));
      setShowsConflict(false);
    } finally {
      setBusy(false);
    }
  };
  const leave = (latest?: GridRow | null) => {
    kept.clear();
    onLeave(latest);
  };
  const keepEditing = () => {
    // The other side's version becomes the base of the edit.
    if (theirs?.record) kept.set({ text, base: theirs.record });
    setShowsConflict(false);
  };

  if (showsConflict && theirs) {
    return (
      <div className="flex flex-col gap-3">
        <ConflictView
          base={base.data}
          mine={isText ? JSON.stringify(text) : text}
          theirs={theirs.record}
          busy={busy}
          onKeepMine={() => void keepMine()}
          onTakeTheirs={() => leave(theirs.record ?? null)}
          onKeepEditing={keepEditing}
        />
        <FormFailure failure={failure} />
      </div>
    );
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save(base);
      }}
      className="flex flex-col gap-3"
    >
      <DraftNote restoredAtMs={kept.restoredAtMs} onDiscard={() => leave()} />
      {note}
      {isText ? (
        <TextAreaField label="Text" mono rows={10} value={text} onChange={(event) => change(event.target.value)} />
      ) : (
        <JsonEditor
          label="JSON"
          hint={hint}
          value={text}
          onChange={change}
          problems={toProblems(failure)}
          onSubmit={() => void save(base)}
          minHeight={240}
          maxHeight={560}
        />
      )}
      <FormFailure failure={failure} />
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" type="submit" busy={busy} title="Save (Ctrl ↵)">
          Save
        </Button>
        <Button onClick={() => leave()}>Cancel</Button>
      </div>
    </form>
  );
}

/** The initial text of the editor: indented JSON, or the text. */
export function toEditable({ contentType, data }: Pick<GridRow, "contentType" | "data">): string {
  const node = parseStored(data);
  return contentType === "text" && node.kind === "string" ? node.value : toPrettyText(node);
}

/** The positions of schema mismatches, or of missing credentials. */
export function toProblems(failure: RequestError | undefined): readonly JsonProblem[] {
  const fields = Object.entries(failure?.fields ?? {});
  if (failure?.code === "schema_mismatch") return fields.map(([pointer, message]) => ({ pointer, message }));
  if (failure?.code === "credentials_invalid") return fields.map(([name, message]) => ({ pointer: `/${name}`, message }));
  return [];
}

function isConflict(error: unknown): boolean {
  return error instanceof RequestError && (error.code === "version_conflict" || error.code === "record_not_found");
}

/** Null if the record was deleted, undefined if it could not be read. */
function nullIfDeleted(error: unknown): null | undefined {
  return error instanceof RequestError && error.code === "record_not_found" ? null : undefined;
}

function undefinedIfDeleted(error: unknown): undefined {
  if (error instanceof RequestError && error.code === "record_not_found") return undefined;
  throw error;
}
