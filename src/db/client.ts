/**
 * Creates connection pools and the Prisma client with its extensions. Only runtime/boot and tests import its functions; other modules import types
 * only.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import type { Types } from "@prisma/client/runtime/client";
import pg from "pg";
import type { Log } from "@/src/core/log";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { retryContention, toDatabaseError } from "@/src/db/errors";
import { createChangeExtension, type Enter } from "@/src/db/prisma/change-extension";
import { type Prisma, PrismaClient } from "@/src/db/prisma/generated/client";
import { createNotificationScopes, type NotificationScopes } from "@/src/db/prisma/transaction-notifications";
import { createCommitClient } from "@/src/db/records/record-commit";
import { findStatementName } from "@/src/db/statement";

const CONNECTIONS_MAX = 10;
/** How long to wait for a free or new connection. After that the database counts as unavailable (E3). */
const CONNECT_TIMEOUT_MS = 5_000;
const TRANSACTION_TIMEOUT_MS = 15_000;
/** How long a statement waits for the lock of a row or a table. After that it fails with `server_busy` and releases its connection. */
const LOCK_TIMEOUT_MS = 3_000;
/**
 * A node that becomes unreachable during a transaction holds its locks, above all that of an endpoint's row, for which all writers of the other nodes
 * wait. Between two statements of our own transactions only little is computed.
 */
const IDLE_IN_TRANSACTION_MS = 2_000;
/** A dead idle connection is detected after about 10 s. Otherwise a statement sent on it could take many minutes to fail. */
const KEEP_ALIVE_DELAY_MS = 10_000;

/**
 * Settings that the code relies on, set explicitly because the defaults of servers and roles differ. Prisma's adapter reads every timestamp as UTC.
 */
const toSessionSettings = (idleInTransactionMs: number, lockTimeoutMs: number): string =>
  `SET TIME ZONE 'UTC'; SET DateStyle TO 'ISO'; SET default_transaction_isolation TO 'read committed';
  SET idle_in_transaction_session_timeout TO ${idleInTransactionMs}; SET lock_timeout TO ${lockTimeoutMs}`;

export interface PoolOptions {
  /** `postgresql://…`, with `sslmode` and other parameters of pg. */
  url: string;
  log: Log;
  /** The maximum number of connections. Default: 10. */
  max?: number;
  /** Default: 5000. */
  connectTimeoutMs?: number;
  /** Default: 2000. The database closes a connection whose transaction is idle for longer. */
  idleInTransactionMs?: number;
  /** Default: 3000. How long a statement waits for a lock before it fails with `server_busy`. */
  lockTimeoutMs?: number;
  /** The purpose of the connections. They appear in pg_stat_activity as `rested <name>`. */
  name?: string;
  /** Default: none. How long a statement may run in the database. */
  statementTimeoutMs?: number;
  /** Default: none. How long to wait for the result of a statement. After that its connection is closed. */
  queryTimeoutMs?: number;
  /** Called with the process id of the backend of every new connection. */
  onBackend?: (pid: number) => void;
}

/** Creates a pool whose connections stay open. The first one is opened by the first query. The caller must call `pool.end()`. */
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
    // The pool awaits this before it hands out the connection, although its type does not say so.
    onConnect: async (client) => {
      await client.query(sessionSettings);
      if (onBackend && "processID" in client && typeof client.processID === "number") onBackend(client.processID);
    },
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
  });
  // Without a listener the loss of an idle connection would end the process. The pool replaces the connection.
  pool.on("error", (error) => {
    if (!pool.ending) log.warn({ err: error }, "a database connection was lost");
  });
  return pool;
}

/** The client that `$transaction` passes to its callback. */
export type DbTransaction = Parameters<Parameters<Logged["$transaction"]>[0]>[0];

/** The extended Prisma client. Only this client may write records. */
export type Db = ReturnType<typeof createDb>;

type Logged = ReturnType<typeof createLogged>;

export interface DbOptions {
  pool: pg.Pool;
  notifications: ChangeNotifications;
  log: Log;
  /** Runs each statement outside of a transaction and each whole transaction, for example in a queue. Default: runs them immediately. */
  enter?: Enter;
}

/**
 * Creates the Prisma client on `pool`. After the commit of any write to records, one notification per endpoint is published; after a rollback, none.
 * Any call can throw `database_unavailable`. Disconnecting the client does not end the pool.
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
    // The other formats read the stack on every call to format messages.
    errorFormat: "minimal",
    transactionOptions: { maxWait: CONNECT_TIMEOUT_MS, timeout: TRANSACTION_TIMEOUT_MS },
  }).$extends(createChangeExtension(scopes, enter, createCommitClient(pool)));
}

interface TransactionOptions {
  /** Milliseconds to wait for a connection. */
  maxWait?: number;
  /** Milliseconds from start to end. */
  timeout?: number;
  isolationLevel?: Prisma.TransactionIsolationLevel;
}

/**
 * Prisma's `$transaction` in both forms. It publishes the notifications of its writes after the commit, and none after a rollback. A callback whose
 * transaction was rolled back because of contention is called again.
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
      // An error that the callback threw, such as that of a failed call to another service, says nothing about the database.
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
