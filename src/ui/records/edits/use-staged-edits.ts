/** Staged changes of cells: undo, saving together, and keeping them while the page is left. */
"use client";

import { useEffect, useRef, useState } from "react";
import { useAccount } from "../../api/account-context";
import type { GridRow } from "../../api/record-rows";
import { type RequestError, toRequestError } from "../../api/request-error";
import { formatPlural } from "../../format/format-number";
import { drafts } from "../../forms/drafts/drafts";
import { notify } from "../../notifications/notify";
import type { ColumnPath } from "../grid/grid-columns";
import { type EditedRecord, sendEdits } from "./edit-requests";
import { NOTHING_STAGED, parseKept, type StagedRecord, type StagedRecords, stage, toEditBody, toKeptText } from "./staged";

export interface StagedEdits {
  staged: StagedRecords;
  saving: boolean;
  /** A failure of the whole request. */
  failure: RequestError | undefined;
  canUndo: boolean;
  put: (row: GridRow, path: ColumnPath, text: string | undefined) => void;
  undo: () => void;
  discard: (id?: string) => void;
  /** Saves all records that still have their versions. */
  save: () => Promise<void>;
  /** Saves one record over the version of others. */
  keepMine: (id: string) => Promise<void>;
}

/** `onSaved`: the record as it is now, after it was saved. */
export function useStagedEdits(endpointId: string, onSaved: (record: GridRow) => void): StagedEdits {
  const draft = `${useAccount()?.id ?? ""}/staged/${endpointId}`;
  const [staged, setStaged] = useState(NOTHING_STAGED);
  const [history, setHistory] = useState<readonly StagedRecords[]>([]);
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState<RequestError>();
  useEffect(() => setStaged(parseKept(drafts.read(draft)?.value)), [draft]);
  const isDirty = staged.size > 0;
  const isFirst = useRef(true);
  useEffect(() => {
    // The kept changes are read first.
    if (isFirst.current) isFirst.current = false;
    else if (isDirty) drafts.write(draft, toKeptText(staged));
    else drafts.clear(draft);
  }, [draft, staged, isDirty]);

  const change = (next: StagedRecords) => {
    setHistory([...history, staged]);
    setStaged(next);
    setFailure(undefined);
  };
  const send = async (records: StagedRecords): Promise<void> => {
    if (saving || records.size === 0) return;
    setSaving(true);
    setFailure(undefined);
    try {
      let results = await editRecords(endpointId, [...records.values()]);
      // The newest state was on the screen already: changes from the stream have no version.
      const seen = results.filter(
        ({ error, record }) => error?.code === "version_conflict" && record?.data === records.get(record?.id ?? "")?.row.data,
      );
      if (seen.length > 0) {
        const again = seen.flatMap(({ uniqueId, record }) => {
          const mine = records.get(uniqueId);
          return mine && record ? [{ ...mine, row: record }] : [];
        });
        const retried = new Map((await editRecords(endpointId, again)).map((result) => [result.uniqueId, result]));
        results = results.map((result) => retried.get(result.uniqueId) ?? result);
      }
      setStaged((before) => settle(before, results));
      setHistory([]);
      const saved = results.filter(({ outcome }) => outcome !== "failed");
      for (const { record } of saved) if (record) onSaved(record);
      if (saved.length > 0) notify(`Saved ${formatPlural(saved.length, "record")}.`);
    } catch (error) {
      setFailure(toRequestError(error));
    } finally {
      setSaving(false);
    }
  };
  return {
    staged,
    saving,
    failure,
    canUndo: history.length > 0,
    put: (row, path, text) => change(stage(staged, row, path, text)),
    undo: () => {
      const before = history.at(-1);
      if (!before) return;
      setStaged(before);
      setHistory(history.slice(0, -1));
    },
    discard: (id) => change(id === undefined ? NOTHING_STAGED : new Map([...staged].filter(([each]) => each !== id))),
    save: () => send(staged),
    keepMine: (id) => {
      const mine = staged.get(id);
      return mine?.theirs ? send(new Map([[id, { ...mine, row: mine.theirs }]])) : Promise.resolve();
    },
  };
}

const editRecords = (endpointId: string, records: readonly StagedRecord[]) => sendEdits(endpointId, records, toEditBody);

/** Drops what was saved, and notes why the rest was not. */
function settle(staged: StagedRecords, results: readonly EditedRecord[]): StagedRecords {
  const next = new Map(staged);
  for (const { uniqueId, outcome, record, error } of results) {
    const before = next.get(uniqueId);
    if (outcome !== "failed") next.delete(uniqueId);
    else if (before) {
      const isConflict = error?.code === "version_conflict" || error?.code === "record_not_found";
      next.set(uniqueId, { ...before, problem: error ?? undefined, theirs: isConflict ? record : undefined });
    }
  }
  return next;
}
