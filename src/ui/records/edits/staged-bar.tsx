/** The line about changes that are not saved: how many, save, undo, discard, and what could not be saved. */
"use client";

import { Button } from "../../components/button";
import { formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { toContent } from "../grid/cell-content";
import { getAt } from "../grid/grid-columns";
import { countCells, type StagedRecord } from "./staged";
import type { StagedEdits } from "./use-staged-edits";

interface Props {
  edits: StagedEdits;
  onOpen: (id: string) => void;
  /** Returns the focus to the grid. */
  onDone: () => void;
}

export function StagedBar({ edits, onOpen, onDone }: Props) {
  const { staged, saving, failure } = edits;
  const failed = [...staged.values()].filter(({ problem }) => problem);
  const save = async () => {
    await edits.save();
    onDone();
  };
  return (
    <section aria-label="Unsaved changes" className="shrink-0 border-b border-line bg-update/8 px-4 py-1.5 max-sm:px-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <p role="status" className="font-medium">
          {formatPlural(countCells(staged), "change")} in {formatPlural(staged.size, "record")}, not saved
        </p>
        <Button tone="primary" busy={saving} title="Save (Ctrl+S)" onClick={() => void save()}>
          Save {formatPlural(staged.size, "record")}
        </Button>
        <Button tone="quiet" disabled={!edits.canUndo} title="Undo (Ctrl+Z)" onClick={edits.undo}>
          Undo
        </Button>
        <Button
          tone="quiet"
          onClick={() => {
            edits.discard();
            onDone();
          }}
        >
          Discard all
        </Button>
      </div>
      <FormFailure failure={failure} />
      {failed.length > 0 ? (
        <ul
          aria-label="Records that were not saved"
          className="mt-1.5 flex max-h-48 flex-col divide-y divide-line overflow-y-auto border-t border-line"
        >
          {failed.map((each) => (
            <Failed key={each.row.id} each={each} edits={edits} onOpen={onOpen} />
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function Failed({ each, edits, onOpen }: { each: StagedRecord; edits: StagedEdits; onOpen: (id: string) => void }) {
  const { row, cells, problem, theirs } = each;
  const { id } = row;
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1">
      <button type="button" onClick={() => onOpen(id)} className="font-mono text-data text-focus">
        …{id.slice(-8)}
      </button>
      <span className="min-w-0 flex-1 wrap-anywhere text-delete">
        {theirs === undefined ? problem?.detail : theirs === null ? "Someone deleted this record." : "Someone else changed this record. "}
        {theirs ? (
          <span className="font-mono text-data text-muted">
            {[...cells.entries()]
              .map(([key, { path, node }]) => {
                const now = getAt(theirs, path);
                return `${key.replace(/^data:/, "")}: theirs ${now ? toContent(now).text : "(none)"}, mine ${node ? toContent(node).text : "(removed)"}`;
              })
              .join("; ")}
          </span>
        ) : null}
      </span>
      <span className="flex gap-2">
        <Button onClick={() => edits.discard(id)}>{theirs ? "Take theirs" : "Discard"}</Button>
        {theirs ? (
          <Button busy={edits.saving} onClick={() => void edits.keepMine(id)}>
            Keep my fields
          </Button>
        ) : null}
      </span>
    </li>
  );
}
