/** The rules of files (F1–F3): what an upload stores, how a file is read, and which stored bytes are swept. */
import { createHash, type Hash } from "node:crypto";
import type { CallerPath } from "@/src/core/access/caller-path";
import type { FieldPath, JudgedRecord, RecordJudge } from "@/src/core/access/record-judge";
import { toFileName } from "@/src/core/files/name";
import type { FileStorage, FileStore, StagedFile, UploadTarget } from "@/src/core/files/ports";
import { toMediaType } from "@/src/core/http/media-type";
import { type ByteBudget, type ByteHold, createByteBudget } from "@/src/core/limits/byte-budget";
import type { CountExchange } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import { type IdempotencyCaller, toIdempotencyKey, toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";
import { requireAllowed, toJudged } from "@/src/core/records/judged-reads";
import { requireCreatable, type ShownRecord, showCreated, toNewRecord } from "@/src/core/records/judged-writes";
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

/** Text fields sent with the files. A field that was sent more than once is a list. */
export type Metadata = Readonly<Record<string, string | readonly string[]>>;

/** The files of one request. Either all of them become records, or none. */
export interface Upload {
  /**
   * Streams a file to the storage. Throws `too_many_files`, `file_too_large`, `storage_unavailable`, `database_unavailable`, `quota_exceeded`, and
   * what reading `bytes` throws.
   */
  add(file: SentFile): Promise<void>;
  /**
   * Stores one record for each file, in the order of `add`. A replay (R9) of the same upload returns the records of the first one. Call `discard`
   * afterwards in any case. Throws `upload_invalid` if there is no file, `schema_mismatch`, `body_timeout` or `idempotency_key_reused`; then nothing
   * was written.
   */
  commit(request: {
    endpointId: string;
    schema: string | null;
    caller: CallerPath;
    owner: string | undefined;
    /** Throws `access_denied` unless it allows all records, also for a replay (S7). The result is shown as the caller may read it. */
    judge?: RecordJudge | undefined;
    metadata: Metadata;
    /** The Idempotency-Key that was sent, and who sent it. */
    idempotency?: { header: string; caller: IdempotencyCaller } | undefined;
  }): Promise<{ records: ShownRecord[]; isReplay: boolean }>;
  /**
   * Removes the files that were not committed, after all running `add` calls have ended; abort the signal first. Never throws: the sweep removes what
   * cannot be removed now.
   */
  discard(): Promise<void>;
}

/** A file of a record, ready to be read. */
export interface OpenFile extends Omit<StagedFile, "id"> {
  /** The bytes from `start` to `end`, both inclusive. Throws `storage_unavailable`, also if the storage has lost the file. */
  read(range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>;
}

export interface Files {
  /**
   * Begins an upload. `signal` aborts the files that are being received. Throws `server_busy` if too many uploads are in progress: for the caller,
   * for its account, or in total. An upload counts until `discard` has settled.
   */
  beginUpload(options: {
    signal: AbortSignal;
    /** Counts the bytes that the storage holds in memory of each file that is being received. `add` throws what it throws. */
    hold: Pick<ByteHold, "add" | "remove">;
    /**
     * The destination of the files. Received bytes count against the quota of its project: `add` throws `quota_exceeded` as soon as it is used up.
     */
    target: UploadTarget;
    /** On whose behalf the files are uploaded. */
    caller: CallerPath;
  }): Upload;
  /**
   * Finds the file of a record. Throws `record_not_found`, `not_a_file`, or `access_denied` if `onlyOwner` is set and the record belongs to somebody
   * else, if the judge does not allow to read the record, or if it hides the description of the file.
   */
  open(request: { endpointId: string; id: string; onlyOwner?: string | undefined; judge?: RecordJudge | undefined }): Promise<OpenFile>;
  /** Removes the bytes of files that no longer have a record, and of uploads that never finished. */
  sweep(): Promise<void>;
  /** Starts a sweep after records were deleted. Never throws: the next sweep tries again. */
  sweepSoon(): void;
}

export interface FilesOptions {
  store: FileStore;
  storage: FileStorage;
  records: Pick<RecordStore, "readOne" | "findStoredResponse">;
  sandbox: Pick<Sandbox, "validate">;
  log: Pick<Log, "warn" | "error">;
  /** The time limit of a whole upload. Files that are not committed in time are swept. */
  uploadTimeoutMs: number;
  /** Counts uploads together with the other workers of this server. */
  exchange?: CountExchange | undefined;
}

/** The time between an upload's last byte and its commit. */
const COMMIT_SLACK_MS = 60_000;
const SWEEP_BATCH = 100;
/** Limits of concurrent uploads. They bound the stored bytes even if a project has no quota. */
const UPLOADS = { max: 128, accountMax: 32, callerMax: 8, retryAfterSeconds: 5 };

export function createFiles(options: FilesOptions): Files {
  return new StoredFiles(options);
}

class StoredFiles implements Files {
  readonly #options: FilesOptions;
  /** The running sweep. One that is requested in the meantime follows it. */
  #sweeping: Promise<void> = Promise.resolve();
  #isSweepRequested = false;
  /** Counts concurrent uploads, each as 1. */
  readonly #uploads: ByteBudget;

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#uploads = createByteBudget({
      max: UPLOADS.max,
      groupMax: [UPLOADS.accountMax, UPLOADS.accountMax, UPLOADS.callerMax],
      shared: options.exchange?.gauge("uploads"),
      createBusyError: () =>
        new AppError("server_busy", {
          detail: `Too many concurrent uploads: the limits are ${UPLOADS.callerMax} for a key from one address and ${UPLOADS.accountMax} for an account. Send fewer at once, or try again shortly.`,
          retryAfterSeconds: UPLOADS.retryAfterSeconds,
        }),
    });
  }

  beginUpload({ caller, ...request }: Parameters<Files["beginUpload"]>[0]): Upload {
    const slot = this.#uploads.hold(caller, 1);
    return new StagedUpload(this.#options, { ...request, slot });
  }

  async open({ endpointId, id, onlyOwner, judge }: Parameters<Files["open"]>[0]): Promise<OpenFile> {
    const { records, store, storage, log } = this.#options;
    const record = await records.readOne(endpointId, id);
    if (!record) throw new AppError("record_not_found");
    if (onlyOwner !== undefined && record.owner !== onlyOwner) throw new AppError("access_denied");
    if (judge) await requireReadableFile(judge, toJudged(record));
    if (record.contentType !== "file") throw new AppError("not_a_file");
    const file = await store.find(id);
    // The record was deleted or the file was replaced since the record was read.
    if (!file) throw new AppError("record_not_found");
    const { id: key, ...rest } = file;
    return {
      ...rest,
      read: async (range) => {
        const bytes = await storage.read(key, range);
        if (bytes) return bytes;
        log.error({ file: key, endpointId, recordId: id }, "a file is missing from the file storage");
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
      await store.deleteRows(removed);
      if (failed.length > 0) {
        await store.defer(failed);
        const { reason } = removals.find((removal) => removal.status === "rejected") ?? {};
        log.warn({ err: reason, files: failed.length }, "some files could not be removed; the next sweep tries again");
      }
      // If none could be removed, the storage may be unavailable. The next sweep starts with other files.
      if (ids.length < SWEEP_BATCH || removed.length === 0) return;
    }
  }

  sweepSoon(): void {
    if (this.#isSweepRequested) return;
    this.#isSweepRequested = true;
    const { log } = this.#options;
    this.#sweeping = this.#sweeping.then(() => {
      this.#isSweepRequested = false;
      return this.sweep().catch((error: unknown) => log.warn({ err: error }, "could not sweep files; the next sweep tries again"));
    });
  }
}

class StagedUpload implements Upload {
  readonly #options: FilesOptions;
  readonly #signal: AbortSignal;
  readonly #hold: Pick<ByteHold, "add" | "remove">;
  readonly #target: UploadTarget;
  readonly #slot: Pick<ByteHold, "release">;
  /** In the order of `add`. Undefined while the bytes are being received. */
  readonly #staged: (StagedFile | undefined)[] = [];
  /** Settle when the file is stored or has failed. */
  readonly #adding: Promise<void>[] = [];
  /** Ids of files that may have bytes in the storage. */
  #uncommitted: string[] = [];

  constructor(
    options: FilesOptions,
    { signal, hold, target, slot }: Omit<Parameters<Files["beginUpload"]>[0], "caller"> & { slot: Pick<ByteHold, "release"> },
  ) {
    this.#options = options;
    this.#signal = signal;
    this.#hold = hold;
    this.#target = target;
    this.#slot = slot;
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

  async commit({
    endpointId,
    schema,
    caller,
    owner,
    judge,
    metadata,
    idempotency,
  }: Parameters<Upload["commit"]>[0]): ReturnType<Upload["commit"]> {
    const { store, records, sandbox } = this.#options;
    const files = this.#staged.filter((file) => file !== undefined);
    if (files.length === 0) {
      throw new AppError("upload_invalid", { detail: "The upload has no file. Send one or more parts named file." });
    }
    const key = idempotency && toIdempotencyKey({ ...idempotency, request: toFingerprintParts(files, metadata) });
    const uploads = files.map((file, index) => {
      // The stream sends them in one message.
      const remainingInUpload = files.length - index - 1 || undefined;
      const data = toFileData(file, metadata);
      return { file, write: { type: "POST", id: createUniqueId(), contentType: "file", data, owner, remainingInUpload } as const };
    });
    const show = (shown: { records: StoredRecord[]; isReplay: boolean }) => showCreated(shown, owner, judge);
    // Before a replay too: the caller may have lost the right to create.
    if (judge)
      await requireCreatable(
        judge,
        uploads.map(({ write }) => toNewRecord(write)),
      );
    // Checked before the schema, which may have changed since the first request.
    const before = key && (await records.findStoredResponse(endpointId, key));
    if (before) return show(toReplay(before));
    const texts = uploads.map(({ write }) => write.data);
    await requireSchemaMatch({ sandbox, schema, texts, inArray: files.length > 1, caller });
    const result = await store.commit(endpointId, uploads, key && { key, toResponse: writeStoredResponse });
    if (result.outcome === "file_expired") throw new AppError("body_timeout");
    if (result.outcome !== "written") return show(toReplay(result));
    const created = result.results.flatMap((one) => (one.outcome === "ok" ? [one.change.record] : []));
    // A POST has no condition, so it can only fail because its endpoint was deleted.
    if (created.length < files.length)
      throw new AppError("endpoint_or_key_invalid", { internal: "the endpoint was deleted before the write" });
    this.#uncommitted = [];
    return show({ records: created, isReplay: false });
  }

  async discard(): Promise<void> {
    try {
      // A file that is still being received would be stored after its removal.
      await Promise.all(this.#adding);
      await this.#removeUncommitted();
    } finally {
      this.#slot.release();
    }
  }

  async #removeUncommitted(): Promise<void> {
    const ids = this.#uncommitted;
    this.#uncommitted = [];
    if (ids.length === 0) return;
    const { store, storage, log } = this.#options;
    try {
      // If the next step fails, the next sweep removes the files.
      await store.release(ids);
      await Promise.all(ids.map((id) => storage.remove(id)));
      await store.deleteRows(ids);
    } catch (error) {
      log.warn({ err: error, files: ids.length }, "could not remove the files of a failed upload; the next sweep tries again");
    }
  }
}

/** The name, type, size and hash of a file are in the headers of its response. */
async function requireReadableFile(judge: RecordJudge, record: JudgedRecord): Promise<void> {
  await requireAllowed(judge, "read", record);
  if (judge.hidesFields && hasHidden(judge.hiddenFields(record), "file"))
    throw new AppError("access_denied", { detail: "The endpoint's access rules hide the description of this file from you." });
}

/** True if one of the paths begins with this name. */
function hasHidden(paths: readonly FieldPath[], name: string): boolean {
  return paths.some(([first]) => first === name);
}

/** Yields the bytes unchanged, and counts and hashes them. Throws `file_too_large`, and what `onMore` throws. */
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

/** The JSON text of a file's record (F1). */
function toFileData({ name, type, size, sha256 }: StagedFile, metadata: Metadata): string {
  return JSON.stringify({ file: { name, type, size, sha256 }, metadata });
}

/** The parts of an upload that make it the same or another request: names, types and contents of the files, and the text fields. */
function toFingerprintParts(files: readonly StagedFile[], metadata: Metadata): string[] {
  return ["upload", JSON.stringify(files.map(({ name, type, size, sha256 }) => [name, type, size, sha256])), JSON.stringify(metadata)];
}
