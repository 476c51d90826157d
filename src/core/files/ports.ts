/** Interfaces through which the rules of files (F) store bytes and track files. */
import type { IdempotencyKey, IdempotentResult, StoredRecord, Write } from "@/src/core/records/ports";

/** Stores the bytes of files. Keys are chosen by the server: 32 lowercase hex digits. Every method can throw `storage_unavailable`. */
export interface FileStorage {
  /** The maximum number of bytes of one file that `put` holds in memory. */
  readonly heldBytesMax: number;
  /** Stores all of `bytes` under `key`, or nothing. Settles once the file would survive a crash. If `signal` aborts, stops and rejects. */
  put(key: string, bytes: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<void>;
  /** The bytes from `start` to `end`, both inclusive. Undefined if there is no such file. Destroying the stream ends the read. */
  read(key: string, range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes the file. Succeeds if there is none. */
  remove(key: string): Promise<void>;
}

/** A file whose bytes have not been received yet. */
export interface NewFile {
  /** The file's key in the storage: 32 lowercase hex digits. */
  id: string;
  /** Cleaned, at most 255 bytes. */
  name: string;
  /** A media type. */
  type: string;
}

/** A file whose bytes are in the storage. */
export interface StagedFile extends NewFile {
  /** In bytes. */
  size: number;
  /** 64 lowercase hex digits. */
  sha256: string;
}

/** The destination of a file. `mayReplay`: the upload may be a replay (R9), which needs no quota. */
export interface UploadTarget {
  endpointId: string;
  mayReplay: boolean;
}

/** Tracks files. A row is inserted before the first byte is stored and deleted after the bytes are removed, so files left by a crash can be found. */
export interface FileStore {
  /**
   * Inserts a file whose bytes are about to be received. If it has no record after `lifeMs`, it is swept. A store with quotas throws `quota_exceeded`
   * if there is no room for a single byte, unless the upload may be a replay.
   */
  begin(file: NewFile, lifeMs: number, target: UploadTarget): Promise<void>;
  /**
   * Only stores with quotas have this method. It counts bytes of a file before they are stored, until `commit` or `release`. Rejects with
   * `quota_exceeded`. Returns undefined, without waiting, while the project's usage is known.
   */
  grow?(id: string, bytes: number): Promise<void> | undefined;
  /**
   * Stores the records of staged files, and marks the files as committed, in one transaction. With `idempotency`, the request is executed only once
   * (see {@link RecordStore.commitIdempotent}). `file_expired`: the sweep may have removed a file already; nothing was written.
   */
  commit(
    endpointId: string,
    uploads: readonly { write: Write & { type: "POST" }; file: StagedFile }[],
    idempotency?: { key: IdempotencyKey; toResponse: (records: readonly StoredRecord[]) => string },
  ): Promise<IdempotentResult | { outcome: "file_expired" }>;
  /** The file of a record. Undefined if the record is not a file. */
  find(recordId: string): Promise<StagedFile | undefined>;
  /** Up to `limit` files that have no record any more, or did not get one in time. Those that are overdue longest come first. */
  findGarbage(limit: number): Promise<string[]>;
  /** Lets the next sweep remove files that were never committed. */
  release(ids: readonly string[]): Promise<void>;
  /** Postpones files that could not be removed, by 20 s at first and up to one hour, so that others come first. */
  defer(ids: readonly string[]): Promise<void>;
  /** Deletes the rows of files whose bytes were removed. Files that have a record stay. */
  deleteRows(ids: readonly string[]): Promise<void>;
}
