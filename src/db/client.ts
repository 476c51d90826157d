/** Makes the connection pool and the Prisma client with its extensions. It must not be imported, but for types, outside runtime/boot and tests. */
import { PrismaPg } from "@prisma/adapter-pg";
import type { Types } from "@prisma/client/runtime/client";
import pg from "pg";
import type { Log } from "@/src/core/log";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { retryContention, toDatabaseError } from "@/src/db/errors";
import { createChangeExtension, type Enter } from "@/src/db/prisma/change-extension";
import { type Prisma, PrismaClient } from "@/src/db/prisma/generated/client";
import { createNotificationScopes, type NotificationScopes } from "@/src/db/prisma/transaction-notifications";
import { findStatementName } from "@/src/db/statement";

const CONNECTIONS_MAX = 10;
/** For a free connection, or a new one; then the database counts as away (E3). */
const CONNECT_TIMEOUT_MS = 5_000;
const TRANSACTION_TIMEOUT_MS = 15_000;
/** For a row's or a table's lock. Whoever waits for longer is told to try again (`server_busy`), and lets go of the connection. */
const LOCK_TIMEOUT_MS = 3_000;
/**
 * A node that can't be reached in the middle of a transaction holds its locks, above all an endpoint's row, on which every writer of the other nodes waits.
 * Between two statements of ours there is no more than a little computing.
 */
const IDLE_IN_TRANSACTION_MS = 2_000;
/** A connection on which nothing is under way is known to be dead about 10 s later: what is sent on one that is not may take many minutes to fail. */
const KEEP_ALIVE_DELAY_MS = 10_000;

/**
 * What the code relies on, whatever the server's and the role's defaults are. The time zone: Prisma's adapter takes the
 * digits of every timestamp for UTC.
 */
const toSessionSettings = (idleInTransactionMs: number, lockTimeoutMs: number): string =>
  `SET TIME ZONE 'UTC'; SET DateStyle TO 'ISO'; SET default_transaction_isolation TO 'read committed';
  SET idle_in_transaction_session_timeout TO ${idleInTransactionMs}; SET lock_timeout TO ${lockTimeoutMs}`;

export interface PoolOptions {
  /** `postgresql://…`; `sslmode` and other parameters as pg reads them. */
  url: string;
  log: Log;
  /** Connections; default 10. */
  max?: number;
  /** Default 5000. */
  connectTimeoutMs?: number;
  /** Default 2000. The database ends a connection whose transaction waits for us for longer. */
  idleInTransactionMs?: number;
  /** Default 3000. How long a statement waits for a lock before it fails with `server_busy`. */
  lockTimeoutMs?: number;
  /** What its connections are for, in pg_stat_activity: `rested <name>`. */
  name?: string;
  /** Default: none. How long a statement may run in the database. */
  statementTimeoutMs?: number;
  /** Default: none. How long a statement may take until its answer is here; then its connection is closed. */
  queryTimeoutMs?: number;
  /** Called with the process id of every new connection's backend. */
  onBackend?: (pid: number) => void;
}

/** A pool whose connections stay open. Opens none before the first query. Who makes it ends it, with `pool.end()`. */
export function createPool(options: PoolOptions): pg.Pool {
  const { url, log, max = CONNECTIONS_MAX, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const { idleInTransactionMs = IDLE_IN_TRANSACTION_MS, lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const { statementTimeoutMs, queryTimeoutMs, onBackend } = options;
  const sessionSettings = [
    toSessionSettings(idleInTransactionMs, lockTimeoutMs),
    ...(statementTimeoutMs === undefined ? [] : [`SET statement_timeout TO ${statementTimeoutMs}`]),
  ].join("; ");
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.name === undefined ? "rested" : `rested ${options.name}`,
    max,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    // Awaited by the pool before the connection is handed out, though its type does not say so.
    onConnect: async (client) => {
      await client.query(sessionSettings);
      if (onBackend && "processID" in client && typeof client.processID === "number") onBackend(client.processID);
    },
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
  });
  // Without a listener the loss of an idle connection would end the process. The pool replaces it by itself.
  pool.on("error", (error) => {
    if (!pool.ending) log.warn({ err: error }, "a database connection was lost");
  });
  return pool;
}

/** The client of a transaction, as `$transaction` hands it to its callback. */
export type DbTransaction = Parameters<Parameters<Logged["$transaction"]>[0]>[0];

/** The extended Prisma client: the only one that may write records. */
export type Db = ReturnType<typeof createDb>;

type Logged = ReturnType<typeof createLogged>;

export interface DbOptions {
  pool: pg.Pool;
  notifications: ChangeNotifications;
  log: Log;
  /** Runs each statement outside of a transaction, and each transaction as a whole, e.g. when its turn has come. Default: at once. */
  enter?: Enter;
}

/**
 * The Prisma client on `pool`. Every committed write to a record, by whichever call, is followed by one
 * notification an endpoint; a rolled-back one by none. Any call may raise `database_unavailable`. Ending it does not end the pool.
 */
export function createDb({ pool, notifications, log, enter = (work) => work() }: DbOptions) {
  const scopes = createNotificationScopes(notifications);
  const logged = createLogged({ pool, scopes, log, enter });
  return logged.$extends({ name: "transactions", client: { $transaction: createTransaction({ logged, scopes, enter }) } });
}

function createLogged({ pool, scopes, log, enter }: { pool: pg.Pool; scopes: NotificationScopes; log: Log; enter: Enter }) {
  const adapter = new PrismaPg(pool, {
    statementNameGenerator: ({ sql }) => findStatementName(sql) ?? "",
    onConnectionError: (error) => log.warn({ err: error }, "a database connection was lost inside a transaction"),
  });
  return new PrismaClient({
    adapter,
    // The others read the stack of every call, for prettier messages.
    errorFormat: "minimal",
    transactionOptions: { maxWait: CONNECT_TIMEOUT_MS, timeout: TRANSACTION_TIMEOUT_MS },
  }).$extends(createChangeExtension(scopes, enter));
}

interface TransactionOptions {
  /** Milliseconds to wait for a connection. */
  maxWait?: number;
  /** Milliseconds from start to end. */
  timeout?: number;
  isolationLevel?: Prisma.TransactionIsolationLevel;
}

/**
 * Prisma's `$transaction`, in both forms, which publishes the notifications of its writes when it is committed, and none when it is not. A callback whose
 * transaction lost against another one, and was rolled back, is called again.
 */
function createTransaction({ logged, scopes, enter }: { logged: Logged; scopes: NotificationScopes; enter: Enter }) {
  function $transaction<P extends Prisma.PrismaPromise<unknown>[]>(
    promises: [...P],
    options?: TransactionOptions,
  ): Promise<Types.Utils.UnwrapTuple<P>>;
  function $transaction<R>(work: (tx: DbTransaction) => Promise<R>, options?: TransactionOptions): Promise<R>;
  async function $transaction(
    work: Prisma.PrismaPromise<unknown>[] | ((tx: DbTransaction) => Promise<unknown>),
    options?: TransactionOptions,
  ): Promise<unknown> {
    const own = new Set<unknown>();
    const run = (): Promise<unknown> =>
      scopes.run(() =>
        typeof work === "function"
          ? logged.$transaction((tx) => catchInto(own, () => work(tx)), options)
          : logged.$transaction(work, options),
      );
    try {
      return await (scopes.isOpen() ? run() : enter(typeof work === "function" ? () => retryContention(run) : run));
    } catch (error) {
      // What the callback raised, e.g. a failed call to another service, says nothing about the database.
      throw own.has(error) ? error : toDatabaseError(error);
    }
  }
  return $transaction;
}

async function catchInto<R>(caught: Set<unknown>, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    caught.add(error);
    throw error;
  }
}
