/** Runs statements on a pool without Prisma, in half the time of Prisma's raw statements. The rows are the same if values are cast to text. */
import type pg from "pg";
import { retryContention, toDatabaseError } from "@/src/db/errors";
import { findStatementName } from "@/src/db/statement";

/** A client that runs statements. The Prisma client satisfies this type. */
export interface RawStatements {
  /** Returns the rows. */
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
  /** Returns the number of affected rows. */
  $executeRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<number>;
}

/**
 * Each statement is a separate transaction and is run again after contention. Never write records with it, because no notification would be
 * published. Throws `database_unavailable`, `server_busy`, or what the driver throws. A bigint is returned as text unless it is cast.
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
    // The caller declares the type of the rows, as with Prisma.
    $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) => (await run(sql, values)).rows as T,
    $executeRawUnsafe: async (sql, ...values) => (await run(sql, values)).rowCount ?? 0,
  };
}
