/** Reads past Prisma, on the same pool: for statements that run with every request, or carry much. It must not write: writers leave notifications. */
import type pg from "pg";
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import { toDatabaseError } from "@/src/db/errors";
import { findStatementName } from "@/src/db/statement";

/** Runs a statement outside of any transaction, and answers its rows; the caller says which. `database_unavailable`, or what the driver raises. */
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

/** Reads that each take a turn of their endpoint's. Without `pageReads` at once. */
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
