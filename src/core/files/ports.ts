/** What the rules of files (F) need from the outside: a storage for bytes, and a store for what is known of them. Interfaces and plain types only. */
import type { IdempotencyKey, IdempotentResult, StoredRecord, Write } from "@/src/core/records/ports";

/** Where the bytes of files are kept. Keys are ours: 32 lowercase hex digits. Every method may raise `storage_unavailable`. */
export interface FileStorage {
  /** What `put` holds of one file in memory at most, in bytes. */
  readonly heldBytesMax: number;
  /** Stores all of `bytes` under `key`, or nothing; settles once it would survive a crash. When `signal` aborts, stops and rejects. */
  put(key: string, bytes: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<void>;
  /** The bytes from `start` to `end`, both included; undefined: there is no such file. Destroying the stream ends the read. */
  read(key: string, range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes the file; settles also when there is none. */
  remove(key: string): Promise<void>;
}

/** A file whose bytes are about to come. */
export interface NewFile {
  /** Its key in the storage: 32 lowercase hex digits. */
  id: string;
  /** As it is answered: cleaned, 255 bytes at most. */
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

/** Where a file is meant to go. `mayReplay`: the upload may be a repeat (R9), which needs no room. */
export interface UploadTarget {
  endpointId: string;
  mayReplay: boolean;
}

/** What is known of files. A row comes before the first byte and goes after the last one: what a crash leaves can be found. */
export interface FileStore {
  /**
   * Notes files whose bytes are about to come. Without a record after `lifeMs` they are swept. A store with quotas throws `quota_exceeded`
   * before a byte is taken when there is no room for one, unless the upload may be a repeat.
   */
  begin(file: NewFile, lifeMs: number, target: UploadTarget): Promise<void>;
  /**
   * Stores with quotas have it: counts bytes of a file before they are stored, until `commit` or `release`. Rejects with `quota_exceeded`; undefined, and thus
   * at once, while the project's usage is known.
   */
  grow?(id: string, bytes: number): Promise<void> | undefined;
  /**
   * Stores the records of staged files, and with them the files, in one transaction; with `once`, unless that was done before (see
   * {@link RecordStore.commitIdempotent}). `file_expired`: the sweep may have taken one already; nothing was written.
   */
  commit(
    endpointId: string,
    uploads: readonly { write: Write & { type: "POST" }; file: StagedFile }[],
    once?: { key: IdempotencyKey; toAnswer: (records: readonly StoredRecord[]) => string },
  ): Promise<IdempotentResult | { outcome: "file_expired" }>;
  /** The file of a record; undefined: it is none. */
  find(recordId: string): Promise<StagedFile | undefined>;
  /** Up to `limit` files that no record has any more, or that none ever had in time; those that are due for longest first. */
  findGarbage(limit: number): Promise<string[]>;
  /** Lets the next sweep take files that were never committed. */
  release(ids: readonly string[]): Promise<void>;
  /** Puts off files that could not be removed, by 20 s at first and up to an hour: they come after the others. */
  defer(ids: readonly string[]): Promise<void>;
  /** Forgets files whose bytes are gone; those that a record has stay. */
  forget(ids: readonly string[]): Promise<void>;
}
