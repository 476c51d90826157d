/** Stores and reads records. JSON passes through as text, in both directions; it must not be parsed here. */
import type { RecordStore, StoredRecord } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import { createGroupCommit } from "@/src/db/group-commit";
import { createMerge } from "@/src/db/merge-record";
import { nameStatement } from "@/src/db/statement";

/** A page of readAll ends after so many records, or once it has so many bytes. */
const PAGE_ROWS_MAX = 1000;
const PAGE_BYTES_MAX = 1 << 20;
/** A piece of readByIds has so many records at most: with bodies of 1 MiB, 16 MiB. */
const IDS_PER_PIECE = 16;

const READ_BY_IDS = nameStatement(
  "rested_read_by_ids",
  `SELECT string_agg(CASE WHEN $3::boolean THEN data::text ELSE wire_record(id, data, "createdAt", "updatedAt") END, ',' ORDER BY seq) AS items
  FROM "Record" WHERE id = ANY ($2::uuid[]) AND "endpointId" = $1::uuid`,
);

const ORDER_IDS = nameStatement(
  "rested_order_ids",
  `SELECT wire_id(id) AS id FROM "Record" WHERE id = ANY ($2::uuid[]) AND "endpointId" = $1::uuid ORDER BY seq`,
);

const READ_ONE = nameStatement(
  "rested_read_one",
  `SELECT wire_id(id) AS id, version, data::text AS data, wire_time("createdAt") AS "createdAt", wire_time("updatedAt") AS "updatedAt"
  FROM "Record" WHERE id = $2::uuid AND "endpointId" = $1::uuid`,
);

const READ_PAGE = nameStatement(
  "rested_read_page",
  `SELECT items, next_after::text AS "nextAfter", upto::text AS upto
  FROM record_page($1::uuid, $2::bigint, $3::bigint, $4::int, $5::int, $6::boolean)`,
);

/** The records of a database. `endpointId`s have the dashes of a UUID; see the port for the rest. */
export function createRecordStore({ db }: { db: Db }): RecordStore {
  const commit = createGroupCommit((endpointId, writes) => db.record.commit(endpointId, writes));
  return {
    commit,
    merge: createMerge({ db, commit }),
    readByIds: (endpointId, ids, { dataOnly }) => readNamed(db, endpointId, ids, dataOnly),
    async readOne(endpointId, id) {
      const [row] = await db.$queryRawUnsafe<StoredRecord[]>(READ_ONE, endpointId, id);
      return row;
    },
    readAll: (endpointId, { dataOnly }) => readPages(db, endpointId, dataOnly),
  };
}

async function* readNamed(db: Db, endpointId: string, ids: readonly string[], dataOnly: boolean): AsyncGenerator<string, void> {
  const isOnePiece = ids.length <= IDS_PER_PIECE;
  const ordered = isOnePiece ? ids : (await db.$queryRawUnsafe<{ id: string }[]>(ORDER_IDS, endpointId, ids)).map(({ id }) => id);
  for (let start = 0; start < ordered.length; start += IDS_PER_PIECE) {
    const piece = ordered.slice(start, start + IDS_PER_PIECE);
    const [row] = await db.$queryRawUnsafe<{ items: string | null }[]>(READ_BY_IDS, endpointId, piece, dataOnly);
    // A record may have been deleted since its id was read.
    if (row && row.items !== null) yield row.items;
  }
}

async function* readPages(db: Db, endpointId: string, dataOnly: boolean): AsyncGenerator<string, void> {
  let after: string | null = "0";
  let upto: string | null = null;
  while (after !== null) {
    const [page]: PageRow[] = await db.$queryRawUnsafe<PageRow[]>(
      READ_PAGE,
      endpointId,
      after,
      upto,
      PAGE_ROWS_MAX,
      PAGE_BYTES_MAX,
      dataOnly,
    );
    if (!page || page.items === "") return;
    yield page.items;
    after = page.nextAfter;
    upto = page.upto;
  }
}

interface PageRow {
  items: string;
  /** Null: the page is the last one. */
  nextAfter: string | null;
  upto: string;
}
