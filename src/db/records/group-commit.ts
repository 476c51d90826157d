/**
 * Group commit: writes that arrive while their endpoint is busy go together in one statement, once it is their turn. An endpoint's writers
 * wait for each other's commits anyway (its row lock orders the log); together they share one. It must not look into writes.
 */
import type { RecordStore, Write, WriteResult } from "@/src/core/records/ports";
import { createEndpointBusyError, type EndpointQueue, WRITE_WAIT_MS_MAX } from "@/src/db/records/endpoint-queue";
import { isAppError } from "@/src/shared/errors";

type Commit = RecordStore["commit"];

/** A statement takes so many writes, and so many bytes of data; a single request may be larger. */
const WRITES_MAX = 128;
const DATA_BYTES_MAX = 1024 * 1024;
/** What may wait at one endpoint, and in all, in bytes of data. */
const WAITING_PER_ENDPOINT_BYTES_MAX = 64 * 1024 * 1024;
const WAITING_BYTES_MAX = 256 * 1024 * 1024;
/** A write counts as so many at least: a request may have thousands of tiny ones, which take memory of their own. */
const WRITE_BYTES_MIN = 256;

interface Request {
  writes: readonly Write[];
  bytes: number;
  /** `performance.now()` of its arrival. */
  at: number;
  resolve: (results: WriteResult[]) => void;
  reject: (error: unknown) => void;
}

/** The requests that wait for their endpoint's turn. */
interface Group {
  waiting: Request[];
  bytes: number;
}

export interface GroupCommitOptions {
  commit: Commit;
  queue: EndpointQueue;
  /** How long a request waits for its statement, in milliseconds; default 10,000. */
  waitMsMax?: number;
}

/**
 * Wraps `commit`. A request's writes stay together and in order, and requests are served in the order of their calls; the group as a whole takes its
 * turns in the endpoint's queue, beside other writers. When a shared statement fails, its requests are tried one by one, so that each gets its own
 * error; when the database is away, or the endpoint's row stays locked, they all get that. Throws `server_busy` when too much waits, or for too long.
 */
export function createGroupCommit({ commit, queue, waitMsMax = WRITE_WAIT_MS_MAX }: GroupCommitOptions): Commit {
  const groups = new Map<string, Group>();
  let bytes = 0;

  async function drain(endpointId: string, group: Group): Promise<void> {
    while (group.waiting.length > 0) {
      try {
        await queue.run(endpointId, () => run(endpointId, takeBatch(group)));
      } catch (error) {
        // The turn did not come.
        for (const { reject } of take(group, group.waiting.length)) reject(error);
      }
    }
    groups.delete(endpointId);
  }

  async function run(endpointId: string, batch: readonly Request[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const results = await commit(
        endpointId,
        batch.flatMap(({ writes }) => writes),
      );
      let start = 0;
      for (const { writes, resolve } of batch) {
        resolve(results.slice(start, start + writes.length));
        start += writes.length;
      }
    } catch (error) {
      // An error of the catalogue is about the database. After any other the statement is rolled back, and running its parts writes nothing twice.
      if (batch.length === 1 || isAppError(error)) for (const { reject } of batch) reject(error);
      else for (const request of batch) await run(endpointId, [request]);
    }
  }

  /** The next requests for one statement. Refuses those that have waited for too long; there may be no others. */
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
      void drain(endpointId, group);
    });
}

/** How many requests go into one statement: at least one, unless there is none. */
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
