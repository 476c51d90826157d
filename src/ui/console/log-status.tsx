/** The line above the list: how far a search is, which part of the log the list shows, and whether the endpoint still exists. */
"use client";

import { X } from "lucide-react";
import { type ReactNode, useSyncExternalStore } from "react";
import type { TimeRange } from "@/src/shared/filters/time-range";
import { Button } from "../components/button";
import { formatCount, formatPlural } from "../format/format-number";
import type { Flush, SearchState } from "./engine/console-messages";
import { formatRange } from "./log/typed-range";

const never = () => () => undefined;

interface Props {
  flush: Flush;
  isFiltered: boolean;
  dims: boolean;
  range: TimeRange | undefined;
  onClearRange: () => void;
  /** Why a place in the log could not be shown. */
  notice: string | undefined;
  onStop: () => void;
  onSearch: () => void;
  onNewest: () => void;
  onDims: (dims: boolean) => void;
}

export function LogStatus({ flush, isFiltered, dims, range, notice, onClearRange, onStop, onSearch, onNewest, onDims }: Props) {
  const { detached, connection } = flush;
  const isDeleted = connection.state === "ended" && connection.isDeleted;
  return (
    <>
      {isDeleted && flush.total > 0 ? <Line>This endpoint was deleted. The changes below are lost when you leave this page.</Line> : null}
      {notice === undefined ? null : <Line>{notice}</Line>}
      {detached ? (
        <Line>
          <span className="min-w-0 flex-1">
            Earlier part of the log
            <span className="text-muted">
              {detached.newer === "loading" ? " · loading newer changes…" : ""}
              {detached.newer === "failed" ? " · newer changes couldn’t be loaded" : ""}
              {detached.arrived > 0 ? ` · ${formatPlural(detached.arrived, "change")} since` : ""}
            </span>
          </span>
          <Button onClick={onNewest}>Go to newest</Button>
        </Line>
      ) : null}
      {isFiltered ? (
        <Line>
          {range ? <RangeChip range={range} onClear={onClearRange} /> : null}
          <SearchText flush={flush} dims={dims} />
          {dims ? null : <SearchAction search={flush.search} history={flush.history} onStop={onStop} onSearch={onSearch} />}
          <Button tone="quiet" aria-pressed={dims} title="Show changes that do not match, without emphasis" onClick={() => onDims(!dims)}>
            {dims ? "Hide others" : "Show others dimmed"}
          </Button>
        </Line>
      ) : null}
    </>
  );
}

/** The range is in local time, which only the browser knows. */
function RangeChip({ range, onClear }: { range: TimeRange; onClear: () => void }) {
  const text = useSyncExternalStore(
    never,
    () => formatRange(range),
    () => "Selected time",
  );
  return (
    <button
      type="button"
      aria-label={`Clear the time: ${text}`}
      title="Clear the time (Esc)"
      onClick={onClear}
      className="inline-flex h-7 items-center gap-1.5 rounded-full border border-line-firm bg-selected px-2.5 text-data tabular-nums hover:bg-hover pointer-coarse:h-11"
    >
      {text}
      <X className="size-3.5" aria-hidden="true" />
    </button>
  );
}

function Line({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1 max-sm:px-3">
      {children}
    </div>
  );
}

function SearchText({ flush: { search, matched, total, history }, dims }: { flush: Flush; dims: boolean }) {
  if (dims) return <span className="min-w-0 flex-1 text-muted">Changes that do not match are dimmed.</span>;
  const found = <span className="font-medium">{formatCount(matched)} found</span>;
  if (!search)
    return (
      <span className="min-w-0 flex-1 tabular-nums">
        {found}
        <span className="text-muted">
          {history === "complete" ? ` in all ${formatPlural(total, "change")}` : ` in the newest ${formatPlural(total, "change")}`}
        </span>
      </span>
    );
  const share = search.total === 0 ? 1 : search.looked / search.total;
  return (
    <span className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 tabular-nums">
      <span>
        {found}
        <span className="text-muted"> · {toProgress(search)}</span>
      </span>
      {search.state === "complete" ? null : (
        <span
          role="progressbar"
          aria-label="Changes searched"
          aria-valuemin={0}
          aria-valuemax={search.total}
          aria-valuenow={search.looked}
          className="h-1 w-24 overflow-hidden rounded-full bg-inset max-sm:hidden"
        >
          <span className="block h-full origin-left bg-muted" style={{ transform: `scaleX(${share})` }} />
        </span>
      )}
    </span>
  );
}

function toProgress({ state, looked, total, problem }: SearchState): string {
  const progress = `searched ${formatCount(looked)} of ${formatCount(total)}`;
  switch (state) {
    case "complete":
      return `searched all ${formatCount(total)} changes`;
    case "failed":
      return `${progress}, then the search failed: ${problem ?? "unknown reason"}`;
    case "full":
      return `${progress}; this console is full`;
    case "stopped":
      return `${progress}, then stopped`;
    default:
      return progress;
  }
}

/** One button in one place, so that it keeps the focus. */
function SearchAction({
  search,
  history,
  onStop,
  onSearch,
}: { search: SearchState | undefined; history: Flush["history"] } & Pick<Props, "onStop" | "onSearch">) {
  const state = search?.state;
  if (state === "complete" || state === "full" || (!search && history === "complete")) return null;
  if (state === "running") return <Button onClick={onStop}>Stop</Button>;
  return <Button onClick={onSearch}>{state === "failed" ? "Try again" : state === "stopped" ? "Continue" : "Continue search"}</Button>;
}
