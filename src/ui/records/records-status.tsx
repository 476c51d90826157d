/** The line above the grid: counts, news, selection. Announced to screen readers at intervals, not at every change. */
"use client";

import { Button } from "../components/button";
import { formatCount, formatPlural } from "../format/format-number";
import { useDebounced } from "../forms/use-debounced";
import { ConnectionStatus } from "../stream/connection-status";
import { type GridData, ROWS_MAX } from "./grid/use-grid";

const SPOKEN_MS = 3000;

interface Props {
  grid: GridData;
  /** The number of all records of the endpoint; undefined if the records are filtered. */
  total: number | undefined;
  /** The rows are what this user can read. Null: nobody is signed in. Undefined: they are the owner's. */
  viewer: string | null | undefined;
  selected: number;
  onBringIn: () => void;
  onSelectAll: () => void;
  onClear: () => void;
  onDelete: () => void;
  onExport: () => void;
  /** Undefined if fields cannot be changed here. */
  onChangeFields: (() => void) | undefined;
}

export function RecordsStatus({ grid, total, viewer, selected, onBringIn, ...choose }: Props) {
  const { rows, fresh, missed, hasMore, changes } = grid;
  const isUnread = grid.loading || (grid.error !== null && rows.length === 0);
  const deleted = rows.filter(({ mark }) => mark === "deleted").length;
  const news = [fresh > 0 ? `${formatCount(fresh)} new` : "", deleted > 0 ? `${formatCount(deleted)} deleted` : ""].filter(
    (part) => part !== "",
  );
  const spoken = useDebounced(news.join(", "), SPOKEN_MS);
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1 max-sm:px-3">
      <span role="status" className="sr-only">
        {spoken}
      </span>
      {selected > 0 ? (
        <>
          <span className="font-medium tabular-nums">{formatCount(selected)} selected</span>
          {choose.onChangeFields ? (
            <Button tone="quiet" onClick={choose.onChangeFields}>
              Change fields…
            </Button>
          ) : null}
          <Button tone="quiet" onClick={choose.onExport}>
            Export
          </Button>
          <Button tone="quiet" onClick={choose.onDelete}>
            Delete
          </Button>
          {selected < rows.length ? (
            <Button tone="quiet" onClick={choose.onSelectAll}>
              Select all {formatCount(rows.length)} loaded
            </Button>
          ) : null}
          <Button tone="quiet" onClick={choose.onClear}>
            Clear
          </Button>
        </>
      ) : (
        <>
          <span className="text-muted tabular-nums">
            {isUnread ? "" : viewer === undefined ? toCount(rows.length, total, hasMore) : toViewedCount(rows.length, viewer, hasMore)}
          </span>
          {choose.onChangeFields && rows.length > 0 ? (
            <Button tone="quiet" title="Set or remove fields of all records that match" onClick={choose.onChangeFields}>
              Change fields…
            </Button>
          ) : null}
        </>
      )}
      {news.length > 0 ? (
        <Button onClick={onBringIn} title="Load the newest records and remove the deleted ones">
          {toNewsLabel(fresh, deleted)}
        </Button>
      ) : missed ? (
        <Button onClick={onBringIn}>{viewer === undefined ? "Some changes were missed. Reload" : "Records have changed. Reload"}</Button>
      ) : null}
      {grid.error && rows.length > 0 ? (
        <span role="alert" className="text-delete">
          {grid.error.message}
        </span>
      ) : null}
      <span className="ml-auto">
        {/* A view is not live. */}
        {isUnread || viewer !== undefined ? null : <ConnectionStatus connection={changes.connection} onReconnect={changes.reconnect} />}
      </span>
    </div>
  );
}

function toCount(loaded: number, total: number | undefined, hasMore: boolean): string {
  if (total !== undefined && total > loaded) {
    return loaded >= ROWS_MAX
      ? `${formatCount(loaded)} of ${formatCount(total)} loaded. Search to find others`
      : `${formatCount(loaded)} of ${formatCount(total)} loaded`;
  }
  return hasMore ? `${formatCount(loaded)} loaded, more below` : formatPlural(loaded, "record");
}

/** The number of all records that a user can read is not known before the last page. */
function toViewedCount(loaded: number, viewer: string | null, hasMore: boolean): string {
  if (hasMore) return `${formatCount(loaded)} loaded, more below. The total isn’t known`;
  return viewer === null
    ? `${formatPlural(loaded, "record")} readable without logging in`
    : `${formatPlural(loaded, "record")} that ${viewer} can read`;
}

/** Names what the button brings in: new records, the removal of deleted ones, or both. */
function toNewsLabel(fresh: number, deleted: number): string {
  if (fresh === 0) return `Remove ${formatPlural(deleted, "deleted record")}`;
  const label = `Show ${formatPlural(fresh, "new record")}`;
  return deleted === 0 ? label : `${label}, remove ${formatCount(deleted)} deleted`;
}
