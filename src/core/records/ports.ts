/** Interfaces through which the rules of records use the storage. The adapter is db/records/record-store.ts. */
import type { MaybePromise } from "@/src/core/maybe-promise";
import type { ChangeType, RecordKind } from "@/src/shared/streams/protocol";

/** A record as stored. */
export interface StoredRecord {
  /** 32 lowercase hex digits (R1). */
  id: string;
  /** 1 at creation, increased by 1 with every update. */
  version: number;
  /** The stored JSON text: key order and digits are as sent. */
  data: string;
  /** ISO 8601, UTC, milliseconds. */
  createdAt: string;
  updatedAt: string;
  /** Of the change that wrote it. Only the results of writes have it. */
  seq?: number;
}

/** A committed change: one entry of the endpoint's log. */
export interface Change {
  endpointId: string;
  /** 1, 2, 3, … per endpoint, in commit order, without gaps. */
  seq: number;
  type: ChangeType;
  /** The state after the change. For DELETE: the last state. */
  record: StoredRecord;
  /** The user that owns the record (S2): 32 lowercase hex digits. Null: nobody. Decides who receives the change; never sent. */
  owner: string | null;
  /** When it was committed: ISO 8601, UTC, milliseconds. */
  at: string;
  /** For an upload of several files: how many more changes of it follow immediately (W2). Absent: none. */
  remainingInUpload?: number;
}

/**
 * One write to one endpoint. The caller chooses `id`, also for POST (see core/records/unique-id.ts). `data` is JSON text. `owner`: the user that owns
 * the new record; absent: nobody. `onlyOwner`: the write fails with `access_denied` unless this user owns the record. `isChained`: the write follows a
 * PUT to the same record in the same call, with the same `contentType` and `onlyOwner`. If that one was not done, this one fails with
 * `version_conflict`.
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
      isChained?: boolean;
    }
  | { type: "DELETE"; id: string; expectedVersion?: number | undefined; onlyOwner?: string | undefined };

/** The result of a write, in the order of the writes. A write with any outcome but `ok` changed nothing. */
export type WriteResult =
  | { outcome: "ok"; change: Change }
  | { outcome: "endpoint_not_found" | "record_not_found" | "version_conflict" | "type_mismatch" | "access_denied" };

/** The records that a read returns: those of one user, or all (undefined). */
export interface ReadScope {
  owner?: string | undefined;
}

/** Selects the records of a list and their order. */
export interface ListRange extends ReadScope {
  /** The order of creation. Default: ascending. */
  order?: "asc" | "desc" | undefined;
  /** Only records after this seq, in the list's order. Absent: from the beginning. */
  after?: number | undefined;
  /** Only records up to and including this seq, in the list's order. Absent: to the end of the list when the read begins. */
  upto?: number | undefined;
}

/** The beginning of a list, or all of it, in one piece. */
export interface ListStart {
  /** Array items joined by commas, without brackets. */
  items: string;
  /** Where the list continues. Undefined: nothing follows. */
  more: { after: number; upto: number } | undefined;
}

/** A record with its internal fields. */
export interface FoundRecord extends StoredRecord {
  contentType: RecordKind;
  owner: string | null;
}

/** A record of a list with its position and its owner, so that it can be judged (S7). */
export interface ListedRecord extends Omit<StoredRecord, "version"> {
  seq: number;
  owner: string | null;
}

/** Selects records that are judged one by one. */
export interface ExaminedRange extends ListRange {
  /** A condition in SQL over the columns of `"Record" r`, whose values are `$1`, `$2`, … Only records that fulfil it are returned. */
  condition?: { text: string; values: readonly unknown[] } | undefined;
  /** How many records are returned at most. */
  limit: number;
  /** How many records of the range are examined at most. */
  examine: number;
  /** A read after the first one of a list waits for those of other endpoints. */
  isFirst: boolean;
}

export interface ExaminedRecords {
  records: ListedRecord[];
  /** The seq after which the next call goes on. Undefined: the range has ended. */
  next: number | undefined;
  /** The seq up to which a list goes that begins now. */
  upto: number;
}

/** Identifies a request that must be executed only once (R9). */
export interface IdempotencyKey {
  /** SHA-256 of the caller and the Idempotency-Key. */
  hash: Uint8Array;
  /** SHA-256 of the request. */
  fingerprint: Uint8Array;
}

/** The state of a record that a merge is applied to. */
export interface MergedState {
  version: number;
  contentType: RecordKind;
  data: string;
  owner: string | null;
}

/** Writes and reads records. It is the only way to write them. Every method can throw `database_unavailable`. */
export interface RecordStore {
  /**
   * Applies the writes in order in one transaction and publishes the committed changes to subscribers. A write whose condition fails (unknown record,
   * version, type) is reported in its result and does not affect the others.
   */
  commit(endpointId: string, writes: readonly Write[]): Promise<WriteResult[]>;
  /**
   * Replaces a record's data with the result of `merge` for its current data, without losing concurrent updates. Concurrent merges of a record are
   * applied in the order of the calls and committed together, each as its own change with its own version. `merge` may be called several times, also
   * with data that is never committed. Errors of `merge` are passed on, and nothing is written. The endpoint may be locked while `merge` runs. `check`
   * receives the result before it is written, without any lock, and can throw to refuse it. With `check`, the endpoint is never locked, and the method throws `server_busy` if the record
   * keeps changing while it is checked. Throws `server_busy` if too many merges of the record are waiting.
   */
  merge(
    endpointId: string,
    id: string,
    merge: (current: MergedState) => MaybePromise<string>,
    conditions?: {
      expectedVersion?: number | undefined;
      onlyOwner?: string | undefined;
      check?: ((merged: string) => MaybePromise<void>) | undefined;
    },
  ): Promise<WriteResult>;
  /**
   * Those of the named records that exist and are in scope, in creation order, as pieces like those of `readAll` with a few records each. With
   * `dataOnly` only their data.
   */
  readByIds(endpointId: string, ids: readonly string[], options: ReadScope & { dataOnly: boolean }): AsyncIterable<string>;
  /** One record, whoever owns it, if it exists. */
  readOne(endpointId: string, id: string): Promise<FoundRecord | undefined>;
  /**
   * The first `limit` records of a range in one piece; without `limit`, the first 1,000. Concurrent identical calls can share a read. Undefined: they
   * are too many or too large for one piece.
   */
  readStart(
    endpointId: string,
    range: Omit<ListRange, "upto"> & { limit?: number | undefined; dataOnly: boolean },
  ): Promise<ListStart | undefined>;
  /**
   * The records of a range as pieces of JSON text: each piece is one or more array items joined by commas, without brackets. Only one page is held in
   * memory; the next one is read when the consumer asks for it.
   */
  readAll(endpointId: string, options: ListRange & { dataOnly: boolean }): AsyncIterable<string>;
  /** The next records of a range, about 1 MiB of them. Records that were created after the first call of a list are read too, unless `upto` is set. */
  examine(endpointId: string, range: ExaminedRange): Promise<ExaminedRecords>;
  /** Those of the named records that exist, in creation order. */
  examineByIds(endpointId: string, ids: readonly string[]): AsyncIterable<ListedRecord[]>;
  /** The first and last seq of the first `limit` records of a range, and whether more follow. Undefined if the range is empty. */
  findPage(endpointId: string, range: Omit<ListRange, "upto"> & { limit: number }): Promise<PageBounds | undefined>;
  /**
   * Stores new records, unless the request was already executed (R9); then its stored response is returned. Concurrent requests with the same key
   * wait for each other. `toResponse` creates the response to store, which is committed together with the records. If the outcome is
   * `endpoint_not_found`, nothing is stored.
   */
  commitIdempotent(
    endpointId: string,
    idempotencyKey: IdempotencyKey,
    writes: readonly (Write & { type: "POST" })[],
    toResponse: (records: readonly StoredRecord[]) => string,
  ): Promise<IdempotentResult>;
  /** The stored response of a request, if it was executed. */
  findStoredResponse(endpointId: string, idempotencyKey: IdempotencyKey): Promise<StoredResponse | undefined>;
}

/** The seqs of the first and last record of a page. */
export interface PageBounds {
  firstSeq: number;
  lastSeq: number;
  hasMore: boolean;
}

/** `replayed`: the stored response of the same request. `reused`: another request used the same key. */
export type StoredResponse = { outcome: "replayed"; response: string } | { outcome: "reused" };
export type IdempotentResult = { outcome: "written"; results: WriteResult[] } | StoredResponse;
