/** Reads the numbers of projects over time (G31). */
import { toPercentile } from "@/src/core/traffic/latencies";
import type { Db } from "@/src/db/client";
import { AppError, ERRORS, type ErrorCode } from "@/src/shared/errors";
import type { ProjectRates, ProjectTraffic } from "@/src/shared/management/traffic";
import { TRAFFIC_RANGE_NAMES, TRAFFIC_RANGES, type TrafficRange } from "@/src/shared/traffic-limits";
import { requireOwnProject } from "../ownership";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NO_ID = "00000000-0000-0000-0000-000000000000";
/** Rows of the tables by endpoint and by key. */
const PARTS_MAX = 200;

export interface TrafficQuery {
  range: TrafficRange;
  endpointId: string | null;
  keyId: string | null;
}

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseTrafficQuery(parameters: URLSearchParams): TrafficQuery {
  const problems: Record<string, string> = {};
  const range = TRAFFIC_RANGE_NAMES.find((name) => name === (parameters.get("range") ?? "hour"));
  if (range === undefined) problems.range = `Use one of: ${TRAFFIC_RANGE_NAMES.join(", ")}.`;
  const id = (name: "endpointId" | "keyId", what: string) => {
    const value = parameters.get(name);
    if (value !== null && !UUID.test(value)) problems[name] = `Use the id of ${what}.`;
    return value;
  };
  const endpointId = id("endpointId", "an endpoint");
  const keyId = id("keyId", "a key");
  if (range === undefined || Object.keys(problems).length > 0) throw new AppError("parameter_invalid", { fields: problems });
  return { range, endpointId, keyId };
}

interface Sums {
  requests: number;
  errors: number;
  writes: number;
  deliveries: number;
}
type PointRow = Sums & { step: number; streams: number; bytesIn: number; bytesOut: number };

/** Returns one step after the other, those without requests included. Throws `not_found`. */
export async function readTraffic({
  db,
  ownerId,
  projectId,
  now,
  range,
  endpointId,
  keyId,
}: TrafficQuery & { db: Pick<Db, "project" | "$queryRaw">; ownerId: string; projectId: string; now: Date }): Promise<ProjectTraffic> {
  await requireOwnProject({ db, ownerId, projectId });
  const { steps, stepSeconds } = TRAFFIC_RANGES[range];
  const to = (Math.floor(now.getTime() / 1000 / stepSeconds) + 1) * stepSeconds;
  const from = to - steps * stepSeconds;
  const span = range === "month" ? 3_600 : 60;
  // Prisma returns sums as bigints, so they are cast.
  const points = await db.$queryRaw<PointRow[]>`
    SELECT "step", sum("requests")::float8 AS "requests", sum("errors")::float8 AS "errors", sum("writes")::float8 AS "writes",
      sum("deliveries")::float8 AS "deliveries", sum("bytesIn")::float8 AS "bytesIn", sum("bytesOut")::float8 AS "bytesOut", max("streams")::float8 AS "streams"
    FROM (
      SELECT floor((extract(epoch FROM "at") - ${from}::float8) / ${stepSeconds}::float8)::int AS "step", sum("requests") AS "requests", sum("errors") AS "errors",
        sum("writes") AS "writes", sum("deliveries") AS "deliveries", sum("bytesIn") AS "bytesIn", sum("bytesOut") AS "bytesOut", sum("streams") AS "streams"
      FROM "TrafficCount"
      WHERE "projectId" = ${projectId}::uuid AND "span" = ${span}::int AND "at" >= to_timestamp(${from}::float8) AND "at" < to_timestamp(${to}::float8)
        AND (${endpointId}::uuid IS NULL OR "endpointId" = ${endpointId}::uuid) AND (${keyId}::uuid IS NULL OR "keyId" = ${keyId}::uuid)
      GROUP BY "at"
    ) minutes GROUP BY "step"`;
  const latencies = await db.$queryRaw<{ step: number; bucket: number; count: number }[]>`
    SELECT floor((extract(epoch FROM t."at") - ${from}::float8) / ${stepSeconds}::float8)::int AS "step", (l.bucket - 1)::int AS "bucket", sum(l.count)::float8 AS "count"
    FROM "TrafficCount" t CROSS JOIN LATERAL unnest(t."latencies") WITH ORDINALITY AS l(count, bucket)
    WHERE t."projectId" = ${projectId}::uuid AND t."span" = ${span}::int AND t."at" >= to_timestamp(${from}::float8) AND t."at" < to_timestamp(${to}::float8)
      AND (${endpointId}::uuid IS NULL OR t."endpointId" = ${endpointId}::uuid) AND (${keyId}::uuid IS NULL OR t."keyId" = ${keyId}::uuid) AND l.count > 0
    GROUP BY 1, 2`;
  const codes = await db.$queryRaw<{ code: string; count: number }[]>`
    SELECT "code", sum("count")::float8 AS "count" FROM "TrafficError"
    WHERE "projectId" = ${projectId}::uuid AND "span" = ${span}::int AND "at" >= to_timestamp(${from}::float8) AND "at" < to_timestamp(${to}::float8)
      AND (${endpointId}::uuid IS NULL OR "endpointId" = ${endpointId}::uuid) AND (${keyId}::uuid IS NULL OR "keyId" = ${keyId}::uuid)
    GROUP BY "code" ORDER BY 2 DESC, 1`;
  const byEndpoint = await db.$queryRaw<(Sums & { id: string; name: string | null; steps: number[]; counts: number[] })[]>`
    SELECT t."endpointId"::text AS "id", max(e."name") AS "name", sum(t."requests")::float8 AS "requests", sum(t."errors")::float8 AS "errors",
      sum(t."writes")::float8 AS "writes", sum(t."deliveries")::float8 AS "deliveries", array_agg(t."step") AS "steps", array_agg(t."requests"::float8) AS "counts"
    FROM (
      SELECT "endpointId", floor((extract(epoch FROM "at") - ${from}::float8) / ${stepSeconds}::float8)::int AS "step", sum("requests") AS "requests",
        sum("errors") AS "errors", sum("writes") AS "writes", sum("deliveries") AS "deliveries"
      FROM "TrafficCount"
      WHERE "projectId" = ${projectId}::uuid AND "span" = ${span}::int AND "at" >= to_timestamp(${from}::float8) AND "at" < to_timestamp(${to}::float8)
        AND (${keyId}::uuid IS NULL OR "keyId" = ${keyId}::uuid) AND (${endpointId}::uuid IS NULL OR "endpointId" = ${endpointId}::uuid)
      GROUP BY 1, 2
    ) t LEFT JOIN "Endpoint" e ON e."id" = t."endpointId" AND e."projectId" = ${projectId}::uuid
    GROUP BY t."endpointId" ORDER BY 3 DESC, 6 DESC LIMIT ${PARTS_MAX}::int`;
  const byKey = await db.$queryRaw<
    (Sums & { id: string; name: string | null; lastUsedAt: Date | null; lastOrigin: string | null; lastAddress: string | null })[]
  >`
    SELECT coalesce(t."keyId", k."id")::text AS "id", k."name", coalesce(t."requests", 0)::float8 AS "requests", coalesce(t."errors", 0)::float8 AS "errors",
      coalesce(t."writes", 0)::float8 AS "writes", coalesce(t."deliveries", 0)::float8 AS "deliveries", k."lastUsedAt", u."origin" AS "lastOrigin",
      u."address" AS "lastAddress"
    FROM (
      SELECT "keyId", sum("requests") AS "requests", sum("errors") AS "errors", sum("writes") AS "writes", sum("deliveries") AS "deliveries"
      FROM "TrafficCount"
      WHERE "projectId" = ${projectId}::uuid AND "span" = ${span}::int AND "at" >= to_timestamp(${from}::float8) AND "at" < to_timestamp(${to}::float8)
        AND (${endpointId}::uuid IS NULL OR "endpointId" = ${endpointId}::uuid) AND (${keyId}::uuid IS NULL OR "keyId" = ${keyId}::uuid)
      GROUP BY 1
    ) t FULL JOIN (SELECT * FROM "ApiKey" WHERE "projectId" = ${projectId}::uuid AND (${keyId}::uuid IS NULL OR "id" = ${keyId}::uuid)) k ON k."id" = t."keyId"
      LEFT JOIN "KeyUse" u ON u."keyId" = k."id"
    ORDER BY 3 DESC, 6 DESC, k."createdAt" DESC LIMIT ${PARTS_MAX}::int`;
  const [seen] = await db.$queryRaw<{ hasStreamed: boolean; hasWritten: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM "TrafficCount" WHERE "projectId" = ${projectId}::uuid AND "span" = 3600 AND "streams" > 0) AS "hasStreamed",
      EXISTS (SELECT 1 FROM "TrafficCount" WHERE "projectId" = ${projectId}::uuid AND "span" = 3600 AND "writes" > 0) AS "hasWritten"`;
  return {
    range,
    from: toTime(from),
    to: toTime(to),
    stepSeconds,
    ...toPoints({ points, latencies, from, steps, stepSeconds }),
    hasStreamed: seen?.hasStreamed === true,
    hasWritten: seen?.hasWritten === true,
    codes: codes.map(({ code, count }) => ({ code, status: isErrorCode(code) ? ERRORS[code].status : 400, count })),
    endpoints: byEndpoint.map(({ id, steps: at, counts, ...part }) => ({ ...part, id: toId(id), series: spread(steps, at, counts) })),
    keys: byKey.map(({ id, lastUsedAt, ...part }) => ({ ...part, id: toId(id), lastUsedAt: lastUsedAt?.toISOString() ?? null })),
  };
}

/** A code of another version of the server may be unknown. */
function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

const EMPTY = { requests: 0, errors: 0, writes: 0, deliveries: 0, streams: 0, bytesIn: 0, bytesOut: 0 };

function toPoints({
  points,
  latencies,
  from,
  steps,
  stepSeconds,
}: {
  points: readonly PointRow[];
  latencies: readonly { step: number; bucket: number; count: number }[];
  from: number;
  steps: number;
  stepSeconds: number;
}): Pick<ProjectTraffic, "points" | "totals"> {
  const known = new Map(points.map(({ step, ...sums }) => [step, sums]));
  const buckets: number[][] = Array.from({ length: steps }, () => []);
  const all: number[] = [];
  for (const { step, bucket, count } of latencies) {
    const ofStep = buckets[step];
    if (ofStep) ofStep[bucket] = count;
    all[bucket] = (all[bucket] ?? 0) + count;
  }
  const totals = { ...EMPTY };
  for (const sums of known.values()) {
    for (const name of ["requests", "errors", "writes", "deliveries", "bytesIn", "bytesOut"] as const) totals[name] += sums[name];
    totals.streams = Math.max(totals.streams, sums.streams);
  }
  return {
    points: buckets.map((counts, step) => ({
      at: toTime(from + step * stepSeconds),
      ...EMPTY,
      ...known.get(step),
      ...toPercentiles(counts),
    })),
    totals: { ...totals, ...toPercentiles(all) },
  };
}

function toPercentiles(sparse: readonly number[]): { p50: number | null; p99: number | null } {
  const counts = Array.from(sparse, (count) => count ?? 0);
  return { p50: toPercentile(counts, 0.5), p99: toPercentile(counts, 0.99) };
}

function spread(steps: number, at: readonly number[], counts: readonly number[]): number[] {
  const series = new Array<number>(steps).fill(0);
  for (const [index, step] of at.entries()) series[step] = (series[step] ?? 0) + (counts[index] ?? 0);
  return series;
}

function toId(id: string): string | null {
  return id === NO_ID ? null : id;
}

function toTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

interface RateRow {
  projectId: string;
  requests: number;
  errors: number;
  deliveries: number;
  streams: number;
  steps: number[] | null;
  counts: number[] | null;
  lastActiveAt: Date | null;
}

/** Returns the last hour of every project of the account, the most active first. `projectIds`: only these. */
export async function readProjectRates({
  db,
  ownerId,
  projectIds,
  now,
}: {
  db: Pick<Db, "$queryRaw">;
  ownerId: string;
  projectIds: readonly string[] | null;
  now: Date;
}): Promise<ProjectRates[]> {
  const { steps, stepSeconds } = TRAFFIC_RANGES.hour;
  const to = (Math.floor(now.getTime() / 1000 / stepSeconds) + 1) * stepSeconds;
  const from = to - steps * stepSeconds;
  const rows = await db.$queryRaw<RateRow[]>`
    SELECT p."id"::text AS "projectId", coalesce(t."requests", 0)::float8 AS "requests", coalesce(t."errors", 0)::float8 AS "errors",
      coalesce(t."deliveries", 0)::float8 AS "deliveries", coalesce(t."streams", 0)::float8 AS "streams", t."steps", t."counts",
      (SELECT max("at") FROM "TrafficCount" h WHERE h."projectId" = p."id" AND h."span" = 3600) AS "lastActiveAt"
    FROM "Project" p LEFT JOIN LATERAL (
      SELECT sum("requests") AS "requests", sum("errors") AS "errors", sum("deliveries") AS "deliveries", max("streams") AS "streams", array_agg("step") AS "steps",
        array_agg("requests"::float8) AS "counts"
      FROM (
        SELECT floor((extract(epoch FROM "at") - ${from}::float8) / ${stepSeconds}::float8)::int AS "step", sum("requests") AS "requests", sum("errors") AS "errors",
          sum("deliveries") AS "deliveries", sum("streams") AS "streams"
        FROM "TrafficCount" WHERE "projectId" = p."id" AND "span" = 60 AND "at" >= to_timestamp(${from}::float8) GROUP BY 1
      ) minutes
    ) t ON true
    WHERE p."ownerId" = ${ownerId}::uuid AND (${projectIds}::uuid[] IS NULL OR p."id" = ANY (${projectIds}::uuid[]))
    ORDER BY 2 DESC, 8 DESC NULLS LAST, p."createdAt" DESC LIMIT 1000`;
  return rows.map(({ steps: at, counts, lastActiveAt, ...row }) => ({
    ...row,
    series: spread(steps, at ?? [], counts ?? []),
    lastActiveAt: lastActiveAt?.toISOString() ?? null,
  }));
}
