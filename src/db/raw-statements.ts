/** Runs statements past Prisma, on a pool of their own: half the time of Prisma's raw statements, with the same rows where values are cast to text. */
import type pg from "pg";
import { retryContention, toDatabaseError } from "@/src/db/errors";
import { findStatementName } from "@/src/db/statement";

/** What stores need of a client that runs statements; the Prisma client is one, too. */
export interface RawStatements {
  /** The rows. */
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
  /** How many rows were affected. */
  $executeRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<number>;
}

/**
 * Each statement is a transaction of its own, and runs again when it lost against another one. It must not write records: nobody would be notified.
 * Throws `database_unavailable`, `server_busy`, or what the driver throws. A bigint is text unless it is cast.
 */
export function createRawStatements(pool: Pick<pg.Pool, "query">): RawStatements {
  async function run(text: string, values: unknown[]): Promise<pg.QueryResult> {
    const name = findStatementName(text);
    const startedAt = performance.now();
    try {
      return await retryContention(() => pool.query({ text, values, ...(name === undefined ? {} : { name }) }));
    } catch (error) {
      throw toDatabaseError(error, performance.now() - startedAt);
    }
  }
  return {
    // Callers say what their rows are, as with Prisma.
    $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) => (await run(sql, values)).rows as T,
    $executeRawUnsafe: async (sql, ...values) => (await run(sql, values)).rowCount ?? 0,
  };
}
