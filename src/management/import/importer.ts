/** Receives import files, stores them on disk, reads each in a worker process in fair order, and limits their number per account and in all. */
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createTooLargeError } from "@/src/core/http/collect-body";
import { type ByteRate, createByteRate } from "@/src/core/limits/byte-rate";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { Log } from "@/src/core/log";
import { AppError } from "@/src/shared/errors";
import { IMPORT_BYTES_MAX, IMPORTS_PER_ACCOUNT_MAX } from "@/src/shared/record-limits";
import type { FoundCharset, NamedCharset } from "./charset";
import type { ImportKind } from "./import-kind";
import type { ImportedItem } from "./read-items";
import { readInWorker } from "./worker-process";

/** The maximum number of imports, including those that arrive or wait: 2 GiB of disk. */
const IMPORTS_MAX = 32;
/** The number of concurrent workers. An account uses at most one. */
const WORKERS_MAX = 2;
const WAIT_MS_MAX = 120_000;
/** A table of 100 columns and 100,000 rows takes about 5 s. */
const CPU_MS_MAX = 60_000;
const RETRY_AFTER_SECONDS = 10;
/** The size of a write to disk. Many small writes cost more than their bytes. */
const PIECE_BYTES = 512 * 1024;
/** The rate of all arriving files together. Passing bytes to the disk takes time of the event loop. */
const BYTES_PER_SECOND = 16 * 1024 * 1024;
/** An older file was left behind by a crash, because a body arrives within 15 minutes. */
const LEFT_BEHIND_MS = 3_600_000;

export interface ImportFile {
  accountId: string;
  kind: ImportKind | "any";
  /** Undefined: the file declares its encoding. */
  charset?: NamedCharset | undefined;
  /** Reads files that are not UTF-8 and declare no encoding as windows-1252. Default: they are rejected. */
  mayGuess?: boolean;
  /** Called with the file's encoding, after its last record. */
  onFound?: (found: FoundCharset) => void;
  body: AsyncIterable<Uint8Array>;
  recordBytesMax: number;
  /** Aborts the import, e.g. because the client disconnected. */
  signal?: AbortSignal | undefined;
}

export interface Importer {
  /**
   * Passes the file's records to `use`, in order and in batches, and settles as `use` does. Throws what `body` throws, what readItems throws,
   * `rate_limited` if the account already has two imports under way, `server_busy` if there are too many imports in all or the wait is too long,
   * `storage_unavailable` if the file cannot be stored, and the signal's reason.
   */
  run<T>(file: ImportFile, use: (batches: AsyncIterable<ImportedItem[]>) => Promise<T>): Promise<T>;
  /** Aborts the imports that are under way. */
  close(): Promise<void>;
}

export interface ImporterOptions {
  /** The folder for files while they are read. */
  dir: string;
  findScript: () => Promise<string>;
  log: Pick<Log, "warn">;
}

export function createImporter({ dir, findScript, log }: ImporterOptions): Importer {
  const turns = createFairSemaphore({
    permits: WORKERS_MAX,
    groupPermits: 1,
    waiting: { max: IMPORTS_MAX },
    waitMsMax: WAIT_MS_MAX,
    createBusyError: () => busy("Too many imports are waiting."),
  });
  const rate = createByteRate({ bytesPerSecond: BYTES_PER_SECOND });
  const countByAccount = new Map<string, number>();
  const closing = new AbortController();
  // Each import adds a listener.
  setMaxListeners(0, closing.signal);
  const running = new Set<Promise<unknown>>();
  let script: Promise<string> | undefined;
  let prepared: Promise<void> | undefined;

  const findWorker = () => {
    script ??= findScript();
    script.catch(() => {
      script = undefined;
    });
    return script;
  };

  const prepareOnce = () => {
    prepared ??= prepare(dir, log);
    prepared.catch(() => {
      prepared = undefined;
    });
    return prepared;
  };

  function enter(accountId: string): () => void {
    closing.signal.throwIfAborted();
    const own = countByAccount.get(accountId) ?? 0;
    if (own >= IMPORTS_PER_ACCOUNT_MAX) {
      const detail = `An account can have ${IMPORTS_PER_ACCOUNT_MAX} imports in progress at once. Wait until one has finished, then try again.`;
      throw new AppError("rate_limited", { detail, retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    if (running.size >= IMPORTS_MAX) throw busy("Too many imports are in progress.");
    countByAccount.set(accountId, own + 1);
    return () => {
      const left = (countByAccount.get(accountId) ?? 0) - 1;
      if (left > 0) countByAccount.set(accountId, left);
      else countByAccount.delete(accountId);
    };
  }

  async function work<T>(request: ImportFile, use: (batches: AsyncIterable<ImportedItem[]>) => Promise<T>): Promise<T> {
    const { accountId, kind, charset, mayGuess = false, onFound, body, recordBytesMax } = request;
    const signal = request.signal ? AbortSignal.any([request.signal, closing.signal]) : closing.signal;
    await prepareOnce();
    const file = path.join(dir, randomUUID());
    try {
      await receive({ body, file, signal, rate });
      const settings = { kind, charset, mayGuess, recordBytesMax, cpuMsMax: CPU_MS_MAX };
      const read = async () => use(readInWorker({ script: await findWorker(), file, settings, log, signal, onFound }));
      return await turns.run([accountId], read, signal);
    } catch (error) {
      throw request.signal?.aborted ? new AppError("request_invalid", { detail: "The client has disconnected.", cause: error }) : error;
    } finally {
      await rm(file, { force: true });
    }
  }

  return {
    async run(file, use) {
      const leave = enter(file.accountId);
      const result = work(file, use).finally(leave);
      running.add(result);
      return result.finally(() => running.delete(result));
    },
    async close() {
      closing.abort(new AppError("server_shutdown"));
      await Promise.allSettled([...running]);
    },
  };
}

/** Creates the folder, and deletes files that a crash left behind. */
async function prepare(dir: string, log: Pick<Log, "warn">): Promise<void> {
  await onDisk(() => mkdir(dir, { recursive: true, mode: 0o700 }));
  try {
    for (const name of await readdir(dir)) {
      const file = path.join(dir, name);
      const { mtimeMs } = await stat(file);
      if (Date.now() - mtimeMs > LEFT_BEHIND_MS) await rm(file, { force: true });
    }
  } catch (error) {
    log.warn({ err: error, dir }, "files of earlier imports could not be deleted");
  }
}

interface Receipt {
  body: AsyncIterable<Uint8Array>;
  file: string;
  signal: AbortSignal;
  rate: ByteRate;
}

async function receive({ body, file, signal, rate }: Receipt): Promise<void> {
  const handle: FileHandle = await onDisk(() => open(file, "wx", 0o600));
  try {
    let length = 0;
    const piece = { chunks: [] as Uint8Array[], bytes: 0 };
    const flush = async () => {
      const bytes = Buffer.concat(piece.chunks.splice(0), piece.bytes);
      piece.bytes = 0;
      // Not `write`: on a full disk it writes a part and does not throw.
      await onDisk(() => handle.appendFile(bytes));
    };
    for await (const chunk of body) {
      signal.throwIfAborted();
      length += chunk.byteLength;
      if (length > IMPORT_BYTES_MAX) throw createTooLargeError(IMPORT_BYTES_MAX);
      piece.chunks.push(chunk);
      piece.bytes += chunk.byteLength;
      if (piece.bytes < PIECE_BYTES) continue;
      const waitMs = rate.take(piece.bytes);
      await flush();
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
    }
    await flush();
  } finally {
    await handle.close();
  }
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AppError("storage_unavailable", { detail: "The server could not store the file to read it. Try again shortly.", cause });
  }
}

function busy(what: string): AppError {
  return new AppError("server_busy", { detail: `${what} Try again shortly.`, retryAfterSeconds: RETRY_AFTER_SECONDS });
}
