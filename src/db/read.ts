/** Reads past Prisma, on the same pool: for statements that run with every request, or carry much. It must not write: writers leave hints. */
import type pg from "pg";
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
