/** What streams need from the outside: the change log, change notifications, snapshots, and what servers share about open streams. Interfaces and plain types only; adapters live in db and realtime. */

import type { Change, ReadScope } from "@/src/core/records/ports";

/** A change that the reader may not see: its place in the log, and nothing else. */
export interface HiddenChange {
  seq: number;
  hidden: true;
  /** See {@link LogPosition}. */
  proof?: string | undefined;
}

/** Where an endpoint's log stands. */
export interface LogPosition {
  /** Random; renewed when the log is replaced (restore). A cursor of another epoch can't be resumed. */
  epoch: string;
  seq: number;
  /** Identifies the change at `seq` (core/change-proof.ts); undefined where it is not known, and at 0. */
  proof?: string | undefined;
}

/** A place in the log of one endpoint. */
export interface LogPlace {
  endpointId: string;
  seq: number;
}

/** Where a log stands, and what it knows of the places that were asked for. */
export interface FoundPosition extends LogPosition {
  /** By seq: the proof of the change that the log has there. It lacks places whose change is no longer known. */
  proofs: ReadonlyMap<number, string>;
}

/** The log of changes, read by the tailer. */
export interface ChangeLog {
  /** The positions of those of the endpoints that exist, and the proofs of `places` in them, all of one moment. The endpoints of `places` need not be named again. */
  positions(endpointIds: readonly string[], places?: readonly LogPlace[]): Promise<Map<string, FoundPosition>>;
  /** Up to `limit` changes with seq > `after`, ascending, without holes. */
  read(endpointId: string, after: number, limit: number): Promise<Change[]>;
  /** The same as a user sees it: the places of changes to records that belong to others are hidden. */
  readFor(owner: string, endpointId: string, after: number, limit: number): Promise<(Change | HiddenChange)[]>;
}

/** A notification that changes were committed. The log is the truth: a lost notification delays, never loses. */
export type ChangeNotification =
  | { kind: "changes"; changes: readonly Change[] } // of one or more endpoints, ascending by seq for each endpoint
  | { kind: "endpoint"; endpointId: string } // something was committed there
  | { kind: "unknown" }; // something was committed somewhere: look at every log that matters

/** Carries notifications from writers to the tailer of this process (and, with Redis, of the others). */
export interface ChangeNotifications {
  publish(notification: ChangeNotification): void;
  /** Answers how to unsubscribe. */
  subscribe(listener: (notification: ChangeNotification) => void): () => void;
}

/** Records as they are at one moment, in creation order. */
export interface SnapshotPage {
  /** Their JSON, joined by commas; empty: there are none. */
  items: string;
  /** Those of them that were changed after `upto`, and the version that they have here. */
  changed: readonly { id: string; version: number }[];
  /** Where the log stood at that moment. */
  at: LogPosition;
  /** After which seq the next page begins; undefined: this is the last one. */
  nextAfter: number | undefined;
}

export interface SnapshotReader {
  /**
   * The next of the records that were created after the seq `after` and up to `upto`, and that the scope sees, each as it is now; as many as make
   * about 64 KiB. Undefined: the endpoint is gone. Raises `database_unavailable`.
   */
  readPage(endpointId: string, range: ReadScope & { after: number; upto: number }): Promise<SnapshotPage | undefined>;
}

/** An open stream, as all servers may know of it. */
export interface ListedStream {
  id: string;
  transport: "ws" | "sse";
  endpointId: string;
  /** Null: opened by a ticket. */
  keyId: string | null;
  /** The record of the application's user whose access token was sent. */
  userId: string | null;
  /** It hears of this user's records alone. */
  onlyOwner: string | null;
  /** The JSONata expression that must be true of what it hears (W13). */
  filter: string | null;
  origin: string | null;
  openedAt: Date;
  /** Where the log stood then. */
  openedSeq: number;
  resumable: boolean;
  /** Up to which seq it has been sent the log; null: it is live. */
  replayedTo: number | null;
  queueBytes: number;
}

/** The open streams of all servers. Every method may raise `database_unavailable`. */
export interface OpenStreamStore {
  /** Says that the server is there: once it has not for SERVER_SEEN_SECONDS, its streams count no more. `isNew`: nothing is known of it, nor of its streams. */
  heartbeat(nodeId: string): Promise<{ isNew: boolean }>;
  /** Tells what has changed of a server's streams. */
  write(
    nodeId: string,
    changes: { added: readonly ListedStream[]; moved: readonly ListedStream[]; removed: readonly string[] },
  ): Promise<void>;
  /** Those of the server's streams that somebody asked to be ended. */
  findEndRequested(nodeId: string): Promise<string[]>;
  /** The server goes, and its streams with it. */
  remove(nodeId: string): Promise<void>;
}
