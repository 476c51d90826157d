/** The rules of files (F1–F3): what an upload stores, what a file answers, what is swept. It must not know transports, nor where bytes are kept. */
import { createHash, type Hash } from "node:crypto";
import type { CallerPath } from "@/src/core/access/caller-path";
import { toFileName } from "@/src/core/files/name";
import type { FileStorage, FileStore, StagedFile, UploadTarget } from "@/src/core/files/ports";
import { toMediaType } from "@/src/core/http/media-type";
import { type ByteHold, createByteBudget } from "@/src/core/limits/byte-budget";
import type { Log } from "@/src/core/log";
import { type IdempotencyCaller, toIdempotencyKey, toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";
import type { RecordStore, StoredRecord } from "@/src/core/records/ports";
import { requireSchemaMatch } from "@/src/core/records/schema-check";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import { FILE_BYTES_MAX, FILES_MAX } from "@/src/shared/streams/protocol";

/** A file as a client sends it. */
export interface SentFile {
  name: string | undefined;
  type: string | undefined;
  bytes: AsyncIterable<Uint8Array>;
}

/** Text fields sent with files; those that were sent more than once are lists. */
export type Metadata = Readonly<Record<string, string | readonly string[]>>;

/** The files of one request: all of them become records, or none. */
export interface Upload {
  /** Streams a file to the storage. Raises `too_many_files`, `file_too_large`, `storage_unavailable`, `database_unavailable`, and what its bytes raise. */
  add(file: SentFile): Promise<void>;
  /**
   * Stores one record for each file, in the order of `add`; a repeat (R9) of the same upload answers the first one's. `discard` is still to be called. Raises
   * `upload_invalid` when there is no file, `schema_mismatch`, `body_timeout`, `idempotency_key_reused`; then nothing was written.
   */
  commit(request: {
    endpointId: string;
    schema: string | null;
    caller: CallerPath;
    owner: string | undefined;
    metadata: Metadata;
    /** The Idempotency-Key that was sent, and by whom. */
    once?: { sent: string; caller: IdempotencyCaller } | undefined;
  }): Promise<{ records: StoredRecord[]; isReplay: boolean }>;
  /** Removes what was not committed, once the bytes that are under way have ended: abort the signal first. Never raises: the sweep takes what can't be removed now. */
  discard(): Promise<void>;
}

/** A file of a record, to be answered. */
export interface OpenFile extends Omit<StagedFile, "id"> {
  /** The bytes from `start` to `end`, both included. Raises `storage_unavailable`, also when the storage has lost them. */
  read(range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>;
}

export interface Files {
  /**
   * When `signal` aborts, files that are under way are given up. Throws `server_busy` when too many uploads are under way: of the caller, of its account, or in
   * all; an upload counts until `discard` has settled.
   */
  beginUpload(options: {
    signal: AbortSignal;
    /** Counts what the storage holds of each file while it arrives. What it throws, `add` throws. */
    hold: Pick<ByteHold, "add" | "remove">;
    /** Where the files are meant to go. What arrives counts against its project's quota: `add` throws `quota_exceeded` as soon as that is used up. */
    target: UploadTarget;
    /** On whose behalf. */
    caller: CallerPath;
  }): Upload;
  /** The file of a record. `onlyOwner`: raises `access_denied` unless it belongs to this user. Raises `record_not_found`, `not_a_file`. */
  open(request: { endpointId: string; id: string; onlyOwner?: string | undefined }): Promise<OpenFile>;
  /** Removes the bytes of files that no record has any more, and of uploads that never ended. */
  sweep(): Promise<void>;
  /** Sweeps soon, after records were deleted. Never raises: the next sweep tries again. */
  sweepSoon(): void;
}

export interface FilesOptions {
  store: FileStore;
  storage: FileStorage;
  records: Pick<RecordStore, "readOne" | "findStoredResponse">;
  sandbox: Pick<Sandbox, "validate">;
  log: Pick<Log, "warn" | "error">;
  /** For all of an upload. What is not committed in time is swept. */
  uploadTimeoutMs: number;
}

/** Between an upload's last byte and its commit. */
const COMMIT_SLACK_MS = 60_000;
const SWEEP_BATCH = 100;
/** Uploads under way: what they have stored is bounded also where a project has no quota. */
const UPLOADS = { max: 128, accountMax: 32, callerMax: 8, retryAfterSeconds: 5 };

export function createFiles(options: FilesOptions): Files {
  return new StoredFiles(options);
}

class StoredFiles implements Files {
  readonly #options: FilesOptions;
  /** The sweep under way; one that is asked for meanwhile follows it. */
  #sweeping: Promise<void> = Promise.resolve();
  #isSweepAskedFor = false;
  /** Counts uploads, each as one. */
  readonly #uploads = createByteBudget({
    max: UPLOADS.max,
    groupMax: [UPLOADS.accountMax, UPLOADS.accountMax, UPLOADS.callerMax],
    createBusyError: () =>
      new AppError("server_busy", {
        detail: `Too many uploads are under way: at most ${UPLOADS.callerMax} of a key from an address, and ${UPLOADS.accountMax} of an account. Send fewer at once, or try again shortly.`,
        retryAfterSeconds: UPLOADS.retryAfterSeconds,
      }),
  });

  constructor(options: FilesOptions) {
    this.#options = options;
  }

  beginUpload({ caller, ...request }: Parameters<Files["beginUpload"]>[0]): Upload {
    const turn = this.#uploads.hold(caller, 1);
    return new StagedUpload(this.#options, { ...request, turn });
  }

  async open({ endpointId, id, onlyOwner }: Parameters<Files["open"]>[0]): Promise<OpenFile> {
    const { records, store, storage, log } = this.#options;
    const record = await records.readOne(endpointId, id);
    if (!record) throw new AppError("record_not_found");
    if (onlyOwner !== undefined && record.owner !== onlyOwner) throw new AppError("access_denied");
    if (record.contentType !== "file") throw new AppError("not_a_file");
    const file = await store.find(id);
    // Deleted, or replaced, since the record was read.
    if (!file) throw new AppError("record_not_found");
    const { id: key, ...rest } = file;
    return {
      ...rest,
      read: async (range) => {
        const bytes = await storage.read(key, range);
        if (bytes) return bytes;
        log.error({ file: key, endpointId, recordId: id }, "the file storage has lost a file");
        throw new AppError("storage_unavailable", { internal: `file=${key} is missing` });
      },
    };
  }

  async sweep(): Promise<void> {
    const { store, storage, log } = this.#options;
    for (;;) {
      const ids = await store.findGarbage(SWEEP_BATCH);
      const removals = await Promise.allSettled(ids.map((id) => storage.remove(id)));
      const isRemoved = (index: number) => removals[index]?.status === "fulfilled";
      const removed = ids.filter((_, index) => isRemoved(index));
      const failed = ids.filter((_, index) => !isRemoved(index));
      await store.forget(removed);
      if (failed.length > 0) {
        await store.defer(failed);
        const { reason } = removals.find((removal) => removal.status === "rejected") ?? {};
        log.warn({ err: reason, files: failed.length }, "some files can't be removed now");
      }
      // When none could be removed the storage may be away: the next sweep begins with others.
      if (ids.length < SWEEP_BATCH || removed.length === 0) return;
    }
  }

  sweepSoon(): void {
    if (this.#isSweepAskedFor) return;
    this.#isSweepAskedFor = true;
    const { log } = this.#options;
    this.#sweeping = this.#sweeping.then(() => {
      this.#isSweepAskedFor = false;
      return this.sweep().catch((error: unknown) => log.warn({ err: error }, "files can't be swept now"));
    });
  }
}

class StagedUpload implements Upload {
  readonly #options: FilesOptions;
  readonly #signal: AbortSignal;
  readonly #hold: Pick<ByteHold, "add" | "remove">;
  readonly #target: UploadTarget;
  readonly #turn: Pick<ByteHold, "release">;
  /** In the order of `add`; undefined while its bytes come. */
  readonly #staged: (StagedFile | undefined)[] = [];
  /** Settle when a file is in the storage, or never will be. */
  readonly #adding: Promise<void>[] = [];
  /** Whose bytes may be in the storage. */
  #uncommitted: string[] = [];

  constructor(
    options: FilesOptions,
    { signal, hold, target, turn }: Omit<Parameters<Files["beginUpload"]>[0], "caller"> & { turn: Pick<ByteHold, "release"> },
  ) {
    this.#options = options;
    this.#signal = signal;
    this.#hold = hold;
    this.#target = target;
    this.#turn = turn;
  }

  add(file: SentFile): Promise<void> {
    const adding = this.#add(file);
    this.#adding.push(adding.catch(() => undefined));
    return adding;
  }

  async #add({ name, type, bytes }: SentFile): Promise<void> {
    const index = this.#staged.push(undefined) - 1;
    if (index >= FILES_MAX) throw new AppError("too_many_files");
    const { store, storage, uploadTimeoutMs } = this.#options;
    const label = toFileName(name);
    const file = { id: createUniqueId(), name: label, type: toMediaType(type, label) };
    this.#uncommitted.push(file.id);
    await store.begin(file, uploadTimeoutMs + COMMIT_SLACK_MS, this.#target);
    const measured = { hash: createHash("sha256"), size: 0 };
    let held = 0;
    const takeMore = (size: number, bytes: number) => {
      const more = Math.min(size, storage.heldBytesMax) - held;
      if (more > 0) {
        this.#hold.add(more);
        held += more;
      }
      return bytes > 0 ? store.grow?.(file.id, bytes) : undefined;
    };
    try {
      await storage.put(file.id, measure(bytes, measured, takeMore), { signal: this.#signal });
    } finally {
      this.#hold.remove(held);
    }
    this.#staged[index] = { ...file, size: measured.size, sha256: measured.hash.digest("hex") };
  }

  async commit({ endpointId, schema, caller, owner, metadata, once }: Parameters<Upload["commit"]>[0]): ReturnType<Upload["commit"]> {
    const { store, records, sandbox } = this.#options;
    const files = this.#staged.filter((file) => file !== undefined);
    if (files.length === 0) {
      throw new AppError("upload_invalid", { detail: "There is no file in the upload. Send one or more parts named file." });
    }
    const key = once && toIdempotencyKey({ ...once, asked: toAsked(files, metadata) });
    // Before the schema, which may have changed since the first request.
    const before = key && (await records.findStoredResponse(endpointId, key));
    if (before) return toReplay(before);
    const uploads = files.map((file, index) => {
      // The stream tells of them in one message.
      const remainingInUpload = files.length - index - 1 || undefined;
      const data = toFileData(file, metadata);
      return { file, write: { type: "POST", id: createUniqueId(), contentType: "file", data, owner, remainingInUpload } as const };
    });
    const texts = uploads.map(({ write }) => write.data);
    await requireSchemaMatch({ sandbox, schema, texts, inArray: files.length > 1, caller });
    const result = await store.commit(endpointId, uploads, key && { key, toAnswer: writeStoredResponse });
    if (result.outcome === "file_expired") throw new AppError("body_timeout");
    if (result.outcome !== "written") return toReplay(result);
    const created = result.results.flatMap((one) => (one.outcome === "ok" ? [one.change.record] : []));
    // A POST has no condition; only its endpoint can be missing.
    if (created.length < files.length)
      throw new AppError("endpoint_or_key_invalid", { internal: "the endpoint was deleted before the write" });
    this.#uncommitted = [];
    return { records: created, isReplay: false };
  }

  async discard(): Promise<void> {
    try {
      // What is still on its way would arrive after it was removed.
      await Promise.all(this.#adding);
      await this.#removeUncommitted();
    } finally {
      this.#turn.release();
    }
  }

  async #removeUncommitted(): Promise<void> {
    const ids = this.#uncommitted;
    this.#uncommitted = [];
    if (ids.length === 0) return;
    const { store, storage, log } = this.#options;
    try {
      // Should the next step fail, the sweep takes them at once.
      await store.release(ids);
      await Promise.all(ids.map((id) => storage.remove(id)));
      await store.forget(ids);
    } catch (error) {
      log.warn({ err: error, files: ids.length }, "files of a failed upload are left to the sweep");
    }
  }
}

/** Passes the bytes on, and counts and hashes them on their way. Raises `file_too_large`, and what `onMore` raises. */
async function* measure(
  bytes: AsyncIterable<Uint8Array>,
  measured: { hash: Hash; size: number },
  onMore: (size: number, bytes: number) => Promise<void> | undefined,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of bytes) {
    measured.size += chunk.byteLength;
    if (measured.size > FILE_BYTES_MAX) throw new AppError("file_too_large");
    const admitted = onMore(measured.size, chunk.byteLength);
    if (admitted) await admitted;
    measured.hash.update(chunk);
    yield chunk;
  }
}

/** JSON text of a file's record (F1). */
function toFileData({ name, type, size, sha256 }: StagedFile, metadata: Metadata): string {
  return JSON.stringify({ file: { name, type, size, sha256 }, metadata });
}

/** What makes an upload another one: what its files are and hold, and the text fields. */
function toAsked(files: readonly StagedFile[], metadata: Metadata): string[] {
  return ["upload", JSON.stringify(files.map(({ name, type, size, sha256 }) => [name, type, size, sha256])), JSON.stringify(metadata)];
}
