/** What the page and the console's worker say to each other. Types only. */

import type { ConnectionState } from "../../stream/stream-connection";
import type { StreamEvent } from "../../stream/stream-event";
import type { RowView } from "../list/row-view";
import type { EventFilter } from "./event-filter";

/** Which rows the page shows, and how many characters of data fit in each. Indexes are those of `Flush`. */
export type View = { count: number; characters: number } & ({ follow: true } | { follow: false; from: number });

export type ToWorker =
  | { type: "open"; endpointId: string; origin: string; filter: EventFilter; limits?: { eventsMax: number; bytesMax: number } }
  /** The page has drawn the last flush, and takes another. */
  | { type: "ready" }
  | { type: "view"; view: View }
  /** `anchor`: the ordinal that should stay in sight; answered by `Flush.anchor`. */
  | { type: "filter"; filter: EventFilter; anchor: number | undefined; view: View }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "reconnect" }
  | { type: "older" }
  | { type: "detail"; ordinal: number }
  /** Which ordinal is `by` rows from `from` among those that pass; without `from`, the newest. */
  | { type: "step"; from: number | undefined; by: number };

/** The older part of the log. `full`: it is there, but this console holds no more. */
export type HistoryState = "loading" | "more" | "complete" | "full" | "failed";

/** Seconds that the rate strip shows. */
export const RATE_SECONDS = 60;

export interface Flush {
  type: "flush";
  /** Rises with every change of the filter; indexes of another one mean nothing. */
  generation: number;
  /** Indexes of the rows there are: while paused they end where the pause began. */
  first: number;
  end: number;
  /** Changes held; and those of them that pass the filter, marks left out. */
  total: number;
  matched: number;
  /** Arrived and passing since the pause began; 0 when not paused. */
  buffered: number;
  paused: boolean;
  discarded: number;
  /** Changes in the last whole second. */
  rate: number;
  /** Changes for each of the last seconds, oldest first. */
  rates: readonly number[];
  connection: ConnectionState;
  history: HistoryState;
  from: number;
  rows: readonly RowView[];
  anchor?: number;
}

/** The version of a record before an event. `unknown`: it could not be read. */
export type PreviousVersion = { state: "none" | "unknown" } | { state: "known"; event: StreamEvent };

export type FromWorker =
  | Flush
  | { type: "detail"; ordinal: number; event: StreamEvent | undefined; previous: PreviousVersion }
  | { type: "stepped"; ordinal: number | undefined; index: number };
