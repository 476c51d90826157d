/** The events of a stream and of the log: changes, and the marks that the console puts between them. */

export const EVENT_KINDS = ["create", "update", "delete", "resumed", "gap"] as const;
/** `resumed` and `gap` are marks. */
export type EventKind = (typeof EVENT_KINDS)[number];

export interface StreamEvent {
  kind: EventKind;
  /** Position in the endpoint's log. A mark has the position of the change before it. */
  seq: number;
  /** The number of its endpoint in a console of several. Default: 0. */
  source?: number;
  /** When it happened. All times are in milliseconds since 1970. */
  atMs: number;
  /** When it arrived over the stream; NaN if it was read from the log. */
  receivedMs: number;
  /** 32 lowercase hex digits; 32 zeros for a mark. */
  recordId: string;
  createdMs: number;
  updatedMs: number;
  /** JSON text as stored. For a mark: its sentence, as JSON. */
  data: string;
  /** The record's version after the change. Only of events that were read from the log. */
  version?: number;
}

/** True for marks, which are not changes. */
export function isMarkKind(kind: EventKind): boolean {
  return kind === "resumed" || kind === "gap";
}
