/** Runs statements that may scan all records of an endpoint: few at once, one at a time for each account, with a time limit. */
import type pg from "pg";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import { toDatabaseError } from "@/src/db/errors";
import type { Read } from "@/src/db/read";
import { AppError } from "@/src/shared/errors";

/** The maximum number of queued searches: in total, and for one account. */
const WAITING_MAX = 500;
const WAITING_PER_ACCOUNT_MAX = 20;
const WAIT_MS_MAX = 15_000;

export interface RecordSearch {
  /**
   * Runs `work` in a read-only transaction on behalf of an account when a connection is free. `statementMs`: the time limit of each statement;
   * PostgreSQL cancels one that exceeds it (57014 in the causes of `server_busy`). Throws `server_busy` if too many searches are queued, or for too
   * long, and `database_unavailable`.
   */
  run<T>(accountId: string, statementMs: number, work: (read: Read) => Promise<T>): Promise<T>;
}

/** `searches`: how many run at once, equal to the connections of the pool. */
export function createRecordSearch({ pool, searches }: { pool: Pick<pg.Pool, "connect">; searches: number }): RecordSearch {
  const semaphore = createFairSemaphore({
    permits: searches,
    groupPermits: 1,
    waiting: { max: WAITING_MAX, groupMax: [WAITING_PER_ACCOUNT_MAX] },
    waitMsMax: WAIT_MS_MAX,
    createBusyError: () =>
      new AppError("server_busy", {
        detail: "Too many pages of records are being read. Request one at a time, or try again shortly.",
        retryAfterSeconds: 2,
      }),
  });
  return {
    run: (accountId, statementMs, work) => semaphore.run([accountId], () => transact(pool, statementMs, work)),
  };
}

async function transact<T>(pool: Pick<pg.Pool, "connect">, statementMs: number, work: (read: Read) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  // The running statement fails with its own error. Without a listener the loss of the connection would end the process.
  const onLost = (): void => undefined;
  client.on("error", onLost);
  let failed = true;
  try {
    // Local to the transaction: behind a pooler the connection may serve writes next. One search uses one processor.
    const limits = `SET LOCAL statement_timeout TO ${Math.max(1, Math.floor(statementMs))}; SET LOCAL max_parallel_workers_per_gather TO 0`;
    await runOn(client, `BEGIN READ ONLY; ${limits}`);
    const read: Read = async <Row extends pg.QueryResultRow>(statement: string, values: readonly unknown[]) =>
      (await runOn<Row>(client, statement, values)).rows;
    const result = await work(read);
    await runOn(client, "COMMIT");
    failed = false;
    return result;
  } finally {
    const error = failed ? await client.query("ROLLBACK").then(() => undefined, toError) : undefined;
    client.off("error", onLost);
    client.release(error);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function connect(pool: Pick<pg.Pool, "connect">): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw toDatabaseError(error);
  }
}

async function runOn<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<pg.QueryResult<Row>> {
  try {
    return await (values === undefined ? client.query<Row>(text) : client.query<Row>(text, [...values]));
  } catch (error) {
    throw toDatabaseError(error);
  }
}
