/** A row of the grid. */
"use client";

import { memo, type ReactNode } from "react";
import type { GridRow as Row } from "../../api/record-rows";
import { classNames } from "../../components/class-names";
import { formatTime } from "../../format/format-time";
import { GridCell, GridRow } from "../../grid/grid-parts";
import { ROW_PX } from "../../grid/row-window";
import type { StagedCells } from "../edits/staged";
import { CellValue } from "./cell";
import { type CellContent, toCellContent, toContent } from "./cell-content";
import { FileName } from "./file-name";
import { WHOLE } from "./grid-columns";
import type { ShownColumn } from "./grid-layout";
import { PLACES, toDataStyle } from "./grid-places";

const MARKS = {
  changed: { glyph: "~", word: "changed", colour: "text-update" },
  deleted: { glyph: "−", word: "deleted", colour: "text-delete" },
};

/** The element id of a row. */
export function toRowId(id: string): string {
  return `record-${id}`;
}

/** The element id of a cell. */
export function toCellId(id: string, column: number): string {
  return `record-${id}-${column}`;
}

interface Props {
  endpointId: string;
  row: Row;
  columns: readonly ShownColumn[];
  place: number;
  /** The column of the active cell, if it is in this row. */
  activeColumn: number | undefined;
  open: boolean;
  /** Undefined: it cannot be selected. */
  selected: boolean | undefined;
  showTimes: boolean;
  /** Unsaved changes yet. */
  staged: StagedCells | undefined;
  /** The saving of the changes failed. */
  failed: boolean;
  /** The editor of one of its cells. */
  editor: { column: number; element: ReactNode } | undefined;
}

export const RecordRow = memo(function RecordRow({
  row,
  columns,
  place,
  activeColumn,
  open,
  selected,
  showTimes,
  staged,
  failed,
  endpointId,
  editor,
}: Props) {
  const mark = row.mark && MARKS[row.mark];
  const contents = columns.map(({ path }) => (path ? toCellContent(row, path) : undefined));
  // A record without a value in any column is shown as a whole, so that no row looks empty.
  const first = columns.findIndex(({ path }) => path);
  const data = contents.filter((content) => content !== undefined);
  const asWhole = !staged && !editor && data.length > 0 && data.every(({ kind }) => kind === "missing");
  const cellProps = (index: number) => ({
    id: toCellId(row.id, index),
    "data-column": index,
    "data-active": activeColumn === index ? "" : undefined,
  });
  return (
    <GridRow
      id={toRowId(row.id)}
      data-record={row.id}
      aria-rowindex={place + 2}
      aria-selected={selected}
      style={{ transform: `translateY(${place * ROW_PX}px)` }}
      className={classNames(
        "absolute inset-x-0 top-0 flex h-7 font-mono text-data leading-7 tabular-nums",
        "bg-(--row)",
        open || selected ? "[--row:var(--selected)]" : "[--row:transparent] hover:[--row:var(--hover)]",
        // The note on a new value is over the rows below.
        editor && "z-[1]",
        open && "shadow-[inset_2px_0_0_var(--focus)]",
        row.mark === "deleted" && "text-muted line-through",
      )}
    >
      {selected === undefined ? null : (
        <GridCell data-checkbox="" className={PLACES.checkbox}>
          <Checkbox checked={selected} />
        </GridCell>
      )}
      {columns.map((column, index) => {
        const { key, path } = column;
        if (key === "id")
          return (
            <GridCell key={key} {...cellProps(index)} className={classNames(PLACES.id, ACTIVE)} title={row.id}>
              {mark ? (
                <>
                  <span className={`mr-1 inline-block no-underline ${mark.colour}`} aria-hidden="true">
                    {mark.glyph}
                  </span>
                  <span className="sr-only">{mark.word} </span>
                </>
              ) : null}
              …{row.id.slice(-8)}
            </GridCell>
          );
        if (!path) {
          const time = key === "created" ? row.createdAt : row.updatedAt;
          return (
            <GridCell
              key={key}
              {...cellProps(index)}
              title={time}
              className={classNames(
                PLACES[key === "created" ? "created" : "updated"], // Opaque, because other cells scroll beneath it.
                "[background:linear-gradient(var(--row),var(--row)),var(--bg)]",
                ACTIVE,
              )}
            >
              {showTimes ? formatTime(time) : ""}
            </GridCell>
          );
        }
        if (asWhole) {
          if (index !== first) return null;
          return (
            <GridCell
              key={key}
              {...cellProps(index)}
              aria-colspan={data.length}
              style={{ flex: "1 0 0" }}
              className={classNames(PLACES.data, "text-muted", ACTIVE)}
            >
              {toCellContent(row, WHOLE).text}
            </GridCell>
          );
        }
        if (editor?.column === index)
          return (
            <GridCell key={key} {...cellProps(index)} style={toDataStyle(column)} className="relative z-[1] shrink-0">
              {editor.element}
            </GridCell>
          );
        const change = staged?.get(key);
        const content: CellContent | undefined = change
          ? change.node
            ? toContent(change.node)
            : { kind: "missing", text: "" }
          : contents[index];
        return (
          <GridCell
            key={key}
            {...cellProps(index)}
            style={toDataStyle(column)}
            title={content && content.text.length > 24 ? content.text : undefined}
            className={classNames(
              PLACES.data,
              "group/cell",
              content?.kind === "number" && "text-right",
              change &&
                (failed ? "bg-delete/10 shadow-[inset_2px_0_0_var(--delete)]" : "bg-update/10 shadow-[inset_2px_0_0_var(--update)]"),
              ACTIVE,
            )}
          >
            {change ? <span className="sr-only">{change.node ? "changed to " : "removed"}</span> : null}
            {change && !change.node ? <span className="text-muted line-through">{contents[index]?.text}</span> : null}
            {content && row.contentType === "file" && key === "data:file.name" ? (
              <FileName endpointId={endpointId} row={row} name={content.text} />
            ) : content ? (
              <CellValue content={content} showTimes={showTimes} />
            ) : null}
          </GridCell>
        );
      })}
    </GridRow>
  );
});

const ACTIVE =
  "group-focus-visible:data-active:outline-2 group-focus-visible:data-active:-outline-offset-2 group-focus-visible:data-active:outline-focus";

/** A decorative checkbox. The row has `aria-selected`, and Space toggles it. */
function Checkbox({ checked }: { checked: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={classNames(
        "grid size-3.5 place-items-center rounded-xs border",
        checked ? "border-text bg-text text-bg" : "border-control bg-surface",
      )}
    >
      {checked ? (
        <svg viewBox="0 0 10 10" className="size-2.5" fill="none" aria-hidden="true">
          <path d="M2 5.2 4.2 7.4 8 3" stroke="currentColor" strokeWidth="1.6" />
        </svg>
      ) : null}
    </span>
  );
}
