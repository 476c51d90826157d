/**
 * Reads of single rows that share a statement. Reads that arrive while a statement is running wait, and go together in the next one. A statement
 * begins after every read that it serves arrived, so each read sees everything that was committed before it.
 */
import { createFairQueue } from "@/src/core/limits/fair-queue";
import { ShortLivedMap } from "@/src/core/short-lived-map";
import { AppError } from "@/src/shared/errors";

/**
 * The maximum number of rows in a statement. At 128, a statement costs a tenth of what as many single ones cost, and takes about a millisecond. More
 * would gain little, and the requests that share it would wait longer.
 */
const BATCH_MAX = 128;
/** While every running statement is younger, another one does not start: the reads that arrive meanwhile go together. */
const SLOW_MS = 5;
/** The maximum number of statements that run at once, if they are slow. The pool has other connections for lists. */
const RUNNING_MAX = 4;
/** The maximum number of queued reads: in total, and for one group. Each belongs to a request that has its own limits. */
const WAITING_MAX = 20_000;
const WAITING_PER_GROUP_MAX = 5_000;
/** A read that is queued for longer fails with `server_busy`. */
const WAIT_MS_MAX = 10_000;
/** After a statement that failed later than this, its reads are not tried again: a database that does not respond would take as long for each. */
const RETRY_MS_MAX = 1_000;
/** The maximum number of bytes of a record in a shared statement, so that one has at most 2 MiB. Larger records are read alone. */
export const SHARED_BYTES_MAX = 16 * 1024;

export interface ReadBatcherOptions<Asked, Found> {
  /** Reads the rows of distinct keys with one statement. Returns them in the order of `asked`; undefined: there is no such row. */
  readBatch: (asked: readonly Asked[]) => Promise<readonly (Found | undefined)[]>;
  /** Default: 128. */
  batchMax?: number;
  /** Default: 4. */
  runningMax?: number;
  /** Default: 10,000. */
  waitMsMax?: number;
  /** How long a shared statement may take to fail so that its reads are tried one by one, in milliseconds. Default: 1,000. */
  retryMsMax?: number;
}

/** `group` is served in turn with other groups, for example an endpoint. `key` identifies the row: waiting reads with the same key share it. */
export type BatchedRead<Asked, Found> = (group: string, key: string, asked: Asked) => Promise<Found | undefined>;

interface Entry<Asked, Found> {
  key: string;
  path: readonly [string];
  asked: Asked;
  /** `performance.now()` at its arrival. */
  at: number;
  promise: Promise<Found | undefined>;
  resolve: (found: Found | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * A read that arrives while nothing is running starts at the end of the current turn of the event loop, together with the others of that turn. After
 * a statement has ended, the next one starts at once, before the results are delivered. Another one starts beside it only after it has run for 5 ms,
 * for example because its rows are not in memory. Groups are served round robin. If a shared statement fails within 1 s, its reads are tried one by
 * one, so that each gets its own result or error; later, all get its error. Throws `server_busy` if too many reads are queued, or for too long, and what `readBatch` throws.
 */
export function createReadBatcher<Asked, Found>({
  readBatch,
  batchMax = BATCH_MAX,
  runningMax = RUNNING_MAX,
  waitMsMax = WAIT_MS_MAX,
  retryMsMax = RETRY_MS_MAX,
}: ReadBatcherOptions<Asked, Found>): BatchedRead<Asked, Found> {
  const queue = createFairQueue<Entry<Asked, Found>>({ max: WAITING_MAX, groupMax: [WAITING_PER_GROUP_MAX] });
  /** The queued reads by key, in the order of their arrival. */
  const waiting = new ShortLivedMap<string, Entry<Asked, Found>>();
  let running = 0;
  /** `performance.now()` when the last statement started. */
  let startedAt = 0;
  let isScheduled = false;
  let isWatching = false;

  function start(): void {
    isScheduled = false;
    const batch: Entry<Asked, Found>[] = [];
    while (batch.length < batchMax) {
      const entry = queue.take();
      if (!entry) break;
      // From now on, a read of the same row needs another statement.
      waiting.delete(entry.key);
      batch.push(entry);
    }
    if (batch.length === 0) return;
    const at = performance.now();
    startedAt = at;
    running += 1;
    if (queue.size > 0) watch();
    void run(batch, at);
  }

  async function run(batch: readonly Entry<Asked, Found>[], at: number): Promise<void> {
    let found: readonly (Found | undefined)[] | undefined;
    let failure: unknown;
    try {
      found = await readBatch(batch.map(({ asked }) => asked));
    } catch (error) {
      failure = error;
    }
    running -= 1;
    // The database works on the next statement while these results are delivered.
    if (!isScheduled) start();
    if (found) deliver(batch, found);
    else if (batch.length > 1 && performance.now() - at < retryMsMax) await Promise.all(batch.map(readAlone));
    else for (const { reject } of batch) reject(failure);
  }

  function deliver(batch: readonly Entry<Asked, Found>[], found: readonly (Found | undefined)[]): void {
    batch.forEach(({ resolve }, index) => {
      resolve(found[index]);
    });
  }

  async function readAlone(entry: Entry<Asked, Found>): Promise<void> {
    try {
      deliver([entry], await readBatch([entry.asked]));
    } catch (error) {
      entry.reject(error);
    }
  }

  /** Checks the queue again later. Otherwise only the end of a statement does, and the running ones may be slow. */
  function watch(): void {
    if (isWatching) return;
    isWatching = true;
    setTimeout(() => {
      isWatching = false;
      const now = performance.now();
      rejectLate(now);
      if (queue.size === 0) return;
      if (running < runningMax && !isScheduled && now - startedAt >= SLOW_MS) start();
      if (queue.size > 0) watch();
    }, SLOW_MS);
  }

  function rejectLate(now: number): void {
    for (const [, entry] of waiting.entries()) {
      if (now - entry.at < waitMsMax) return;
      waiting.delete(entry.key);
      queue.remove(entry.path, entry);
      entry.reject(createBusyError());
    }
  }

  return (group, key, asked) => {
    const same = waiting.get(key);
    if (same) return same.promise;
    const entry = createEntry<Asked, Found>(group, key, asked);
    if (!queue.add(entry.path, entry)) return Promise.reject(createBusyError());
    waiting.set(key, entry);
    if (running > 0) watch();
    else if (!isScheduled) {
      isScheduled = true;
      setImmediate(start);
    }
    return entry.promise;
  };
}

/** Places the rows of a statement in the order in which they were requested, and removes `n`, the position of a row from 1. */
export function placeRows<Row>(rows: readonly (Row & { n: number })[], length: number): (Row | undefined)[] {
  const placed = new Array<Row | undefined>(length).fill(undefined);
  for (const { n, ...row } of rows) placed[n - 1] = row as Row;
  return placed;
}

function createEntry<Asked, Found>(group: string, key: string, asked: Asked): Entry<Asked, Found> {
  let resolve: (found: Found | undefined) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<Found | undefined>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { key, path: [group], asked, at: performance.now(), promise, resolve, reject };
}

function createBusyError(): AppError {
  return new AppError("server_busy", {
    detail: "Too many reads are waiting. Send fewer at once, or try again shortly.",
    retryAfterSeconds: 1,
  });
}
