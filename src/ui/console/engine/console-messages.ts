/** The messages between the page and the console's worker. Types. */

import type { ConnectionState } from "../../stream/stream-connection";
import type { StreamEvent } from "../../stream/stream-event";
import type { ExportRequest, ExportState } from "../export/export-changes";
import type { RowView } from "../list/row-view";
import type { LogPlace, Place } from "../log/log-place";
import type { ChangeChart } from "./change-chart";
import type { EventFilter } from "./event-filter";

/** The rows that the page shows, how many characters of data fit in each, and the pinned paths. Indexes are those of `Flush`. */
export type View = { count: number; characters: number; pins?: readonly string[] } & ({ follow: true } | { follow: false; from: number });

/** The changes of a console: those of an endpoint, or of all endpoints of a project. */
export type ConsoleScope = { kind: "endpoint"; endpointId: string } | { kind: "project"; projectId: string };

/** An endpoint of a console of several. Its number is its index in the list. */
export interface ConsoleEndpoint {
  id: string;
  name: string;
  isDeleted: boolean;
}

export type ToWorker =
  | {
      type: "open";
      scope: ConsoleScope;
      origin: string;
      filter: EventFilter;
      /** Undefined: the newest changes. */
      place: LogPlace | undefined;
      paused: boolean;
      limits?: { eventsMax: number; bytesMax: number };
    }
  /** The page has drawn the last flush and is ready for the next one. */
  | { type: "ready" }
  | { type: "view"; view: View }
  /** `anchor`: the ordinal that should stay visible. `Flush.anchor` reports its index. */
  | { type: "filter"; filter: EventFilter; anchor: number | undefined; view: View }
  /** How much time the chart shows. */
  | { type: "span"; spanMs: number }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "reconnect" }
  /** Loads older changes, or searches further if there is a filter. */
  | { type: "older" }
  | { type: "newer" }
  | { type: "stop-search" }
  /** Answered by `sought`. */
  | { type: "seek"; place: LogPlace | { kind: "newest" } }
  | { type: "detail"; ordinal: number }
  /** `id` identifies the export in its states. */
  | { type: "export"; id: number; request: ExportRequest }
  | { type: "stop-export"; id: number }
  /** Requests the ordinal `by` rows from `from` in the filtered list. Without `from`: the newest. */
  | { type: "step"; from: number | undefined; by: number };

/** Whether older changes can be loaded. `full`: the log has more, but the buffer is full. */
export type HistoryState = "loading" | "more" | "complete" | "full" | "failed";

/** Whether newer changes can be loaded, while the list ends before the newest. */
export type NewerState = "more" | "loading" | "failed";

/**
 * A search through the whole log with the current filter. `waiting`: it goes on when older changes are requested. `complete`: it has reached the oldest
 * change. `full`: the buffer has no room.
 */
export interface SearchState {
  state: "running" | "waiting" | "stopped" | "complete" | "full" | "failed";
  /** The number of changes that were looked through, those in the buffer included, and of those in the log. */
  looked: number;
  total: number;
  /** Why it failed. */
  problem?: string;
}

/** The state that decides which part of the log the worker reads next. */
export interface EngineState {
  /** Where to resume the stream; undefined before the log was read. */
  cursor: string | undefined;
  /** The places of the oldest and the newest buffered change, apart from those that a search has found. */
  oldest: Place | undefined;
  newest: Place | undefined;
  /** The number of buffered changes. */
  held: number;
  history: HistoryState;
  /** The list ends before the newest change. */
  isDetached: boolean;
  newer: NewerState;
  search: SearchState | undefined;
  /** The number of changes that match, and of rows that the page shows. */
  matched: number;
  rowsShown: number;
}

export interface Flush {
  type: "flush";
  /** Incremented with every change of the filter, which invalidates indexes. */
  generation: number;
  /** The range of indexes. While paused, it ends where the pause started. */
  first: number;
  end: number;
  /** Buffered changes, and those that match the filter, both without marks. */
  total: number;
  matched: number;
  /** The number of matching changes that the stream has sent since the console was opened. */
  arrived: number;
  /** The list ends before the newest change. `arrived`: changes that the stream has sent meanwhile. Undefined: it follows the stream. */
  detached: { arrived: number; newer: NewerState } | undefined;
  /** Undefined: no filter, or no search yet. */
  search: SearchState | undefined;
  /** Matching events that have arrived since the pause started; 0 if not paused. */
  buffered: number;
  paused: boolean;
  discarded: number;
  /** Changes in the last full second. */
  rate: number;
  /** The same object until a second has passed or something else is to be shown. */
  chart: ChangeChart;
  connection: ConnectionState;
  history: HistoryState;
  from: number;
  rows: readonly RowView[];
  anchor?: number;
  /** Why the last filter could not be applied. The list still has the one before. */
  filterProblem?: string;
}

/** The version of a record before an event. `unknown`: it could not be loaded. */
export type PreviousVersion = { state: "none" | "unknown" } | { state: "known"; event: StreamEvent };

export type FromWorker =
  | Flush
  /** Sent again when an endpoint was added or deleted. `streamed`: how many are followed by a stream; the others are asked for news every few seconds. */
  | { type: "endpoints"; endpoints: readonly ConsoleEndpoint[]; streamed: number }
  | { type: "detail"; ordinal: number; event: StreamEvent | undefined; previous: PreviousVersion }
  /** `found`: the change at the place. `problem`: why the place could not be shown. */
  | {
      type: "sought";
      place: LogPlace | { kind: "newest" };
      found: { ordinal: number; index: number } | undefined;
      problem: string | undefined;
    }
  | { type: "exported"; id: number; state: ExportState }
  | { type: "stepped"; ordinal: number | undefined; index: number };
