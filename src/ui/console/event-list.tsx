/** The list: only the rows in sight exist. A grid with one tab stop; its active row is named, never focused. */
"use client";

import { useSyncExternalStore } from "react";
import { Button } from "../components/button";
import { formatCount } from "../format/number";
import type { Flush } from "./console-messages";
import { CELLS, COLUMNS, EventRow, toRowId } from "./event-row";
import { Grid, GridCell, GridHeadCell, GridRow } from "./grid-parts";
import { ROW_PX } from "./row-window";
import type { ListScroll } from "./use-list-scroll";

/** Rows share this many elements, by index; more than are ever drawn at once. */
const SLOTS = 256;
/** The line above the first row: what there is before it. */
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
  const { first, end, from, rows, total } = flush;
  const isActiveDrawn = rows.some(({ ordinal }) => ordinal === selected);
  const isEndDrawn = from + rows.length >= end;
  const drawn = rows.map((row, offset) => {
    const index = from + offset;
    return (
      <EventRow
        key={((index % SLOTS) + SLOTS) % SLOTS}
        row={row}
        rowIndex={index - first + 2}
        topPx={mounted ? LIST_HEAD_PX + (index - first) * ROW_PX : undefined}
        selected={row.ordinal === selected}
        showTime={mounted}
        onSelect={onSelect}
      />
    );
  });
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
          // Before the page runs, the newest rows are in sight by the order of the box; afterwards we scroll ourselves.
          className={`relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain [overflow-anchor:none] ${isActiveDrawn ? "" : "group-focus-visible:shadow-[inset_0_0_0_2px_var(--focus)]"} ${mounted ? "" : "flex flex-col-reverse"}`}
        >
          <div
            role="presentation"
            className={mounted ? "relative w-full contain-strict" : "mb-auto"}
            style={mounted ? { height: LIST_HEAD_PX + (end - first) * ROW_PX } : undefined}
          >
            <Beginning flush={flush} onLoadOlder={onLoadOlder} />
            {drawn}
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

function Head() {
  return (
    <GridRow aria-rowindex={1} className={`${COLUMNS} h-7 shrink-0 items-center border-b border-line text-data text-muted`}>
      <GridHeadCell className={CELLS.seq}>Seq</GridHeadCell>
      <GridHeadCell className={CELLS.time}>Time</GridHeadCell>
      <GridHeadCell className={CELLS.operation}>
        <span className="max-sm:sr-only">Operation</span>
      </GridHeadCell>
      <GridHeadCell className={CELLS.record}>Record</GridHeadCell>
      <GridHeadCell className={CELLS.preview}>Data or changed paths</GridHeadCell>
      <GridHeadCell className={CELLS.size}>Size</GridHeadCell>
    </GridRow>
  );
}

/** Above the first row. */
function Beginning({ flush, onLoadOlder }: { flush: Flush; onLoadOlder: () => void }) {
  const { history, discarded, total } = flush;
  if (total === 0) return null;
  return (
    <GridRow style={{ height: LIST_HEAD_PX }} className="flex items-center justify-center text-data text-muted">
      <GridCell className="inline-flex items-center gap-2">
        {history === "complete" && discarded === 0 ? "The log begins here" : null}
        {history === "loading" ? "Loading older changes…" : null}
        {history === "failed" ? "Older changes could not be read." : null}
        {history === "full" || discarded > 0 ? "Older changes are in the log; this console holds no more" : null}
        {(history === "more" && discarded === 0) || history === "failed" ? (
          <button type="button" tabIndex={-1} onClick={onLoadOlder} className="rounded-sm px-1.5 text-focus hover:bg-hover">
            {history === "failed" ? "Try again" : "Load older changes"}
          </button>
        ) : null}
      </GridCell>
    </GridRow>
  );
}

/** In place of the list when the filter hides everything. */
export function NothingMatches({ flush, onClear, onLoadOlder }: { flush: Flush; onClear: () => void; onLoadOlder: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center gap-3 px-4 pt-[16dvh]">
      <p className="text-prose">Nothing matches: 0 of {formatCount(flush.total)}.</p>
      <div className="flex gap-2">
        <Button onClick={onClear}>Clear the filter</Button>
        {flush.history === "more" ? <Button onClick={onLoadOlder}>Look through older changes</Button> : null}
      </div>
    </div>
  );
}
