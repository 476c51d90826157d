/** Divides the database access of a process by purpose. Each lane has its own connections and a fair queue (E6, ADR 0015). */
import { AsyncLocalStorage } from "node:async_hooks";
import { createFairSemaphore, type FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { createDb, type Db } from "@/src/db/client";
import { CONNECTIONS_DEFAULT, createPools, type Pools, type PoolsOptions, toShares } from "@/src/db/pools";
import { createRawStatements, type RawStatements } from "@/src/db/raw-statements";
import { createRead, type Read } from "@/src/db/read";
import { createEndpointQueue, type EndpointQueue, WRITE_WAIT_MS_MAX } from "@/src/db/records/endpoint-queue";
import { createRecordSearch, type RecordSearch } from "@/src/db/records/record-search";
import { AppError } from "@/src/shared/errors";

/** A queued statement that waits longer fails with `server_busy`. */
const WAIT_MS_MAX = 10_000;
/** The maximum number of queued reads of lists, of each kind: in total, and for one endpoint. Each belongs to a request that has its own limits. */
const LISTS_WAITING_MAX = 20_000;
const LISTS_WAITING_PER_ENDPOINT_MAX = 5_000;
/** The maximum number of queued statements of the dashboard: in total, and for one account. */
const MANAGEMENT_WAITING_MAX = 2_000;
const MANAGEMENT_WAITING_PER_ACCOUNT_MAX = 200;
/** The account of requests without one: pages, and requests that are not signed in. */
const NO_ACCOUNT = "";

/** Runs dashboard work on behalf of an account. Its statements are queued fairly with those of other accounts. */
export type AsAccount = <T>(accountId: string, work: () => Promise<T>) => Promise<T>;

export interface Lanes {
  pools: Pools;
  /** The dashboard's client. One account can use at most two thirds of its connections. */
  db: Db;
  asAccount: AsAccount;
  /** Runs a statement on the dashboard's connections, in the same queue. */
  runForAccount: Read;
  /** Writes records, files and users. Everything that locks an endpoint's row runs in `endpointQueue`, and only on this client. */
  writeDb: Db;
  endpointQueue: EndpointQueue;
  /** Short reads of the data plane and the streams. */
  reads: RawStatements;
  /** Pages of long lists and of snapshots: round robin by endpoint, on less than half of the connections for reads. */
  pageReads: FairSemaphore;
  /** Short lists: as `pageReads`, but on connections of their own, so that they do not wait for long lists. One connection is left for single reads. */
  listReads: FairSemaphore;
  /** Pages of the grid and of exports, one at a time for each account. */
  recordSearch: RecordSearch;
  /** For periodic jobs. */
  background: RawStatements;
  /** Checks the database on a dedicated connection. Returns false if there is no response within 2 s. Never throws. */
  isUp(): Promise<boolean>;
  /** Closes all connections. */
  end(): Promise<void>;
}

export interface LanesOptions extends PoolsOptions {
  notifications: ChangeNotifications;
  /** How long a writer may be queued at an endpoint, in milliseconds. Default: 10,000. */
  writeWaitMsMax?: number;
}

/** The first statement opens the first connection. The caller must call `end()`. */
export function createLanes({ notifications, writeWaitMsMax = WRITE_WAIT_MS_MAX, ...options }: LanesOptions): Lanes {
  const pools = createPools(options);
  const shares = toShares(options.connectionsMax ?? CONNECTIONS_DEFAULT, options.purpose);
  const accounts = new AsyncLocalStorage<string>();
  const management = createFairSemaphore({
    permits: shares.management,
    groupPermits: Math.max(1, Math.floor((shares.management * 2) / 3)),
    waiting: { max: MANAGEMENT_WAITING_MAX, groupMax: [MANAGEMENT_WAITING_PER_ACCOUNT_MAX] },
    waitMsMax: WAIT_MS_MAX,
    createBusyError: () => createBusyError("Too many dashboard requests are waiting. Send fewer at once, or try again shortly."),
  });
  const db = createDb({
    ...options,
    notifications,
    pool: pools.management,
    enter: (work) => management.run([accounts.getStore() ?? NO_ACCOUNT], work),
  });
  const writeDb = createDb({ ...options, notifications, pool: pools.writes });
  const readManagement = createRead(pools.management);
  let asking: Promise<boolean> | undefined;

  return {
    pools,
    db,
    asAccount: (accountId, work) => accounts.run(accountId, work),
    runForAccount: (statement, values) => management.run([accounts.getStore() ?? NO_ACCOUNT], () => readManagement(statement, values)),
    writeDb,
    // One connection is left for writes that lock no endpoint, such as the beginning of an upload.
    endpointQueue: createEndpointQueue({ permits: Math.max(1, shares.writes - 1), waitMsMax: writeWaitMsMax }),
    reads: createRawStatements(pools.reads),
    pageReads: createListSemaphore(toPagePermits(shares.reads)),
    listReads: createListSemaphore(shares.reads - 1 - toPagePermits(shares.reads)),
    recordSearch: createRecordSearch({ pool: pools.searches, searches: shares.searches }),
    background: createRawStatements(pools.background),
    isUp: () => {
      asking ??= pools.health
        .query("SELECT 1")
        .then(
          () => true,
          () => false,
        )
        .finally(() => {
          asking = undefined;
        });
      return asking;
    },
    end: async () => {
      await Promise.all([db.$disconnect(), writeDb.$disconnect()]);
      await pools.end();
    },
  };
}

function toPagePermits(connections: number): number {
  return Math.max(1, Math.floor((connections - 1) / 2));
}

/** With two connections, one of `permits` is 0; it is raised to 1, and single reads share the connections with lists. */
function createListSemaphore(permits: number): FairSemaphore {
  return createFairSemaphore({
    permits: Math.max(1, permits),
    waiting: { max: LISTS_WAITING_MAX, groupMax: [LISTS_WAITING_PER_ENDPOINT_MAX] },
    waitMsMax: WAIT_MS_MAX,
    createBusyError: () => createBusyError("Too many lists are being read. Request fewer at once, or try again shortly."),
  });
}

function createBusyError(detail: string): AppError {
  return new AppError("server_busy", { detail, retryAfterSeconds: 1 });
}
