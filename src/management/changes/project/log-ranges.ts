/**
 * Reads the logs of several endpoints as one, ordered by time, endpoint and seq. Without an index on the time: each log is cut at a place by halving,
 * and the nearest changes of the logs are merged.
 */
import type { Read } from "@/src/db/read";
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { toExpressionSql } from "../../search/expression-sql";
import type { ChangeRow } from "../list-changes";
import type { ProjectPlace } from "./project-query";

/** The log of one endpoint, cut in two: changes up to `seq`, and those after it. */
export interface LogCut {
  endpointId: string;
  name: string;
  seq: number;
}

/** Changes of one log that follow each other, `count` of them. `at`: the time of the one that is farthest from the cut. */
export interface LogRange {
  endpointId: string;
  name: string;
  from: number;
  to: number;
  count: number;
  at: Date;
}

export type ProjectChangeRow = ChangeRow & { endpointId: string };

/** Older: the changes up to the cuts. Newer: those after them. */
export type Direction = "older" | "newer";

/** Cuts each log before or after a place. `ends`: the ends of the logs. */
export async function cutLogs(
  read: Read,
  ends: readonly LogCut[],
  { atMs, change }: ProjectPlace,
  { isIncluded }: { isIncluded: boolean },
): Promise<LogCut[]> {
  const rows = await read<{ id: string; seq: string }>(
    `WITH RECURSIVE halves AS (
      SELECT e."id", e."at", (SELECT min(c."seq") FROM "Change" c WHERE c."endpointId" = e."id") AS "low", e."end" + 1 AS "high"
      FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) AS e("id", "at", "end")
      UNION ALL
      SELECT h."id", h."at", CASE WHEN m."at" < h."at" THEN m."seq" + 1 ELSE h."low" END,
        CASE WHEN m."at" < h."at" THEN h."high" ELSE (h."low" + h."high") / 2 END
      FROM halves h LEFT JOIN LATERAL (
        SELECT c."seq", c."at" FROM "Change" c
        WHERE c."endpointId" = h."id" AND c."seq" >= (h."low" + h."high") / 2 AND c."seq" < h."high"
        ORDER BY c."seq" LIMIT 1
      ) m ON true
      WHERE h."low" < h."high"
    )
    SELECT "id"::text AS "id", ("low" - 1)::text AS "seq" FROM halves WHERE "low" >= "high"`,
    [
      ends.map(({ endpointId }) => endpointId),
      // Changes of one moment are ordered by endpoint.
      ends.map(({ endpointId }) => new Date(change && endpointId < change.endpointId ? atMs + 1 : atMs)),
      ends.map(({ seq }) => seq),
    ],
  );
  const found = new Map(rows.map(({ id, seq }) => [id, Number(seq)]));
  return ends.map((end) => {
    const seq = change?.endpointId === end.endpointId ? (isIncluded ? change.seq : change.seq - 1) : (found.get(end.endpointId) ?? 0);
    return { ...end, seq: Math.min(seq, end.seq) };
  });
}

/** The nearest changes on one side of the cuts, up to `limit`. */
export async function findNearest(read: Read, cuts: readonly LogCut[], limit: number, direction: Direction): Promise<LogRange[]> {
  const [side, order, nulls] = direction === "older" ? ["<=", "DESC", "NULLS LAST"] : [">", "ASC", "NULLS LAST"];
  const rows = await read<{ id: string; from: string; to: string; count: number; at: Date }>(
    `WITH near AS (
      SELECT b."id", b."cut",
        (SELECT c."at" FROM "Change" c WHERE c."endpointId" = b."id" AND c."seq" ${side} b."cut" ORDER BY c."seq" ${order} LIMIT 1) AS "at"
      FROM unnest($1::uuid[], $2::bigint[]) AS b("id", "cut")
      ORDER BY "at" ${order} ${nulls} LIMIT $3::int
    ), keys AS (
      SELECT c."endpointId", c."seq", c."at"
      FROM near n CROSS JOIN LATERAL (
        SELECT x."endpointId", x."seq", x."at" FROM "Change" x
        WHERE x."endpointId" = n."id" AND x."seq" ${side} n."cut" ORDER BY x."seq" ${order} LIMIT $3::int
      ) c
      ORDER BY c."at" ${order}, c."endpointId" ${order}, c."seq" ${order} LIMIT $3::int
    )
    SELECT "endpointId"::text AS "id", min("seq")::text AS "from", max("seq")::text AS "to", count(*)::int AS "count",
      ${direction === "older" ? "min" : "max"}("at") AS "at"
    FROM keys GROUP BY "endpointId"`,
    [cuts.map(({ endpointId }) => endpointId), cuts.map(({ seq }) => seq), limit],
  );
  const names = new Map(cuts.map(({ endpointId, name }) => [endpointId, name]));
  return rows.map(({ id, from, to, count, at }) => ({
    endpointId: id,
    name: names.get(id) ?? "",
    from: Number(from),
    to: Number(to),
    count,
    at,
  }));
}

/** The cuts behind the ranges. */
export function moveCuts(cuts: readonly LogCut[], ranges: readonly LogRange[], direction: Direction): LogCut[] {
  const found = new Map(ranges.map((range) => [range.endpointId, range]));
  return cuts.map((cut) => {
    const range = found.get(cut.endpointId);
    return range ? { ...cut, seq: direction === "older" ? range.from - 1 : range.to } : cut;
  });
}

/** The number of changes on one side of the cuts. */
export async function countRemaining(read: Read, cuts: readonly LogCut[], direction: Direction): Promise<number> {
  const [row] = await read<{ count: string }>(
    `SELECT coalesce(sum(greatest(0, ${direction === "older" ? 'b."cut" - m."seq" + 1' : 'm."seq" - b."cut"'})), 0)::text AS "count"
    FROM unnest($1::uuid[], $2::bigint[]) AS b("id", "cut")
    CROSS JOIN LATERAL (
      SELECT ${direction === "older" ? "min" : "max"}(c."seq") AS "seq" FROM "Change" c WHERE c."endpointId" = b."id"
    ) m WHERE m."seq" IS NOT NULL`,
    [cuts.map(({ endpointId }) => endpointId), cuts.map(({ seq }) => seq)],
  );
  return Number(row?.count ?? 0);
}

/** Reads the changes of the ranges that match, those nearest to the cuts first. `found` counts rows, also those beyond `charactersMax`. */
export function readRanges(
  read: Read,
  ranges: readonly LogRange[],
  {
    expression,
    limit,
    charactersMax,
    direction,
  }: { expression: FilterExpression | undefined; limit: number; charactersMax: number; direction: Direction },
): Promise<ProjectChangeRow[]> {
  const values: unknown[] = [];
  const bind = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const columns = { id: 'c."recordId"', type: 'c."type"::text', at: 'c."at"', endpoint: 'r."name"' };
  const { joins, condition } = expression ? toExpressionSql(expression, bind, columns) : { joins: "", condition: "true" };
  const order = direction === "older" ? "DESC" : "ASC";
  const nearest = `c."at" ${order}, c."endpointId" ${order}, c."seq" ${order}`;
  return read<ProjectChangeRow>(
    `WITH page AS (
      SELECT c.*, row_number() OVER nearest AS n, count(*) OVER () AS found,
        sum(length(c."data"::text)) OVER nearest - length(c."data"::text) AS nearer
      FROM (
        SELECT c.* FROM unnest(${bind(
          ranges.map(({ endpointId }) => endpointId),
          "uuid[]",
        )}, ${bind(
          ranges.map(({ from }) => from),
          "bigint[]",
        )}, ${bind(
          ranges.map(({ to }) => to),
          "bigint[]",
        )}, ${bind(
          ranges.map(({ name }) => name),
          "text[]",
        )}) AS r("id", "from", "to", "name")
        CROSS JOIN LATERAL (
          SELECT x.* FROM "Change" x WHERE x."endpointId" = r."id" AND x."seq" >= r."from" AND x."seq" <= r."to" OFFSET 0
        ) c${joins}
        WHERE ${condition}
        ORDER BY ${nearest} LIMIT ${bind(limit, "int")}
      ) c
      WINDOW nearest AS (ORDER BY ${nearest} ROWS UNBOUNDED PRECEDING)
    )
    SELECT "endpointId"::text AS "endpointId", "seq", "type"::text AS "type", "at", "version", wire_id("recordId") AS "recordId",
      "data"::text AS "data", "recordCreatedAt" AS "createdAt", "recordUpdatedAt" AS "updatedAt", "found"
    FROM page c WHERE n = 1 OR nearer < ${bind(charactersMax, "bigint")} ORDER BY ${nearest}`,
    values,
  );
}
