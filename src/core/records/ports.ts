/** What the rules of records need from storage. Interfaces and plain types only; the adapter is db/records/record-store.ts. */

import type { ChangeType, RecordKind } from "@/src/shared/streams/protocol";

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
  /** The user that the record belongs to (S2), 32 lowercase hex digits; null: nobody. Decides who hears of it; never sent. */
  owner: string | null;
  /** When it was committed: ISO 8601, UTC, milliseconds. */
  at: string;
  /** Of an upload of several files: how many more of its changes come right after this one (W2). Absent: none. */
  remainingInUpload?: number;
}

/**
 * One write to one endpoint. `id` is chosen by the caller, also on POST (see core/unique-id.ts). `data` is JSON text. `owner`: the user that the
 * new record belongs to; absent: nobody. `onlyOwner`: the write is refused with `access_denied` unless the record belongs to this user.
 */
export type Write =
  | { type: "POST"; id: string; contentType: RecordKind; data: string; owner?: string | undefined; remainingInUpload?: number | undefined }
  | {
      type: "PUT";
      id: string;
      contentType: RecordKind;
      data: string;
      sameType?: boolean;
      expectedVersion?: number | undefined;
      onlyOwner?: string | undefined;
    }
  | { type: "DELETE"; id: string; expectedVersion?: number | undefined; onlyOwner?: string | undefined };

/** What became of a write; in the order of the writes. Anything but `ok` wrote nothing. */
export type WriteResult =
  | { outcome: "ok"; change: Change }
  | { outcome: "endpoint_not_found" | "record_not_found" | "version_conflict" | "type_mismatch" | "access_denied" };

/** Whose records a read sees: a user's own, or everybody's (undefined). */
export interface ReadScope {
  owner?: string | undefined;
}

/** Which records a list has, and in which order. */
export interface ListRange extends ReadScope {
  /** Of creation; default ascending. */
  order?: "asc" | "desc" | undefined;
  /** Only those after this seq, in the list's order; absent: from its beginning. */
  after?: number | undefined;
  /** Only those up to and including this seq, in the list's order; absent: to its end as it is when the read begins. */
  upto?: number | undefined;
}

/** A record, and what only the server knows of it. */
export interface FoundRecord extends StoredRecord {
  contentType: RecordKind;
  owner: string | null;
}

/** A request that must not be carried out twice (R9). */
export interface IdempotencyKey {
  /** SHA-256 of who asks and of the key that was sent. */
  hash: Uint8Array;
  /** SHA-256 of what was asked. */
  fingerprint: Uint8Array;
}

/** The one door through which records are written, and the ways to read them. Every method may raise `database_unavailable`. */
export interface RecordStore {
  /**
   * Applies the writes in order in one transaction, and publishes the committed changes to subscribers. A write whose
   * condition fails (unknown record, version, type) is reported and does not disturb the others.
   */
  commit(endpointId: string, writes: readonly Write[]): Promise<WriteResult[]>;
  /**
   * Replaces a JSON record by what `merge` makes of its current data: no update is lost between read and write. What `merge`
   * throws is passed on, and nothing is written; the endpoint may be locked while it works. `check` sees the result before it is written, outside of any lock, and may
   * refuse it likewise; then the merge raises `server_busy` when the record changes again and again while it is checked.
   */
  merge(
    endpointId: string,
    id: string,
    merge: (current: { contentType: RecordKind; data: string }) => string | Promise<string>,
    conditions?: {
      expectedVersion?: number | undefined;
      onlyOwner?: string | undefined;
      check?: ((merged: string) => Promise<void>) | undefined;
    },
  ): Promise<WriteResult>;
  /** The named records that exist and the scope sees, in creation order, as pieces like those of `readAll`; a few records a piece. With `dataOnly` just their data. */
  readByIds(endpointId: string, ids: readonly string[], options: ReadScope & { dataOnly: boolean }): AsyncIterable<string>;
  /** One record that the scope sees, or undefined. */
  readOne(endpointId: string, id: string, scope?: ReadScope): Promise<FoundRecord | undefined>;
  /**
   * The records of a range, as pieces of JSON text: each piece is one or more array items joined by commas,
   * without brackets. Memory stays flat: one page is held at a time, and the next is read when the consumer asks.
   */
  readAll(endpointId: string, options: ListRange & { dataOnly: boolean }): AsyncIterable<string>;
  /** Where the first `limit` records of a range begin and end, and whether there are more after them; undefined: the range has none. */
  findPage(endpointId: string, range: Omit<ListRange, "upto"> & { limit: number }): Promise<PageBounds | undefined>;
  /**
   * Stores new records unless the request was carried out before (R9): then what it answered is known. Requests that come at the same time
   * wait for each other. `toAnswer` says what to remember of the new records; records and answer are committed together. `endpoint_not_found`: nothing was
   * written, and nothing is remembered.
   */
  commitIdempotent(
    endpointId: string,
    once: IdempotencyKey,
    writes: readonly (Write & { type: "POST" })[],
    toAnswer: (records: readonly StoredRecord[]) => string,
  ): Promise<IdempotentResult>;
  /** What is remembered of a request, if it was carried out. */
  findStoredResponse(endpointId: string, once: IdempotencyKey): Promise<StoredResponse | undefined>;
}

/** The seqs of a page's first and last record. */
export interface PageBounds {
  firstSeq: number;
  lastSeq: number;
  hasMore: boolean;
}

/** `repeated`: what it answered. `reused`: another request had the same key. */
export type StoredResponse = { outcome: "repeated"; answer: string } | { outcome: "reused" };
export type IdempotentResult = { outcome: "written"; results: WriteResult[] } | StoredResponse;
