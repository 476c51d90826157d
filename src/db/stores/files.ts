/** Tracks files in the database, and commits their records together with them. The file storage holds the bytes. */
import type { FileStore, StagedFile } from "@/src/core/files/ports";
import type { WriteResult } from "@/src/core/records/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import type { RawStatements } from "@/src/db/raw-statements";
import type { Read } from "@/src/db/read";
import { createReadBatcher, placeRows } from "@/src/db/reads/read-batcher";
import { commitIdempotent } from "@/src/db/records/commit-idempotent";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";

// Uses the database's clock: the servers' clocks differ, and one server's sweep must not remove a file that another is still receiving.
const BEGIN = nameStatement(
  "rested_begin_file",
  `INSERT INTO "StoredFile" (id, name, type, "sweepAfter") VALUES ($1::uuid, $2, $3, clock_timestamp() + $4::int * interval '1 millisecond')`,
);

const ATTACH = nameStatement(
  "rested_attach_files",
  `UPDATE "StoredFile" f SET "recordId" = u.record, size = u.size, sha256 = decode(u.sha256, 'hex'), "sweepAfter" = 'infinity'
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS u(id, record, size, sha256)
  WHERE f.id = u.id AND f."recordId" IS NULL AND f."sweepAfter" > clock_timestamp()`,
);

const FIND = nameStatement(
  "rested_find_file",
  `SELECT asked.n::int AS n, found.* FROM unnest($1::uuid[]) WITH ORDINALITY AS asked(record, n)
  CROSS JOIN LATERAL (
    SELECT wire_id(f.id) AS id, f.name, f.type, f.size::text AS size, encode(f.sha256, 'hex') AS sha256
    FROM "StoredFile" f WHERE f."recordId" = asked.record LIMIT 1
  ) found`,
);

const FIND_GARBAGE = nameStatement(
  "rested_find_garbage",
  `SELECT wire_id(id) AS id FROM "StoredFile" WHERE "sweepAfter" <= clock_timestamp() AND "recordId" IS NULL ORDER BY "sweepAfter" LIMIT $1::int`,
);

const RELEASE = nameStatement(
  "rested_release_files",
  `UPDATE "StoredFile" SET "sweepAfter" = date_trunc('milliseconds', clock_timestamp()) WHERE id = ANY ($1::uuid[]) AND "recordId" IS NULL`,
);

// Waits 20 s, 40 s, … up to an hour. The files that are due first are swept first, so those that fail repeatedly come after the others.
const DEFER = nameStatement(
  "rested_defer_files",
  `UPDATE "StoredFile" SET "sweepFailures" = "sweepFailures" + 1,
    "sweepAfter" = clock_timestamp() + least(power(2, least("sweepFailures", 10)) * interval '20 seconds', interval '1 hour')
  WHERE id = ANY ($1::uuid[]) AND "recordId" IS NULL`,
);

const DELETE_ROWS = nameStatement("rested_delete_files", `DELETE FROM "StoredFile" WHERE id = ANY ($1::uuid[]) AND "recordId" IS NULL`);

type FileRow = Omit<StagedFile, "size"> & { size: string };

/** Rolls the transaction back. */
class FileExpired extends Error {}

/** The files of a database. `endpointId`s have the dashes of a UUID. */
export function createFileStore({
  db,
  queue,
  reads = db,
  background = db,
}: {
  db: Db;
  queue: EndpointQueue;
  /** Default: `db`. */
  reads?: RawStatements;
  /** For sweeps. Default: `db`. */
  background?: RawStatements;
}): FileStore {
  const read: Read = async (statement, values) => reads.$queryRawUnsafe(statement, ...values);
  const find = createReadBatcher<string, FileRow>({
    readBatch: async (recordIds) => placeRows<FileRow>(await reads.$queryRawUnsafe(FIND, recordIds), recordIds.length),
  });
  return {
    async begin({ id, name, type }, lifeMs) {
      await db.$executeRawUnsafe(BEGIN, id, name, type, lifeMs);
    },
    async commit(endpointId, uploads, idempotency) {
      const commit = (tx: DbTransaction) => commitUploads(tx, endpointId, uploads);
      try {
        const bytes = uploads.reduce((sum, { write }) => sum + Buffer.byteLength(write.data), 0);
        if (idempotency)
          return await commitIdempotent(
            { db, read, queue },
            { endpointId, idempotencyKey: idempotency.key, bytes, commit, toResponse: idempotency.toResponse },
          );
        const transact = () => db.$transaction(commit);
        return { outcome: "written", results: await queue.run(endpointId, transact, bytes) };
      } catch (error) {
        if (error instanceof FileExpired) return { outcome: "file_expired" };
        throw error;
      }
    },
    async find(recordId) {
      const row = await find(recordId, recordId, recordId);
      return row && { ...row, size: Number(row.size) };
    },
    async findGarbage(limit) {
      const rows = await background.$queryRawUnsafe<{ id: string }[]>(FIND_GARBAGE, limit);
      return rows.map(({ id }) => id);
    },
    async release(ids) {
      await db.$executeRawUnsafe(RELEASE, ids);
    },
    async defer(ids) {
      await db.$executeRawUnsafe(DEFER, ids);
    },
    async deleteRows(ids) {
      await background.$executeRawUnsafe(DELETE_ROWS, ids);
    },
  };
}

async function commitUploads(tx: DbTransaction, endpointId: string, uploads: Parameters<FileStore["commit"]>[1]): Promise<WriteResult[]> {
  const results = await tx.record.commit(
    endpointId,
    uploads.map(({ write }) => write),
  );
  if (results.some(({ outcome }) => outcome !== "ok")) return results;
  const attached = await tx.$executeRawUnsafe(
    ATTACH,
    uploads.map(({ file }) => file.id),
    uploads.map(({ write }) => write.id),
    uploads.map(({ file }) => String(file.size)),
    uploads.map(({ file }) => file.sha256),
  );
  if (attached !== uploads.length) throw new FileExpired();
  return results;
}
