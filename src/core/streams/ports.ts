/** Interfaces of streams: the change log, change notifications, snapshots, and the open streams of all servers. Adapters are in db and realtime. */

import type { ExamineSize } from "@/src/core/records/examine-size";
import type { Change, ReadScope } from "@/src/core/records/ports";

/** A change that the reader must not see. Only its position is known. */
export interface HiddenChange {
  seq: number;
  hidden: true;
  /** See {@link LogPosition}. */
  proof?: string | undefined;
}

/** A position in an endpoint's log, usually its end. */
export interface LogPosition {
  /** Random. Renewed when the log is replaced (restore). A cursor of another epoch cannot be resumed. */
  epoch: string;
  seq: number;
  /** Identifies the change at `seq` (core/streams/change-proof.ts). Undefined if it is unknown, and at 0. */
  proof?: string | undefined;
}

/** A seq in the log of one endpoint. */
export interface LogPlace {
  endpointId: string;
  seq: number;
}

/** The end of a log, with the proofs at the requested seqs. */
export interface FoundPosition extends LogPosition {
  /** The proofs of the changes at the requested seqs. Changes that are no longer known are missing. */
  proofs: ReadonlyMap<number, string>;
}

/** A record that was read when `seq` was the last seq of its endpoint's log. */
export interface ReadPlace extends LogPlace {
  /** Undefined: all records of the endpoint. */
  recordId: string | undefined;
}

/** The log of changes, which the log tailer reads. */
export interface ChangeLog {
  /**
   * The end positions of those endpoints that exist, with the proofs at `places`, all from one moment. The endpoints of `places` need not be listed
   * again.
   */
  positions(endpointIds: readonly string[], places?: readonly LogPlace[]): Promise<Map<string, FoundPosition>>;
  /** Up to `limit` changes with a seq greater than `after`, ascending, without gaps. */
  read(endpointId: string, after: number, limit: number): Promise<Change[]>;
  /** The same as `read` for a user: changes to records of others are hidden. */
  readFor(owner: string, endpointId: string, after: number, limit: number): Promise<(Change | HiddenChange)[]>;
  /**
   * Whether the record of each place has changed after it was read; without `recordId`, whether a record has that was not new. In their order. True too if that is
   * not known: the changes have expired or are too many, the log has lost its end, or the endpoint was deleted.
   */
  findChanged(places: readonly ReadPlace[]): Promise<boolean[]>;
}

/** Announces committed changes. The log is the source of truth: a lost notification delays changes but does not lose them. */
export type ChangeNotification =
  | { kind: "changes"; changes: readonly Change[] } // of one or more endpoints; per endpoint ascending by seq
  | { kind: "endpoint"; endpointId: string } // the endpoint has new changes
  | { kind: "unknown" }; // any endpoint may have new changes

/** Carries notifications from writers to the log tailers of this process and, with Redis, of the other nodes. */
export interface ChangeNotifications {
  publish(notification: ChangeNotification): void;
  /** Returns a function that unsubscribes. */
  subscribe(listener: (notification: ChangeNotification) => void): () => void;
}

/** A page of records as they are at one moment, in creation order. */
export interface SnapshotPage {
  /** The JSON of the records, joined by commas. Empty if there are none. */
  items: string;
  /** The owner of each record, by its id; null: nobody. Only if `withOwners` was requested. */
  owners?: ReadonlyMap<string, string | null>;
  /** Those of the records that were changed after `upto`, with the version that they have here. */
  changed: readonly { id: string; version: number }[];
  /** The end of the log at that moment. */
  at: LogPosition;
  /** The seq after which the next page begins. Undefined: this is the last page. */
  nextAfter: number | undefined;
}

/** A condition in SQL over the columns of `"Record" r`, whose values are `$1`, `$2`, …. `size`: how many records are examined with it for a page; the reader notes the time. */
export interface SnapshotCondition {
  text: string;
  values: readonly unknown[];
  size: ExamineSize;
}

export interface SnapshotReader {
  /**
   * Reads the next records (about 64 KiB) that were created after the seq `after` and up to `upto` and are in scope, in their current state.
   * `withOwners`: the page has the owners of its records. `condition`: the page has only records that fulfil it, and can end early, even without records.
   * Undefined if the endpoint was deleted. Throws `database_unavailable`.
   */
  readPage(
    endpointId: string,
    range: ReadScope & { after: number; upto: number; withOwners?: boolean | undefined; condition?: SnapshotCondition | undefined },
  ): Promise<SnapshotPage | undefined>;
}

/** An open stream, as all servers see it. */
export interface ListedStream {
  id: string;
  transport: "ws" | "sse";
  endpointId: string;
  /** Null if the stream was opened with a ticket. */
  keyId: string | null;
  /** The record of the application's user whose access token was sent. */
  userId: string | null;
  /** The stream receives only changes of this user's records. */
  onlyOwner: string | null;
  /** The JSONata expression of the stream's filter (W13). */
  filter: string | null;
  origin: string | null;
  openedAt: Date;
  /** The end of the log when the stream was opened. */
  openedSeq: number;
  resumable: boolean;
  /** The stream receives only what access rules or an access function allow (W29). */
  isJudged: boolean;
  /** The seq up to which the log was replayed. Null: the stream is live. */
  replayedTo: number | null;
  queueBytes: number;
}

/** The open streams of all servers. Every method can throw `database_unavailable`. */
export interface OpenStreamStore {
  /**
   * Records that the server is alive. After SERVER_SEEN_SECONDS without a heartbeat its streams no longer count. `isNew`: the server was unknown, so
   * its streams must be written again.
   */
  heartbeat(nodeId: string): Promise<{ isNew: boolean }>;
  /** Stores what has changed in a server's streams. */
  write(
    nodeId: string,
    changes: { added: readonly ListedStream[]; moved: readonly ListedStream[]; removed: readonly string[] },
  ): Promise<void>;
  /** Those of the server's streams that were requested to end. */
  findEndRequested(nodeId: string): Promise<string[]>;
  /** Removes the server and its streams. */
  remove(nodeId: string): Promise<void>;
}
