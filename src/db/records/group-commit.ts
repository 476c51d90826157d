/**
 * Group commit: writes that arrive while their endpoint is busy are committed together in one statement. The writers of an endpoint wait for each
 * other's commits anyway, because its row lock orders the log. This way they share one commit.
 */
import type { RecordStore, Write, WriteResult } from "@/src/core/records/ports";
import { createEndpointBusyError, type EndpointQueue, WRITE_WAIT_MS_MAX } from "@/src/db/records/endpoint-queue";
import { isAppError } from "@/src/shared/errors";

type Commit = RecordStore["commit"];

/** The maximum number of writes and of data bytes in a statement. A single request may exceed both. */
const WRITES_MAX = 128;
const DATA_BYTES_MAX = 1024 * 1024;
/** The maximum number of queued data bytes: for one endpoint, and in total. */
const WAITING_PER_ENDPOINT_BYTES_MAX = 64 * 1024 * 1024;
const WAITING_BYTES_MAX = 256 * 1024 * 1024;
/** The minimum that a write counts as: a request may contain thousands of tiny writes, which use memory too. */
const WRITE_BYTES_MIN = 256;

interface Request {
  writes: readonly Write[];
  bytes: number;
  /** `performance.now()` at its arrival. */
  at: number;
  resolve: (results: WriteResult[]) => void;
  reject: (error: unknown) => void;
}

/** The queued requests of an endpoint. */
interface Group {
  waiting: Request[];
  bytes: number;
}

export interface GroupCommitOptions {
  commit: Commit;
  queue: EndpointQueue;
  /** How long a request may be queued, in milliseconds. Default: 10,000. */
  waitMsMax?: number;
}

/**
 * Wraps `commit`. The writes of a request stay together and in order, and requests are served in the order of their calls. Together they are queued
 * once in the endpoint's queue, among its other writers. If a shared statement fails, its requests are tried one by one, so that each gets its own
 * error. If the database is unavailable or the endpoint's row stays locked, all requests get that error. Throws `server_busy` if too much is queued,
 * or for too long.
 */
export function createGroupCommit({ commit, queue, waitMsMax = WRITE_WAIT_MS_MAX }: GroupCommitOptions): Commit {
  const groups = new Map<string, Group>();
  let bytes = 0;

  async function drain(endpointId: string, group: Group): Promise<void> {
    let settleLast: (() => void) | undefined;
    while (group.waiting.length > 0) {
      const running = queue.run(endpointId, () => run(endpointId, takeBatch(group)));
      // The responses of the last statement are written after the next one is sent, so that the database works meanwhile. The pool sends a statement
      // in the next tick, so this tick follows it.
      if (settleLast) process.nextTick(settleLast);
      settleLast = await running.catch((error: unknown) => {
        // The queue rejected the group.
        for (const { reject } of take(group, group.waiting.length)) reject(error);
        return undefined;
      });
    }
    groups.delete(endpointId);
    settleLast?.();
  }

  /** Returns a function that settles the requests. */
  async function run(endpointId: string, batch: readonly Request[]): Promise<() => void> {
    if (batch.length === 0) return () => undefined;
    try {
      const results = await commit(
        endpointId,
        batch.flatMap(({ writes }) => writes),
      );
      return () => resolveAll(batch, results);
    } catch (error) {
      // An AppError concerns the database, so it applies to all. After any other error the statement was rolled back, so running its parts writes
      // nothing twice.
      if (batch.length > 1 && !isAppError(error)) return runEach(endpointId, batch);
      return () => {
        for (const { reject } of batch) reject(error);
      };
    }
  }

  async function runEach(endpointId: string, batch: readonly Request[]): Promise<() => void> {
    const settles: (() => void)[] = [];
    for (const request of batch) settles.push(await run(endpointId, [request]));
    return () => {
      for (const settle of settles) settle();
    };
  }

  /** Takes the requests for the next statement, and rejects those that have waited too long. The result can be empty. */
  function takeBatch(group: Group): Request[] {
    const oldest = performance.now() - waitMsMax;
    const late = group.waiting.findIndex(({ at }) => at >= oldest);
    if (late !== 0) for (const { reject } of take(group, late === -1 ? group.waiting.length : late)) reject(createEndpointBusyError());
    return take(group, countBatch(group.waiting));
  }

  function take(group: Group, count: number): Request[] {
    const taken = group.waiting.splice(0, count);
    const takenBytes = taken.reduce((sum, request) => sum + request.bytes, 0);
    group.bytes -= takenBytes;
    bytes -= takenBytes;
    return taken;
  }

  function isTooMuch(group: Group, more: number): boolean {
    return (group.waiting.length > 0 && group.bytes + more > WAITING_PER_ENDPOINT_BYTES_MAX) || bytes + more > WAITING_BYTES_MAX;
  }

  return (endpointId, writes) =>
    new Promise((resolve, reject) => {
      const requestBytes = writes.reduce(
        (sum, write) => sum + Math.max(WRITE_BYTES_MIN, write.type === "DELETE" ? 0 : Buffer.byteLength(write.data)),
        0,
      );
      const known = groups.get(endpointId);
      const group = known ?? { waiting: [], bytes: 0 };
      if (isTooMuch(group, requestBytes)) {
        reject(createEndpointBusyError());
        return;
      }
      group.waiting.push({ writes, bytes: requestBytes, at: performance.now(), resolve, reject });
      group.bytes += requestBytes;
      bytes += requestBytes;
      if (known) return;
      groups.set(endpointId, group);
      // At the end of this turn of the event loop, so that the writes of all requests that have arrived share the first statement: 10 % less processor
      // time at 50 connections. A lone write is sent once the sockets that are ready have been read. A full statement is sent at once.
      if (requestBytes >= DATA_BYTES_MAX) void drain(endpointId, group);
      else setImmediate(() => void drain(endpointId, group));
    });
}

function resolveAll(batch: readonly Request[], results: readonly WriteResult[]): void {
  let start = 0;
  for (const { writes, resolve } of batch) {
    resolve(results.slice(start, start + writes.length));
    start += writes.length;
  }
}

/** How many requests go into one statement: at least one, if there is any. */
function countBatch(waiting: readonly Request[]): number {
  let writes = 0;
  let bytes = 0;
  let count = 0;
  for (const request of waiting) {
    writes += request.writes.length;
    bytes += request.bytes;
    if (count > 0 && (writes > WRITES_MAX || bytes > DATA_BYTES_MAX)) break;
    count++;
  }
  return count;
}
