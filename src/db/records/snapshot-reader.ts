/** Reads the pages of snapshots (W11). JSON passes through as text and is never parsed here. */
import type pg from "pg";
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { SnapshotReader } from "@/src/core/streams/ports";
import { createPageRead, createRead } from "@/src/db/read";
import { nameStatement } from "@/src/db/statement";

/** The maximum number of records and bytes in a page, which is sent as one message. The last record of a page may exceed the bytes. */
const PAGE_ROWS_MAX = 1000;
const PAGE_BYTES_MAX = 1 << 16;

/** The records of the page, apart from their text. */
const RECORDS = `"Record" r WHERE r."endpointId" = $1::uuid AND r.seq > $3::bigint AND r.seq <= coalesce(p.next_after, $4::bigint)
        AND ($2::uuid IS NULL OR r."ownerId" = $2::uuid)`;

/** A single statement, so all of it is from one moment. It scans the log from `upto` on, which is fast if nothing changed. */
const toReadPage = (more = "") => `SELECT p.items, p.next_after::text AS "nextAfter", wire_id(e.epoch) AS epoch, e.seq::text AS seq,
    coalesce((SELECT json_agg(json_build_object('id', wire_id(r.id), 'version', r.version)) FROM ${RECORDS}
        AND r.id IN (SELECT c."recordId" FROM "Change" c WHERE c."endpointId" = $1::uuid AND c.seq > $4::bigint AND c.type = 'PUT')), '[]') AS changed${more}
  FROM "Endpoint" e, record_page($1::uuid, $2::uuid, $3::bigint, $4::bigint, false, $5::int, $6::int, false) p WHERE e.id = $1::uuid AND e."projectId" IS NOT NULL`;

const READ_PAGE = nameStatement("rested_read_snapshot", toReadPage());

const READ_PAGE_WITH_OWNERS = nameStatement(
  "rested_read_snapshot_owners",
  toReadPage(`,
    coalesce((SELECT json_agg(json_build_array(wire_id(r.id), wire_id(r."ownerId"))) FROM ${RECORDS}), '[]') AS owners`),
);

interface PageRow {
  items: string;
  changed: { id: string; version: number }[];
  owners?: [id: string, owner: string | null][];
  epoch: string;
  seq: string;
  /** Null: this is the last page. */
  nextAfter: string | null;
}

/** `endpointId`s have the dashes of a UUID, epochs have none. */
export function createSnapshotReader({
  pool,
  pageReads,
}: {
  pool: Pick<pg.Pool, "query">;
  /** Queues the reads of pages. Default: reads run immediately. */
  pageReads?: Pick<FairSemaphore, "run">;
}): SnapshotReader {
  const read = createRead(pool);
  return {
    async readPage(endpointId, { owner, after, upto, withOwners }) {
      const readPage = createPageRead({ read, pageReads, endpointId });
      const [row] = await readPage<PageRow>(withOwners ? READ_PAGE_WITH_OWNERS : READ_PAGE, [
        endpointId,
        owner ?? null,
        after,
        upto,
        PAGE_ROWS_MAX,
        PAGE_BYTES_MAX,
      ]);
      if (!row) return undefined;
      const { items, changed, owners, epoch, seq, nextAfter } = row;
      return {
        items,
        changed,
        ...(owners && { owners: new Map(owners) }),
        at: { epoch, seq: Number(seq) },
        nextAfter: nextAfter === null ? undefined : Number(nextAfter),
      };
    },
  };
}
