/** The messages of a stream (W9, W10) that are not changes. Isomorphic; types only. */
import type { ChangeType } from "./protocol";

/** The first message. `cursor` is where the stream continues: what follows comes after it. */
export interface WireReady {
  type: "READY";
  cursor: string;
}

/** Sent every 25 s: everything up to `cursor` has been sent. */
export interface WireHeartbeat {
  type: "BEAT";
  cursor: string;
}

/**
 * Why changes can't be replayed. `expired`: they are no longer kept. `epoch_changed`: the log was replaced, the cursor is of the old
 * one. `log_rewound`: the log has lost its end (a restore or a failover): the cursor is ahead of it, or stands for a change that is not in it (W26).
 */
export type GapReason = "expired" | "epoch_changed" | "log_rewound";

/** Changes after the cursor `from`, up to and including `to`, can't be replayed; the stream continues after `to`, which is `cursor`. */
export interface WireGap {
  type: "GAP";
  from: string;
  to: string;
  reason: GapReason;
  cursor: string;
}

/** Sent in place of a message that is larger than the stream's `maxMessage` (W27). */
export interface WireOmitted {
  type: "OMITTED";
  /** Of the message that was left out. */
  change: ChangeType | "SNAPSHOT";
  /** A list for an upload of several files that is one message. */
  uniqueId: string | string[];
  /** The record's version after the change, as in its `ETag`; absent in a snapshot. */
  version?: number;
  /** Of the message that was left out, in bytes: with this `maxMessage` it would have been sent. */
  size: number;
  /** Where the record can be read, with a key; absent once it is deleted. */
  url?: string;
  /** As the message would have had it. */
  cursor?: string;
}
