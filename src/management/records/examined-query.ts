/** Builds the queries of pages of judged records (A7). Values of requests, rules and callers are parameters of the statements. */
import type { JudgeCondition } from "@/src/core/access/record-judge";
import type { Bind } from "../search/filter-sql";
import { ORDER_SQL, type RecordPageQuery, type RecordQuery, type Statement, toMatch, toScope } from "./record-query";

/**
 * Builds the query that examines the next `examine` records of an order, and returns those that fulfil the condition and the query, up to its limit. The
 * result has one row without a record if nothing is found. `found` counts the records that are found, of which the last ones are left out after
 * `charactersMax` characters. The end of the examined records is known if fewer than the limit are found and more records follow.
 */
export function toExaminedStatement({
  endpointId,
  query,
  condition,
  examine,
  charactersMax,
}: {
  endpointId: string;
  query: RecordPageQuery;
  condition: JudgeCondition | undefined;
  examine: number;
  charactersMax: number;
}): Statement {
  // The condition has its values as $1, $2, ….
  const values: unknown[] = [...(condition?.values ?? [])];
  const bind: Bind = (value, type) => `$${values.push(value)}::${type}`;
  const ofOwner = condition?.owner === undefined ? [] : [`c."ownerId" = ${bind(condition.owner, "uuid")}`];
  const scope = [...toScope({ endpointId, query, uptoSeq: null }, bind), ...ofOwner].join(" AND ");
  const { joins, conditions } = toMatch(query, bind);
  const order = ORDER_SQL[query.order];
  const [limit, most] = [bind(query.limit, "int"), bind(examine, "int")];
  const sql = `
    WITH page AS MATERIALIZED (
      SELECT c.*, row_number() OVER ordered AS n, sum(length(c."data"::text)) OVER ordered - length(c."data"::text) AS earlier
      FROM (
        SELECT c.* FROM (
          SELECT r.* FROM (SELECT c.* FROM "Record" c WHERE ${scope} ORDER BY ${order} LIMIT ${most}) r WHERE ${condition?.text ?? "true"}
        ) c${joins} WHERE ${[...conditions, "true"].join(" AND ")} ORDER BY ${order} LIMIT ${limit}
      ) c
      WINDOW ordered AS (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.found, e."endSeq", e."endUpdatedAt", wire_id(r."id") AS "uniqueId", r."data"::text AS "data", wire_time(r."createdAt") AS "createdAt",
      wire_time(r."updatedAt") AS "updatedAt", r."version", r."contentType"::text AS "contentType", wire_id(r."ownerId") AS "owner", r."seq"::text AS "seq"
    FROM (SELECT count(*)::int AS found FROM page) p
    LEFT JOIN LATERAL (
      SELECT c."seq"::text AS "endSeq", wire_time(c."updatedAt") AS "endUpdatedAt" FROM "Record" c
      WHERE p.found < ${limit} AND ${scope} ORDER BY ${order} OFFSET ${most} - 1 LIMIT 1
    ) e ON true
    LEFT JOIN page r ON r.n = 1 OR r.earlier < ${bind(charactersMax, "int")}
    ORDER BY r.n`;
  return { sql, values };
}

/** Builds the query that returns the places, from 1, of those of the given records that match the search and the filters. */
export function toMatchStatement(
  records: readonly { uniqueId: string; data: string }[],
  query: Pick<RecordQuery, "search" | "filters">,
): Statement {
  const values: unknown[] = [records.map(({ uniqueId }) => uniqueId), records.map(({ data }) => data)];
  const bind: Bind = (value, type) => `$${values.push(value)}::${type}`;
  const { joins, conditions } = toMatch(query, bind);
  const sql = `
    SELECT c.n::int AS n FROM (
      SELECT t.id, t.text::json AS data, t.n FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY t(id, text, n) OFFSET 0
    ) c${joins} WHERE ${[...conditions, "true"].join(" AND ")}`;
  return { sql, values };
}
