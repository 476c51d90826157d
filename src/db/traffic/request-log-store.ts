/** Stores the request log: the last requests of each project (G32). */
import type { RequestLogStore } from "@/src/core/traffic/ports";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** The requests that are kept of a project: errors of a day and other requests of an hour, of each at most the newest 500. */
const KEPT = { errorHours: 24, otherHours: 1, requestsMax: 500 };

const ADD = nameStatement(
  "rested_add_requests",
  `INSERT INTO "LoggedRequest" ("projectId", "at", "endpointId", "keyId", "requestId", "method", "path", "status", "code", "detail", "durationMs", "bytesIn", "bytesOut",
    "origin", "address", "seqs")
  SELECT r."projectId", to_timestamp(r."at" / 1000), r."endpointId", r."keyId", r."requestId", r."method", r."path", r."status", r."code", r."detail", r."durationMs",
    r."bytesIn", r."bytesOut", r."origin", r."address", r."seqs"
  FROM json_to_recordset($1::json) AS r("projectId" uuid, "at" float8, "endpointId" uuid, "keyId" uuid, "requestId" text, "method" text, "path" text, "status" int,
    "code" text, "detail" text, "durationMs" real, "bytesIn" bigint, "bytesOut" bigint, "origin" text, "address" text, "seqs" bigint[])`,
);

const FIND_RECORDED = nameStatement(
  "rested_find_recorded_projects",
  `SELECT "projectId"::text AS "projectId" FROM "RequestRecording" WHERE "until" > to_timestamp($1::float8 / 1000)`,
);

/** `r` numbers the requests of a project from the newest on, errors and others apart. */
const SWEEP = nameStatement(
  "rested_sweep_requests",
  `DELETE FROM "LoggedRequest" WHERE "id" IN (
    SELECT "id" FROM (
      SELECT "id", "projectId", "at", "code", row_number() OVER (PARTITION BY "projectId", "code" IS NULL ORDER BY "id" DESC) AS n FROM "LoggedRequest"
    ) r
    WHERE r.n > ${KEPT.requestsMax}
      OR r."at" < to_timestamp($1::float8 / 1000) - make_interval(hours => CASE WHEN r."code" IS NULL THEN ${KEPT.otherHours} ELSE ${KEPT.errorHours} END)
      OR NOT EXISTS (SELECT 1 FROM "Project" p WHERE p.id = r."projectId"))`,
);

const SWEEP_RECORDINGS = nameStatement(
  "rested_sweep_recordings",
  `DELETE FROM "RequestRecording" WHERE "until" <= to_timestamp($1::float8 / 1000)`,
);

export function createRequestLogStore({ db }: { db: RawStatements }): RequestLogStore {
  return {
    async add(requests) {
      await db.$executeRawUnsafe(ADD, JSON.stringify(requests));
    },
    async findRecorded(now) {
      return (await db.$queryRawUnsafe<{ projectId: string }[]>(FIND_RECORDED, now)).map(({ projectId }) => projectId);
    },
    async sweep(now) {
      await db.$executeRawUnsafe(SWEEP, now);
      await db.$executeRawUnsafe(SWEEP_RECORDINGS, now);
    },
  };
}
