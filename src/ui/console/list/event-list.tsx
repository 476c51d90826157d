/**
 * The list of changes. Only visible rows are rendered. A grid with one tab stop, which scrolls and refers to its active row by
 * `aria-activedescendant`.
 */
"use client";

import { type CSSProperties, type RefObject, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import { formatCount } from "../../format/format-number";
import { Grid, GridCell, GridHeadCell, GridRow } from "../../grid/grid-parts";
import type { Flush } from "../engine/console-messages";
import { toTooltip } from "../shortcuts";
import type { ListController } from "./list-controller";
import {
  type Column,
  DATA_PLACE,
  ENDPOINT_PLACE,
  LIST_START_PX,
  PLACES,
  ROW,
  toCellClass,
  toCellText,
  toColumns,
  toPieces,
  toPinIndex,
  toRowTone,
} from "./row-style";
import type { RowView } from "./row-view";

const never = () => () => undefined;

interface Props {
  flush: Flush;
  list: ListController;
  selected: number | undefined;
  /** JSON paths that have a column. */
  pins: readonly string[];
  onSelect: (ordinal: number) => void;
  onLoadOlder: () => void;
}

export function EventList({ flush, list, selected, pins, onSelect, onLoadOlder }: Props) {
  const mounted = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const { grid, spacer, box } = useRows({ list, selected, pins, onSelect });
  const style: CSSProperties & { "--pins": number } = { "--pins": pins.length };
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <Grid
        ref={grid}
        aria-label="Changes"
        data-console-grid=""
        // Before hydration, CSS keeps the newest rows visible; afterwards the controller does.
        className={`peer @container relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto overscroll-contain outline-none [overflow-anchor:none] ${mounted ? "" : "flex flex-col-reverse"}`}
      >
        <div
          role="presentation"
          style={style}
          className={`${DATA_PLACE} ${list.hasEndpoints ? ENDPOINT_PLACE : ""} ${mounted ? "" : "mb-auto"}`}
        >
          <Head pins={pins} hasEndpoints={list.hasEndpoints} />
          <div ref={spacer} role="presentation" className={mounted ? "relative w-full overflow-hidden contain-strict" : ""}>
            <ListStart flush={flush} onLoadOlder={onLoadOlder} />
            {mounted ? <div ref={box} role="presentation" className="absolute inset-x-0 top-0" /> : <FirstRows flush={flush} pins={pins} />}
          </div>
        </div>
      </Grid>
      {/* Above the head, which would cover the ring of the grid itself. */}
      <div className="pointer-events-none absolute inset-0 z-2 peer-focus-visible:shadow-[inset_0_0_0_2px_var(--focus)]" />
      <ToNewest list={list} isEmpty={flush.total === 0} />
    </div>
  );
}

/** Attaches the list to its elements. */
function useRows({ list, selected, pins, onSelect }: Pick<Props, "list" | "selected" | "pins" | "onSelect">): {
  grid: RefObject<HTMLDivElement | null>;
  spacer: RefObject<HTMLDivElement | null>;
  box: RefObject<HTMLDivElement | null>;
} {
  const grid = useRef<HTMLDivElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const select = useRef(onSelect);
  select.current = onSelect;
  const mounted = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the box exists once mounted
  useLayoutEffect(() => {
    if (!grid.current || !spacer.current || !box.current) return;
    list.setPins(pins);
    return list.attach({ grid: grid.current, spacer: spacer.current, box: box.current }, (ordinal) => select.current(ordinal));
  }, [list, mounted, pins]);
  useLayoutEffect(() => list.select(selected), [list, selected]);
  return { grid, spacer, box };
}

/** Shown while the list does not follow. */
function ToNewest({ list, isEmpty }: { list: ListController; isEmpty: boolean }) {
  const getStatus = () => list.status;
  const { following, unseen, atEnd } = useSyncExternalStore(list.subscribe, getStatus, getStatus);
  if (following || isEmpty || (unseen === 0 && atEnd)) return null;
  return (
    <div className="pointer-events-none absolute inset-x-0 bottom-3 z-2 flex justify-center">
      <button
        type="button"
        title={toTooltip("live")}
        onClick={() => {
          list.follow();
          // The button goes, so the focus returns to the list.
          document.querySelector<HTMLElement>("[data-console-grid]")?.focus({ preventScroll: true });
        }}
        className="pointer-events-auto inline-flex h-control animate-appear items-center rounded-full bg-text px-3.5 font-medium text-bg hover:opacity-88"
      >
        {unseen > 0 ? `${formatCount(unseen)} new ↓` : "Newest ↓"}
      </button>
    </div>
  );
}

/** The first paint, rendered by the server. */
function FirstRows({ flush: { rows, from, first }, pins }: { flush: Flush; pins: readonly string[] }) {
  return rows.map((row, offset) => (
    <GridRow key={row.ordinal} aria-rowindex={from + offset - first + 2} className={`${ROW} ${toRowTone(row.kind)}`}>
      {toColumns(pins.length, false).map((column) => (
        <GridCell key={column} className={toCellClass(column, row.kind)}>
          {column === "preview" ? <Preview row={row} /> : toCellText(column, row, false)}
        </GridCell>
      ))}
    </GridRow>
  ));
}

function Preview({ row }: { row: RowView }) {
  return toPieces(row).map(({ text, muted }, index) =>
    muted ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces are identified by their position
      <span key={index} className="text-muted">
        {text}
      </span>
    ) : (
      text
    ),
  );
}

const HEADS: Partial<Record<Column, string>> = {
  seq: "Seq",
  time: "Time",
  operation: "Operation",
  endpoint: "Endpoint",
  record: "Record",
  preview: "Data / changes",
  size: "Size",
};

function Head({ pins, hasEndpoints }: { pins: readonly string[]; hasEndpoints: boolean }) {
  return (
    <GridRow aria-rowindex={1} className="sticky top-0 z-1 h-7 border-b border-line bg-bg text-data leading-7 text-muted">
      {toColumns(pins.length, hasEndpoints).map((column) => {
        const pin = toPinIndex(column);
        const text = pin === undefined ? HEADS[column] : pins[pin];
        return (
          // Where the operation's column shows only a glyph, its heading is hidden.
          <GridHeadCell
            key={column}
            title={pin === undefined ? undefined : text}
            className={`${PLACES[column]} ${column === "operation" ? "@max-[62rem]:indent-8" : ""} ${pin === undefined ? "" : "truncate font-mono"}`}
          >
            {text}
          </GridHeadCell>
        );
      })}
    </GridRow>
  );
}

/** Above the first row. */
function ListStart({ flush, onLoadOlder }: { flush: Flush; onLoadOlder: () => void }) {
  const { history, discarded, total, search } = flush;
  if (total === 0) return null;
  // The line above the list states how far a search is.
  const isSearch = search !== undefined;
  return (
    <GridRow style={{ height: LIST_START_PX }} className="flex items-center justify-center text-data text-muted">
      <GridCell className="inline-flex items-center gap-2">
        {isSearch && search.state === "running" ? "Searching older changes…" : null}
        {(isSearch ? search.state === "complete" : history === "complete") && discarded === 0 ? "Start of the log" : null}
        {history === "loading" ? "Loading older changes…" : null}
        {history === "failed" ? "Couldn’t load older changes." : null}
        {history === "full" || discarded > 0 ? "This console is full. Older changes are still in the log." : null}
        {!isSearch && ((history === "more" && discarded === 0) || history === "failed") ? (
          // The list has one tab stop. By keyboard, a shortcut loads older changes.
          <button
            type="button"
            tabIndex={-1}
            title={toTooltip("older")}
            onClick={onLoadOlder}
            className="rounded-sm px-1.5 text-focus hover:bg-hover"
          >
            {history === "failed" ? "Try again" : "Load older changes"}
          </button>
        ) : null}
      </GridCell>
    </GridRow>
  );
}
