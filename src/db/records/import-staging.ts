/** Stages the records of imports and publishes them all at once, so that the endpoint's row is locked only while they are copied (ADR 0018). */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Log } from "@/src/core/log";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { encodeTexts, encodeUuids } from "@/src/db/binary-arrays";
import { retryContention } from "@/src/db/errors";
import { createRead, type Read } from "@/src/db/read";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";
import { AppError } from "@/src/shared/errors";

const RETRY_AFTER_SECONDS = 5;
/** An import without staged records for this long was abandoned by a crash: a batch is read within five minutes and validated within one. */
const ABANDONED_SECONDS = 15 * 60;
/** How many rows one statement deletes. */
const DELETE_ROWS = 10_000;

const STAGE = nameStatement(
  "rested_stage_records",
  `WITH touched AS (
    INSERT INTO "Import" ("id", "touchedAt") VALUES ($1::uuid, clock_timestamp()) ON CONFLICT ("id") DO UPDATE SET "touchedAt" = clock_timestamp()
  )
  INSERT INTO "StagedRecord" ("importId", "position", "recordId", "data")
    SELECT $1::uuid, $2::int + u.ord, u.id, u.data FROM unnest($3::uuid[], $4::json[]) WITH ORDINALITY AS u(id, data, ord)`,
);

const PUBLISH = nameStatement("rested_publish_import", `SELECT publish_import($1::uuid, $2::uuid, $3::int) AS outcome`);

const UNSTAGE = nameStatement(
  "rested_unstage_records",
  `DELETE FROM "StagedRecord" WHERE "importId" = $1::uuid AND "position" > $2::int AND "position" <= $3::int`,
);

const DELETE_IMPORT = nameStatement("rested_delete_import", `DELETE FROM "Import" WHERE "id" = $1::uuid`);

const FIND_ABANDONED = nameStatement(
  "rested_find_abandoned_imports",
  `SELECT i."id"::text AS id, coalesce((SELECT max(s."position") FROM "StagedRecord" s WHERE s."importId" = i."id"), 0) AS count
  FROM "Import" i WHERE i."touchedAt" < clock_timestamp() - $1::int * interval '1 second' ORDER BY i."touchedAt"`,
);

/** One import. */
export interface StagedImport {
  /** The number of staged records. */
  readonly count: number;
  /** Stages records (JSON texts) in order. They are not visible yet. */
  add(data: readonly string[]): Promise<void>;
  /**
   * Creates all staged records in one transaction, in order and without another change in between, and publishes them to subscribers. Returns false
   * if the endpoint was deleted. Throws `server_busy` if the endpoint's queue rejects it or staged records were lost. Then no record was created.
   */
  publish(endpointId: string): Promise<boolean>;
  /** Deletes the staged records. Never throws: the sweep deletes what remains. */
  discard(): Promise<void>;
}

export interface ImportStaging {
  begin(): StagedImport;
  /** Deletes the staged records of imports that were interrupted by a crash. */
  sweep(): Promise<void>;
}

export interface ImportStagingOptions {
  /** Used to publish. */
  pool: Pick<pg.Pool, "query">;
  /** Runs the statements that stage and delete records. Default: on `pool`. */
  stage?: Read;
  /** The queue of all writers of the process. */
  queue: EndpointQueue;
  notifications: Pick<ChangeNotifications, "publish">;
  log: Pick<Log, "warn">;
}

/** `endpointId`s have the dashes of a UUID. Every method can throw `database_unavailable`. */
export function createImportStaging({ pool, stage = createRead(pool), queue, notifications, log }: ImportStagingOptions): ImportStaging {
  const read = createRead(pool);
  return {
    begin() {
      const id = randomUUID();
      let count = 0;
      return {
        get count() {
          return count;
        },
        async add(data) {
          const ids = data.map(() => createUniqueId());
          await stage(STAGE, [id, count, encodeUuids(ids), encodeTexts("json", data)]);
          count += data.length;
        },
        async publish(endpointId) {
          const outcome = await queue.run(endpointId, () => retryContention(() => publish(read, endpointId, id, count)));
          if (outcome === "incomplete") throw incomplete();
          if (outcome === "ok") notifications.publish({ kind: "endpoint", endpointId });
          return outcome === "ok";
        },
        async discard() {
          await unstage(stage, id, count).catch((error: unknown) =>
            log.warn({ err: error, import: id }, "staged records could not be deleted; the sweep deletes them"),
          );
        },
      };
    },
    async sweep() {
      const imports = await stage<{ id: string; count: number }>(FIND_ABANDONED, [ABANDONED_SECONDS]);
      for (const { id, count } of imports) await unstage(stage, id, count);
    },
  };
}

async function publish(read: Read, endpointId: string, id: string, count: number): Promise<string | undefined> {
  const [row] = await read<{ outcome: "ok" | "endpoint_not_found" | "incomplete" }>(PUBLISH, [endpointId, id, count]);
  return row?.outcome;
}

async function unstage(read: Read, id: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += DELETE_ROWS) await read(UNSTAGE, [id, from, from + DELETE_ROWS]);
  await read(DELETE_IMPORT, [id]);
}

function incomplete(): AppError {
  const detail = "The database lost the staged records. Nothing was stored. Try again.";
  return new AppError("server_busy", { detail, retryAfterSeconds: RETRY_AFTER_SECONDS });
}
