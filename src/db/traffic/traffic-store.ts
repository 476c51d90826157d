/** Stores the numbers over time: by the minute for a day, by the hour for a month (G31). Several nodes add to the same rows. */
import type { TrafficBatch, TrafficStore } from "@/src/core/traffic/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** An endpoint or a key that does not exist. It stands for none, because primary keys have no nulls. */
export const NO_ID = "00000000-0000-0000-0000-000000000000";

export const MINUTE_SECONDS = 60;
export const HOUR_SECONDS = 3_600;
/** How long rows are kept: minutes for a day and the hour that is being shown, hours for a month. */
const KEPT_HOURS: readonly (readonly [span: number, hours: number])[] = [
  [MINUTE_SECONDS, 25],
  [HOUR_SECONDS, 31 * 24],
];
/** How many rows one transaction deletes. */
const BATCH = 5_000;

const SUMS = ["requests", "errors", "writes", "deliveries", "bytesIn", "bytesOut"] as const;
const COLUMNS = ["projectId", "span", "at", "endpointId", "keyId", ...SUMS, "latencies", "streams"].map((name) => `"${name}"`).join(", ");
const VALUES = [...SUMS, "latencies"].map((name) => `r."${name}"`).join(", ");
const ADDED = [
  ...SUMS.map((name) => `"${name}" = t."${name}" + EXCLUDED."${name}"`),
  `"latencies" = ARRAY(SELECT a + b FROM unnest(t."latencies", EXCLUDED."latencies") AS u(a, b))`,
].join(", ");
const CONFLICT = `ON CONFLICT ("projectId", "span", "at", "endpointId", "keyId") DO UPDATE SET`;

/**
 * One statement, so that a batch is stored whole or not at all. Rows are written in the order of their keys, so that nodes wait for each other and do not deadlock.
 * Streams add up over the nodes in a minute; an hour has the maximum of its minutes.
 */
const ADD = nameStatement(
  "rested_add_traffic",
  `WITH r AS (
    SELECT * FROM json_to_recordset($2::json) AS r("projectId" uuid, "endpointId" uuid, "keyId" uuid, "requests" int, "errors" int, "writes" int,
      "deliveries" bigint, "bytesIn" bigint, "bytesOut" bigint, "streams" int, "latencies" int[])
  ), minutes AS (
    INSERT INTO "TrafficCount" AS t (${COLUMNS})
    SELECT r."projectId", ${MINUTE_SECONDS}, to_timestamp(floor($1::float8 / 60000) * 60), r."endpointId", r."keyId", ${VALUES}, r."streams"
    FROM r ORDER BY r."projectId", r."endpointId", r."keyId"
    ${CONFLICT} ${ADDED}, "streams" = t."streams" + EXCLUDED."streams"
    RETURNING t."projectId", t."endpointId", t."keyId", t."streams"
  ), hours AS (
    INSERT INTO "TrafficCount" AS t (${COLUMNS})
    SELECT r."projectId", ${HOUR_SECONDS}, to_timestamp(floor($1::float8 / 3600000) * 3600), r."endpointId", r."keyId", ${VALUES}, minutes."streams"
    FROM r JOIN minutes USING ("projectId", "endpointId", "keyId") ORDER BY r."projectId", r."endpointId", r."keyId"
    ${CONFLICT} ${ADDED}, "streams" = greatest(t."streams", EXCLUDED."streams")
  ), codes AS (
    INSERT INTO "TrafficError" AS t ("projectId", "span", "at", "endpointId", "keyId", "code", "count")
    SELECT e."projectId", s.span, to_timestamp(floor($1::float8 / (1000 * s.span)) * s.span), e."endpointId", e."keyId", e."code", e."count"
    FROM json_to_recordset($3::json) AS e("projectId" uuid, "endpointId" uuid, "keyId" uuid, "code" text, "count" int)
      CROSS JOIN (VALUES (${MINUTE_SECONDS}), (${HOUR_SECONDS})) AS s(span)
    ORDER BY s.span, e."projectId", e."endpointId", e."keyId", e."code"
    ON CONFLICT ("projectId", "span", "at", "endpointId", "keyId", "code") DO UPDATE SET "count" = t."count" + EXCLUDED."count"
  )
  INSERT INTO "KeyUse" AS t ("keyId", "projectId", "origin", "address", "at")
  SELECT u."keyId", u."projectId", u."origin", u."address", to_timestamp($1::float8 / 1000)
  FROM json_to_recordset($4::json) AS u("keyId" uuid, "projectId" uuid, "origin" text, "address" text) ORDER BY u."keyId"
  ON CONFLICT ("keyId") DO UPDATE SET "origin" = EXCLUDED."origin", "address" = EXCLUDED."address", "at" = EXCLUDED."at" WHERE t."at" <= EXCLUDED."at"`,
);

type Table = "TrafficCount" | "TrafficError";
const TABLES: readonly Table[] = ["TrafficCount", "TrafficError"];

/** Deletes old rows of a table. */
const expire = (table: Table) =>
  nameStatement(
    `rested_expire_${table === "TrafficCount" ? "traffic" : "traffic_errors"}`,
    `DELETE FROM "${table}" WHERE ctid IN (SELECT ctid FROM "${table}" WHERE "span" = $1::int AND "at" < to_timestamp($2::float8 / 1000) LIMIT ${BATCH})`,
  );

/** Finds the deleted projects that still have rows, with one index lookup for each project. */
const findDeleted = (table: Table) => `WITH RECURSIVE p("projectId") AS (
    (SELECT "projectId" FROM "${table}" ORDER BY "projectId" LIMIT 1)
    UNION ALL
    SELECT (SELECT t."projectId" FROM "${table}" t WHERE t."projectId" > p."projectId" ORDER BY t."projectId" LIMIT 1) FROM p WHERE p."projectId" IS NOT NULL
  )
  SELECT p."projectId" FROM p WHERE p."projectId" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "Project" WHERE id = p."projectId") LIMIT 100`;

const purge = (table: Table) =>
  nameStatement(
    `rested_purge_${table === "TrafficCount" ? "traffic" : "traffic_errors"}`,
    `DELETE FROM "${table}" WHERE ctid IN (SELECT ctid FROM "${table}" WHERE "projectId" IN (${findDeleted(table)}) LIMIT ${BATCH})`,
  );

const STATEMENTS = TABLES.map((table) => ({ expire: expire(table), purge: purge(table) }));

const PURGE_USES = nameStatement(
  "rested_purge_key_uses",
  `DELETE FROM "KeyUse" u WHERE NOT EXISTS (SELECT 1 FROM "ApiKey" k WHERE k.id = u."keyId")`,
);

export function createTrafficStore({ db }: { db: Pick<RawStatements, "$executeRawUnsafe"> }): TrafficStore {
  return {
    async add(batch) {
      await db.$executeRawUnsafe(ADD, batch.at, ...toRows(batch).map((rows) => JSON.stringify(rows)));
    },
    async sweep(now) {
      const deleteAll = async (statement: string, ...values: unknown[]) => {
        while ((await db.$executeRawUnsafe(statement, ...values)) === BATCH);
      };
      for (const statements of STATEMENTS) {
        for (const [span, hours] of KEPT_HOURS) await deleteAll(statements.expire, span, now - hours * 3_600_000);
        await deleteAll(statements.purge);
      }
      await db.$executeRawUnsafe(PURGE_USES);
    },
  };
}

function toRows({ counts, errors, uses }: TrafficBatch): object[][] {
  const toRow = <Row extends { endpointId: string | null; keyId: string | null }>(row: Row) => ({
    ...row,
    endpointId: row.endpointId ?? NO_ID,
    keyId: row.keyId ?? NO_ID,
  });
  return [counts.map(toRow), errors.map(toRow), [...uses]];
}
