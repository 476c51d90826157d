/** Reads the pages of snapshots (W11). JSON passes through as text; it must not be parsed here. */
import type pg from "pg";
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { SnapshotReader } from "@/src/core/streams/ports";
import { createPageRead, createRead } from "@/src/db/read";
import { nameStatement } from "@/src/db/statement";

/** A page ends after so many records, or once it has so many bytes: it is one message. */
const PAGE_ROWS_MAX = 1000;
const PAGE_BYTES_MAX = 1 << 16;

/** All of it is of one moment. Looks at the log from `upto` on: without changes since, that is nothing. */
const READ_PAGE = nameStatement(
  "rested_read_snapshot",
  `SELECT p.items, p.next_after::text AS "nextAfter", wire_id(e.epoch) AS epoch, e.seq::text AS seq,
    coalesce((SELECT json_agg(json_build_object('id', wire_id(r.id), 'version', r.version)) FROM "Record" r
      WHERE r."endpointId" = $1::uuid AND r.seq > $3::bigint AND r.seq <= coalesce(p.next_after, $4::bigint)
        AND ($2::uuid IS NULL OR r."ownerId" = $2::uuid)
        AND r.id IN (SELECT c."recordId" FROM "Change" c WHERE c."endpointId" = $1::uuid AND c.seq > $4::bigint AND c.type = 'PUT')), '[]') AS changed
  FROM "Endpoint" e, record_page($1::uuid, $2::uuid, $3::bigint, $4::bigint, false, $5::int, $6::int, false) p WHERE e.id = $1::uuid AND e."projectId" IS NOT NULL`,
);

interface PageRow {
  items: string;
  changed: { id: string; version: number }[];
  epoch: string;
  seq: string;
  /** Null: the page is the last one. */
  nextAfter: string | null;
}

/** `endpointId`s have the dashes of a UUID, epochs have none. */
export function createSnapshotReader({
  pool,
  pageReads,
}: {
  pool: Pick<pg.Pool, "query">;
  /** Turns of what reads pages of records; default: at once. */
  pageReads?: Pick<FairSemaphore, "run">;
}): SnapshotReader {
  const read = createRead(pool);
  return {
    async readPage(endpointId, { owner, after, upto }) {
      const readPage = createPageRead({ read, pageReads, endpointId });
      const [row] = await readPage<PageRow>(READ_PAGE, [endpointId, owner ?? null, after, upto, PAGE_ROWS_MAX, PAGE_BYTES_MAX]);
      if (!row) return undefined;
      const { items, changed, epoch, seq, nextAfter } = row;
      return { items, changed, at: { epoch, seq: Number(seq) }, nextAfter: nextAfter === null ? undefined : Number(nextAfter) };
    },
  };
}
