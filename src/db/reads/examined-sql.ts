/** SQL that examines the records of an endpoint one by one with the condition of a rule, as far as a page needs them. */

export interface ExaminedSql {
  /** Selects the records that are examined, over the columns of `"Record" r`. */
  scope: string;
  direction: "ASC" | "DESC";
  condition: string;
  /** How many records are examined and returned at most, as parameters. */
  most: string;
  count: string;
  /** The text of a record, over the columns of `s`. */
  toText: string;
  /** The maximum number of bytes of the records: as stored, which is known without reading them, and as text. The last one may exceed them. */
  storedBytesMax: number;
  bytesMax: number;
}

/**
 * Common table expressions: `page` has the records that fulfil the condition, and `shown` the first of them, as many as have room, with their `text`. The subquery
 * `r` limits how many records the condition is evaluated for, and LIMIT ends it when enough records are found. `pg_column_size` does not read the large values that
 * are stored elsewhere.
 */
export function examine({ scope, direction, condition, most, count, toText, storedBytesMax, bytesMax }: ExaminedSql): string {
  const running = `OVER (ORDER BY seq ${direction} ROWS UNBOUNDED PRECEDING)`;
  return `page AS MATERIALIZED (
      SELECT r.* FROM (
        SELECT r.seq, r.id, r."ownerId", r.data, r."createdAt", r."updatedAt" FROM "Record" r WHERE ${scope} ORDER BY r.seq ${direction} LIMIT ${most}
      ) r WHERE ${condition} ORDER BY r.seq ${direction} LIMIT ${count}
    ), sized AS (SELECT p.*, sum(pg_column_size(p.data)) ${running} - pg_column_size(p.data) AS before FROM page p
    ), texts AS MATERIALIZED (SELECT s.*, ${toText} AS text FROM sized s WHERE s.before < ${storedBytesMax}
    ), cut AS (SELECT t.*, sum(octet_length(t.text)) ${running} - octet_length(t.text) AS "textBefore" FROM texts t
    ), shown AS (SELECT * FROM cut WHERE "textBefore" < ${bytesMax})`;
}

/** The seq of the last examined record. Null: the scope has fewer than `most`. */
export function lastExamined({ scope, direction, most }: Pick<ExaminedSql, "scope" | "direction" | "most">): string {
  return `(SELECT r.seq FROM "Record" r WHERE ${scope} ORDER BY r.seq ${direction} OFFSET ${most} - 1 LIMIT 1)`;
}
