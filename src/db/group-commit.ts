/**
 * Group commit: writes that arrive while a statement of their endpoint is under way go together in the next one. An endpoint's writers
 * wait for each other's commits anyway (its row lock orders the log); together they share one. It must not look into writes.
 */
import type { RecordStore, Write, WriteResult } from "@/src/core/ports";
import { AppError, isAppError } from "@/src/shared/errors";

type Commit = RecordStore["commit"];

/** A statement takes so many writes, and so many characters of data; a single request may be larger. */
const WRITES_MAX = 128;
const DATA_LENGTH_MAX = 1024 * 1024;
/** What may wait at one endpoint, in characters of data. */
const WAITING_LENGTH_MAX = 64 * 1024 * 1024;
/** A write counts as so many at least: a request may have thousands of tiny ones, which take memory of their own. */
const WRITE_LENGTH_MIN = 256;

interface Request {
  writes: readonly Write[];
  length: number;
  resolve: (results: WriteResult[]) => void;
  reject: (error: unknown) => void;
}

/** The requests that wait at an endpoint while one of its statements runs. */
interface Queue {
  waiting: Request[];
  length: number;
}

/**
 * Wraps `commit`. A request's writes stay together and in order, and requests are served in the order of their calls. When a shared statement fails,
 * its requests are tried one by one, so that each gets its own error; when the database is away, they all get that. Raises `server_busy` when too much waits.
 */
export function createGroupCommit(commit: Commit): Commit {
  const queues = new Map<string, Queue>();

  async function drain(endpointId: string, queue: Queue): Promise<void> {
    while (queue.waiting.length > 0) await run(endpointId, takeBatch(queue));
    queues.delete(endpointId);
  }

  async function run(endpointId: string, batch: readonly Request[]): Promise<void> {
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

  return (endpointId, writes) =>
    new Promise((resolve, reject) => {
      const length = writes.reduce((sum, write) => sum + Math.max(WRITE_LENGTH_MIN, write.type === "DELETE" ? 0 : write.data.length), 0);
      const request = { writes, length, resolve, reject };
      const queue = queues.get(endpointId);
      if (!queue) {
        const first = { waiting: [request], length };
        queues.set(endpointId, first);
        void drain(endpointId, first);
      } else if (queue.length + length > WAITING_LENGTH_MAX && queue.waiting.length > 0) {
        reject(new AppError("server_busy", { retryAfterSeconds: 1 }));
      } else {
        queue.waiting.push(request);
        queue.length += length;
      }
    });
}

/** The next requests for one statement: at least one. */
function takeBatch(queue: Queue): Request[] {
  let writes = 0;
  let length = 0;
  let count = 0;
  for (const request of queue.waiting) {
    writes += request.writes.length;
    length += request.length;
    if (count > 0 && (writes > WRITES_MAX || length > DATA_LENGTH_MAX)) break;
    count++;
  }
  const batch = queue.waiting.splice(0, count);
  queue.length -= batch.reduce((sum, request) => sum + request.length, 0);
  return batch;
}
