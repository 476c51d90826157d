/**
 * Runs reads without Prisma, for statements that are frequent or return much data. Never use it for writes to records, because no notification would
 * be published.
 */
import type pg from "pg";
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import { toDatabaseError } from "@/src/db/errors";
import { findStatementName } from "@/src/db/statement";

/**
 * Runs a statement outside of any transaction and returns its rows; the caller declares their type. Throws `database_unavailable`, or what the driver
 * throws.
 */
export type Read = <Row extends pg.QueryResultRow>(statement: string, values: readonly unknown[]) => Promise<Row[]>;

export function createRead(pool: Pick<pg.Pool, "query">): Read {
  return async <Row extends pg.QueryResultRow>(statement: string, values: readonly unknown[]) => {
    const name = findStatementName(statement);
    try {
      const { rows } = await pool.query<Row>({ text: statement, values: [...values], ...(name === undefined ? {} : { name }) });
      return rows;
    } catch (error) {
      throw toDatabaseError(error);
    }
  };
}

/** Queues each read by its endpoint in `pageReads`. Without `pageReads` reads run immediately. */
export function createPageRead({
  read,
  pageReads,
  endpointId,
}: {
  read: Read;
  pageReads: Pick<FairSemaphore, "run"> | undefined;
  endpointId: string;
}): Read {
  if (!pageReads) return read;
  const path = [endpointId];
  return (statement, values) => pageReads.run(path, () => read(statement, values));
}
