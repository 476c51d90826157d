/** Stores and reads records. JSON passes through as text in both directions and is never parsed here. */
import type pg from "pg";
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { ListRange, ReadScope, RecordStore } from "@/src/core/records/ports";
import type { Db } from "@/src/db/client";
import { createRawStatements } from "@/src/db/raw-statements";
import { createPageRead, createRead, type Read } from "@/src/db/read";
import { createExaminedReads } from "@/src/db/reads/examined-records";
import { createReadOne } from "@/src/db/reads/one-record";
import { createReadStart } from "@/src/db/reads/short-lists";
import { commitIdempotent } from "@/src/db/records/commit-idempotent";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { createGroupCommit } from "@/src/db/records/group-commit";
import { findStoredResponse } from "@/src/db/records/idempotent-requests";
import { createMerge } from "@/src/db/records/merge-record";
import { nameStatement } from "@/src/db/statement";

/** The maximum number of records and of bytes in a page of readAll. The last record of a page may exceed the bytes. */
const PAGE_ROWS_MAX = 1000;
const PAGE_BYTES_MAX = 1 << 20;
/** The maximum number of records in a piece of readByIds. With bodies of 1 MiB a piece has 16 MiB. */
const IDS_PER_PIECE = 16;

const READ_BY_IDS = nameStatement(
  "rested_read_by_ids",
  `SELECT string_agg(CASE WHEN $3::boolean THEN data::text ELSE wire_record(id, data, "createdAt", "updatedAt") END, ',' ORDER BY seq) AS items
  FROM "Record" WHERE id = ANY ($2::uuid[]) AND "endpointId" = $1::uuid AND ($4::uuid IS NULL OR "ownerId" = $4::uuid)`,
);

const ORDER_IDS = nameStatement(
  "rested_order_ids",
  `SELECT wire_id(id) AS id FROM "Record"
  WHERE id = ANY ($2::uuid[]) AND "endpointId" = $1::uuid AND ($3::uuid IS NULL OR "ownerId" = $3::uuid) ORDER BY seq`,
);

const READ_PAGE = nameStatement(
  "rested_read_page",
  `SELECT items, next_after::text AS "nextAfter", upto::text AS upto
  FROM record_page($1::uuid, $2::uuid, $3::bigint, $4::bigint, $5::boolean, $6::int, $7::int, $8::boolean)`,
);

const PAGE_BOUNDS = nameStatement(
  "rested_page_bounds",
  `SELECT first_seq::text AS "firstSeq", last_seq::text AS "lastSeq", has_more AS "hasMore"
  FROM record_page_bounds($1::uuid, $2::uuid, $3::bigint, $4::boolean, $5::int)`,
);

export interface RecordStoreOptions {
  /** Used for writes. */
  db: Db;
  /** Used for reads. */
  pool: Pick<pg.Pool, "query">;
  /** Queues the reads of long lists from the second page on. Default: reads run immediately. */
  pageReads?: Pick<FairSemaphore, "run">;
  /** Queues the reads of short lists and pages. Default: reads run immediately. */
  listReads?: Pick<FairSemaphore, "run">;
  /** The queue of all writers of the process. */
  queue: EndpointQueue;
}

/** The records of a database. `endpointId`s have the dashes of a UUID. See the port for the rest. */
export function createRecordStore({ db, pool, queue, pageReads, listReads }: RecordStoreOptions): RecordStore {
  const read = createRead(pool);
  const commit = createGroupCommit({ queue, commit: (endpointId, writes) => db.record.commit(endpointId, writes) });
  return {
    commit,
    merge: createMerge({ db, reads: createRawStatements(pool), commit, queue }),
    commitIdempotent: (endpointId, idempotencyKey, writes, toResponse) => {
      const bytes = writes.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
      return commitIdempotent(
        { db, read, queue },
        { endpointId, idempotencyKey, bytes, commit: (tx) => tx.record.commit(endpointId, writes), toResponse },
      );
    },
    findStoredResponse: (endpointId, idempotencyKey) => findStoredResponse(read, endpointId, idempotencyKey),
    readByIds: (endpointId, ids, options) => readNamed(read, endpointId, ids, options),
    readOne: createReadOne({ read, pageReads }),
    readStart: createReadStart({ read, listReads }),
    ...createExaminedReads({ read, listReads, pageReads }),
    readAll: (endpointId, options) => readPages({ read, readNext: createPageRead({ read, pageReads, endpointId }), endpointId, options }),
    async findPage(endpointId, { owner, after, order, limit }) {
      const values = [endpointId, owner ?? null, toParameter(after), order === "desc", limit];
      const [bounds] = await read<{ firstSeq: string | null; lastSeq: string | null; hasMore: boolean }>(PAGE_BOUNDS, values);
      if (!bounds || bounds.firstSeq === null || bounds.lastSeq === null) return undefined;
      return { firstSeq: Number(bounds.firstSeq), lastSeq: Number(bounds.lastSeq), hasMore: bounds.hasMore };
    },
  };
}

type Options<Range> = Range & { dataOnly: boolean };

async function* readNamed(
  read: Read,
  endpointId: string,
  ids: readonly string[],
  { dataOnly, owner }: Options<ReadScope>,
): AsyncGenerator<string, void> {
  const isOnePiece = ids.length <= IDS_PER_PIECE;
  const ordered = isOnePiece ? ids : (await read<{ id: string }>(ORDER_IDS, [endpointId, ids, owner ?? null])).map(({ id }) => id);
  for (let start = 0; start < ordered.length; start += IDS_PER_PIECE) {
    const piece = ordered.slice(start, start + IDS_PER_PIECE);
    const [row] = await read<{ items: string | null }>(READ_BY_IDS, [endpointId, piece, dataOnly, owner ?? null]);
    // A record may have been deleted since its id was read.
    if (row && row.items !== null) yield row.items;
  }
}

async function* readPages({
  read,
  readNext,
  endpointId,
  options,
}: {
  read: Read;
  /** For all pages but the first of a list: most lists have only one page, which must not wait for long lists. */
  readNext: Read;
  endpointId: string;
  options: Options<ListRange>;
}): AsyncGenerator<string, void> {
  const { dataOnly, owner, order } = options;
  let after = toParameter(options.after);
  let upto = toParameter(options.upto);
  // With `upto`, the first page was read before, by `readStart` or `findPage`.
  for (let isFirst = upto === null; ; isFirst = false) {
    const values = [endpointId, owner ?? null, after, upto, order === "desc", PAGE_ROWS_MAX, PAGE_BYTES_MAX, dataOnly];
    const [page]: PageRow[] = await (isFirst ? read : readNext)<PageRow>(READ_PAGE, values);
    if (!page || page.items === "") return;
    yield page.items;
    if (page.nextAfter === null) return;
    after = page.nextAfter;
    upto = page.upto;
  }
}

function toParameter(seq: number | undefined): string | null {
  return seq === undefined ? null : String(seq);
}

interface PageRow {
  items: string;
  /** Null: this is the last page. */
  nextAfter: string | null;
  upto: string;
}
