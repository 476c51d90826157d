/** What the rules need from the outside: storage, time, hints. Interfaces and plain types only; adapters live in db and realtime. */
import type { ChangeType, ContentKind } from "@/src/shared/protocol";

/** A record as stored. */
export interface StoredRecord {
  /** 32 lowercase hex digits (R1). */
  id: string;
  /** 1 at creation, one more with every update. */
  version: number;
  /** JSON text exactly as kept: key order and digits as sent. */
  data: string;
  /** ISO 8601, UTC, milliseconds. */
  createdAt: string;
  updatedAt: string;
}

/** A committed change: one entry of the endpoint's log. */
export interface Change {
  endpointId: string;
  /** 1, 2, 3, … per endpoint, in commit order, without holes. */
  seq: number;
  type: ChangeType;
  /** State after the change; on DELETE the last state. */
  record: StoredRecord;
  /** When it was committed: ISO 8601, UTC, milliseconds. */
  at: string;
}

/** One write to one endpoint. `id` is chosen by the caller, also on POST (see core/unique-id.ts). `data` is JSON text. */
export type Write =
  | { type: "POST"; id: string; contentType: ContentKind; data: string }
  | { type: "PUT"; id: string; contentType: ContentKind; data: string; sameType?: boolean; expectedVersion?: number }
  | { type: "DELETE"; id: string; expectedVersion?: number };

/** What became of a write; in the order of the writes. Anything but `ok` wrote nothing. */
export type WriteResult =
  | { outcome: "ok"; change: Change }
  | { outcome: "endpoint_not_found" | "record_not_found" | "version_conflict" | "type_mismatch" };

/** The one door through which records are written, and the ways to read them. Every method may raise `database_unavailable`. */
export interface RecordStore {
  /**
   * Applies the writes in order in one transaction, and hints the committed changes to subscribers. A write whose
   * condition fails (unknown record, version, type) is reported and does not disturb the others.
   */
  commit(endpointId: string, writes: readonly Write[]): Promise<WriteResult[]>;
  /**
   * Replaces a JSON record by what `merge` makes of its current data, under the endpoint's lock: no update is lost
   * between read and write. `merge` must be synchronous and quick; what it throws is passed on, and nothing is written.
   */
  merge(endpointId: string, id: string, merge: (current: { contentType: ContentKind; data: string }) => string): Promise<WriteResult>;
  /** The named records that exist, in creation order, as pieces like those of `readAll`; a few records a piece. With `dataOnly` just their data. */
  readByIds(endpointId: string, ids: readonly string[], options: { dataOnly: boolean }): AsyncIterable<string>;
  /** One record, or undefined. */
  readOne(endpointId: string, id: string): Promise<StoredRecord | undefined>;
  /**
   * Every record in creation order, as pieces of JSON text: each piece is one or more array items joined by commas,
   * without brackets. Memory stays flat: one page is held at a time, and the next is read when the consumer asks.
   */
  readAll(endpointId: string, options: { dataOnly: boolean }): AsyncIterable<string>;
}

/** Where an endpoint's log stands. */
export interface LogPosition {
  /** Random; renewed when the log is replaced (restore). A cursor of another epoch can't be resumed. */
  epoch: string;
  seq: number;
}

/** The log of changes, read by the pump. */
export interface ChangeLog {
  /** The positions of those of the endpoints that exist. */
  positions(endpointIds: readonly string[]): Promise<Map<string, LogPosition>>;
  /** Up to `limit` changes with seq > `after`, ascending, without holes. */
  read(endpointId: string, after: number, limit: number): Promise<Change[]>;
}

/** A hint that changes were committed. The log is the truth: a lost hint delays, never loses. */
export type Hint =
  | { kind: "changes"; changes: readonly Change[] } // of one or more endpoints, ascending by seq for each endpoint
  | { kind: "endpoint"; endpointId: string } // something was committed there
  | { kind: "unknown" }; // something was committed somewhere: look at every log that matters

/** Carries hints from writers to the pump of this process (and, with Redis, of the others). */
export interface Hints {
  publish(hint: Hint): void;
  /** Answers how to unsubscribe. */
  subscribe(listener: (hint: Hint) => void): () => void;
}

/** A key, its endpoint and its project as stored: what the data plane needs to decide. Revoked and expired keys are answered too. */
export interface Definition {
  key: { id: string; name: string; scope: "read" | "write" | "read_write"; expiresAt: Date | null; revokedAt: Date | null };
  endpoint: {
    id: string;
    name: string;
    kind: "data" | "authentication";
    secure: boolean;
  };
  project: {
    id: string;
    revision: number;
    allowedOrigins: readonly string[];
    disallowNoOrigin: boolean;
    /** SHA-256 of the master key. */
    masterKeyHash: Uint8Array | null;
  };
}

/** Reads definitions; core/definitions.ts caches them. */
export interface DefinitionStore {
  /** The definition that a key and an endpoint's name select; undefined when there is no such key, or its project has no such endpoint. */
  find(key: string, endpointName: string): Promise<Definition | undefined>;
  /** An endpoint and its project; undefined when there is none. */
  findEndpoint(endpointId: string): Promise<Omit<Definition, "key"> | undefined>;
  /** The endpoint and project that a single-use stream ticket names; the ticket is consumed. Undefined: unknown, used or expired. */
  redeemTicket(ticket: string): Promise<Omit<Definition, "key"> | undefined>;
  /** The current revision of those of the projects that exist. */
  revisions(projectIds: readonly string[]): Promise<Map<string, number>>;
  /** Notes when keys were last used; later of stored and given wins. */
  touchKeys(lastUsed: ReadonlyMap<string, Date>): Promise<void>;
}

/** The time; tests inject their own. */
export interface Clock {
  now(): Date;
}

/** A structured log. `pino` satisfies it. */
export interface Log {
  debug(context: object, message: string): void;
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}
