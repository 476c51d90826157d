/**
 * Reads the log and the records for streams that are not live. A limited number of queries run at once, callers take turns, and streams that need the same page
 * share a query. However many streams replay, the database stays available to live readers and other requests.
 */
import type { CallerPath } from "@/src/core/access/caller-path";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { Change } from "@/src/core/records/ports";
import type { ChangeLog, HiddenChange, SnapshotReader } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import type { StreamReads } from "../filters/filtered-reads";
import { shareReads } from "./shared-reads";

/** The queries that run at once, in total and for one account. */
const QUERIES_MAX = 4;
const QUERIES_PER_ACCOUNT_MAX = 3;
/** The limit of waiting reads. Each stream has at most one. */
const WAITING_MAX = 200_000;
/** How long a read can wait. The next poll retries a read that times out. */
const WAIT_MS_MAX = 60_000;

export interface ReplayReads {
  /** Returns the reads of a stream with this view; it sees everything if `onlyOwner` is undefined. Reads throw `server_busy` and the errors of the database. */
  of(view: { onlyOwner: string | undefined; caller: CallerPath }): StreamReads;
}

type Page = (Change | HiddenChange)[];

export function createReplayReads(options: { changes: Pick<ChangeLog, "read" | "readFor">; snapshots: SnapshotReader }): ReplayReads {
  const { changes, snapshots } = options;
  const semaphore = createFairSemaphore({
    permits: QUERIES_MAX,
    groupPermits: QUERIES_PER_ACCOUNT_MAX,
    waiting: { max: WAITING_MAX },
    waitMsMax: WAIT_MS_MAX,
    createBusyError: () => new AppError("server_busy", { detail: "Too many streams are replaying. Try again shortly." }),
  });
  const runInTurn = <T>(caller: CallerPath, query: () => Promise<T>): Promise<T> => semaphore.run(caller, query);
  const readAll = shareReads<Page, CallerPath>((...page) => changes.read(...page), runInTurn);
  /** The reads of users who see only their own records. Devices of the same user share pages. */
  const readOwn = new Map<string, { read: ReturnType<typeof shareReads<Page, CallerPath>>; running: number }>();

  async function readFor(owner: string, caller: CallerPath, ...page: Parameters<ChangeLog["read"]>): Promise<Page> {
    const shared = readOwn.get(owner) ?? {
      read: shareReads<Page, CallerPath>((...asked) => changes.readFor(owner, ...asked), runInTurn),
      running: 0,
    };
    readOwn.set(owner, shared);
    shared.running += 1;
    try {
      return await shared.read(caller, ...page);
    } finally {
      shared.running -= 1;
      if (shared.running === 0) readOwn.delete(owner);
    }
  }

  /** A class, so that tens of thousands of streams share their methods. */
  class ViewReads implements StreamReads {
    constructor(
      readonly onlyOwner: string | undefined,
      readonly caller: CallerPath,
    ) {}

    readLog(...page: Parameters<ChangeLog["read"]>): Promise<Page> {
      return this.onlyOwner === undefined ? readAll(this.caller, ...page) : readFor(this.onlyOwner, this.caller, ...page);
    }

    get snapshots(): SnapshotReader {
      return { readPage: (...range) => runInTurn(this.caller, () => snapshots.readPage(...range)) };
    }
  }

  return { of: ({ onlyOwner, caller }) => new ViewReads(onlyOwner, caller) };
}
