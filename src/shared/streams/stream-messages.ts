/** The types of the messages of a stream (W9, W10) that are not changes. */
import type { ChangeType } from "./protocol";

/** The first message. The stream continues after `cursor`, which is absent if a snapshot follows. */
export interface WireReady {
  type: "READY";
  cursor?: string;
}

/** Sent every 25 s. Everything up to `cursor` has been sent. */
export interface WireHeartbeat {
  type: "BEAT";
  cursor: string;
}

/**
 * Why changes cannot be replayed. `expired`: they were deleted from the log. `epoch_changed`: the log was replaced, and the cursor belongs to the old
 * one. `log_rewound`: the log has lost its end (a restore or a failover), so the cursor is ahead of it or names a change that it does not contain
 * (W26).
 */
export type GapReason = "expired" | "epoch_changed" | "log_rewound";

/**
 * The changes between `from` and `to` cannot be replayed. The stream continues after `to`, which equals `cursor`. Depending on `reason`, `from` can belong to
 * another log or be ahead of `to`.
 */
export interface WireGap {
  type: "GAP";
  from: string;
  to: string;
  reason: GapReason;
  cursor: string;
}

/** Sent instead of a message that is larger than the stream's `maxMessage` (W27). */
export interface WireOmitted {
  type: "OMITTED";
  /** Of the omitted message. */
  change: ChangeType | "SNAPSHOT";
  /** A list if the message would have contained an upload of several files. */
  uniqueId: string | string[];
  /** The record's version after the change, as in its `ETag`. Absent in a snapshot. */
  version?: number;
  /** The size of the omitted message in bytes. With this `maxMessage` it would have been sent. */
  size: number;
  /** The URL at which the record can be read with a key. Absent once it is deleted. */
  url?: string;
  /** As in the omitted message. */
  cursor?: string;
}
