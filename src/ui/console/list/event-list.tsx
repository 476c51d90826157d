/** The list of changes. Only visible rows are rendered. A grid with one tab stop, which refers to its active row by `aria-activedescendant`. */
"use client";

import { type RefObject, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import { Button } from "../../components/button";
import { formatCount } from "../../format/format-number";
import { Grid, GridCell, GridHeadCell, GridRow } from "../../grid/grid-parts";
import { ROW_PX } from "../../grid/row-window";
import type { Flush } from "../engine/console-messages";
import { RowPool } from "./row-pool";
import { COLUMNS, type Column, PLACES, ROW, toCellClass, toCellText, toRowId, toRowTone } from "./row-style";
import type { ListScroll } from "./use-list-scroll";

/** The height of the line above the first row. */
export const LIST_HEAD_PX = 28;

const never = () => () => undefined;

interface Props {
  flush: Flush;
  scroll: ListScroll;
  selected: number | undefined;
  onSelect: (ordinal: number) => void;
  onLoadOlder: () => void;
}

export function EventList({ flush, scroll, selected, onSelect, onLoadOlder }: Props) {
  const mounted = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const box = useRows({ flush, selected, onSelect });
  const { first, end, from, rows, total } = flush;
  const isActiveDrawn = rows.some(({ ordinal }) => ordinal === selected);
  const isEndDrawn = from + rows.length >= end;
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <Grid
        aria-label="Changes"
        aria-rowcount={end - first + 1}
        aria-activedescendant={isActiveDrawn && selected !== undefined ? toRowId(selected) : undefined}
        data-console-grid=""
        className="group flex min-h-0 flex-1 flex-col outline-none"
      >
        <Head />
        <div
          ref={scroll.ref}
          role="presentation"
          onScroll={scroll.onScroll}
          // Before hydration, CSS keeps the newest rows visible; afterwards useListScroll does.
          className={`relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain [overflow-anchor:none] ${isActiveDrawn ? "" : "group-focus-visible:shadow-[inset_0_0_0_2px_var(--focus)]"} ${mounted ? "" : "flex flex-col-reverse"}`}
        >
          <div
            role="presentation"
            className={mounted ? "relative w-full contain-strict" : "mb-auto"}
            style={mounted ? { height: LIST_HEAD_PX + (end - first) * ROW_PX } : undefined}
          >
            <ListStart flush={flush} onLoadOlder={onLoadOlder} />
            {mounted ? <div ref={box} role="presentation" /> : <FirstRows flush={flush} />}
          </div>
        </div>
      </Grid>
      {scroll.following || total === 0 || (scroll.unseen === 0 && isEndDrawn) ? null : (
        <div className="pointer-events-none absolute inset-x-0 bottom-3 flex justify-center">
          <button
            type="button"
            onClick={scroll.follow}
            className="pointer-events-auto inline-flex h-control animate-appear items-center rounded-full bg-text px-3.5 font-medium text-bg hover:opacity-88"
          >
            {scroll.unseen > 0 ? `${formatCount(scroll.unseen)} new ↓` : "Newest ↓"}
          </button>
        </div>
      )}
    </div>
  );
}

/** Draws the rows of each flush before the browser paints. */
function useRows({ flush, selected, onSelect }: Pick<Props, "flush" | "selected" | "onSelect">): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  const pool = useRef<{ box: HTMLElement; rows: RowPool }>(undefined);
  const select = useRef(onSelect);
  useLayoutEffect(() => {
    select.current = onSelect;
    if (!box.current) return;
    if (pool.current?.box !== box.current) {
      pool.current = { box: box.current, rows: new RowPool(box.current, (ordinal) => select.current(ordinal)) };
    }
    const { rows, from, first } = flush;
    pool.current.rows.draw({ rows, from, first, selected, headPx: LIST_HEAD_PX });
  });
  return box;
}

/** The first paint, rendered by the server. */
function FirstRows({ flush: { rows, from, first } }: { flush: Flush }) {
  return rows.map((row, offset) => (
    <GridRow key={row.ordinal} aria-rowindex={from + offset - first + 2} className={`relative ${ROW} ${toRowTone(row.kind)}`}>
      {COLUMNS.map((column) => (
        <GridCell key={column} className={toCellClass(column, row.kind)}>
          {toCellText(column, row, false)}
        </GridCell>
      ))}
    </GridRow>
  ));
}

const HEADS: Readonly<Record<Column, string>> = {
  seq: "Seq",
  time: "Time",
  operation: "Operation",
  record: "Record",
  preview: "Data / changes",
  size: "Size",
};

function Head() {
  return (
    <GridRow aria-rowindex={1} className="relative h-7 shrink-0 border-b border-line text-data leading-7 text-muted">
      {COLUMNS.map((column) => (
        // On narrow screens the operation's column shows only a glyph, so its heading is hidden.
        <GridHeadCell key={column} className={`${PLACES[column]} ${column === "operation" ? "max-sm:indent-8" : ""}`}>
          {HEADS[column]}
        </GridHeadCell>
      ))}
    </GridRow>
  );
}

/** Above the first row. */
function ListStart({ flush, onLoadOlder }: { flush: Flush; onLoadOlder: () => void }) {
  const { history, discarded, total } = flush;
  if (total === 0) return null;
  return (
    <GridRow style={{ height: LIST_HEAD_PX }} className="flex items-center justify-center text-data text-muted">
      <GridCell className="inline-flex items-center gap-2">
        {history === "complete" && discarded === 0 ? "Start of the log" : null}
        {history === "loading" ? "Loading older changes…" : null}
        {history === "failed" ? "Couldn’t load older changes." : null}
        {history === "full" || discarded > 0 ? "This console is full. Older changes are still in the log." : null}
        {(history === "more" && discarded === 0) || history === "failed" ? (
          <button type="button" tabIndex={-1} onClick={onLoadOlder} className="rounded-sm px-1.5 text-focus hover:bg-hover">
            {history === "failed" ? "Try again" : "Load older changes"}
          </button>
        ) : null}
      </GridCell>
    </GridRow>
  );
}

/** Shown instead of the list if the filter hides everything. */
export function NoMatches({ flush, onClear, onLoadOlder }: { flush: Flush; onClear: () => void; onLoadOlder: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center gap-3 px-4 pt-[16dvh]">
      <p className="text-prose">No changes match: 0 of {formatCount(flush.total)}.</p>
      <div className="flex gap-2">
        <Button onClick={onClear}>Clear filter</Button>
        {flush.history === "more" ? <Button onClick={onLoadOlder}>Search older changes</Button> : null}
      </div>
    </div>
  );
}
