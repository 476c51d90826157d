/** Reads records one by one with their owners, so that they can be judged (S7). The size of each read is bounded. */
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { ExaminedRange, ListedRecord, RecordStore } from "@/src/core/records/ports";
import { createPageRead, type Read } from "@/src/db/read";
import { nameStatement } from "@/src/db/statement";
import { examine, lastExamined } from "./examined-sql";

/** The maximum number of bytes of the records of one read: as stored, which is known without reading them, and as text. The last one may exceed them. */
const STORED_BYTES_MAX = 256 * 1024;
const BYTES_MAX = 1 << 20;
/** The maximum number of records in a read by ids. With bodies of 1 MiB it has 16 MiB. */
const IDS_PER_READ = 16;

const COLUMNS = `wire_id(r.id) AS id, r.data::text AS data, wire_time(r."createdAt") AS "createdAt", wire_time(r."updatedAt") AS "updatedAt",
  wire_id(r."ownerId") AS owner, r.seq::text AS seq`;

const READ_NAMED = nameStatement(
  "rested_examine_ids",
  `SELECT ${COLUMNS} FROM "Record" r WHERE r.id = ANY ($2::uuid[]) AND r."endpointId" = $1::uuid AND r.seq IS NOT NULL ORDER BY r.seq`,
);

const ORDER_NAMED = nameStatement(
  "rested_examine_order",
  `SELECT wire_id(r.id) AS id FROM "Record" r WHERE r.id = ANY ($2::uuid[]) AND r."endpointId" = $1::uuid AND r.seq IS NOT NULL ORDER BY r.seq`,
);

type Row = Omit<ListedRecord, "seq"> & { seq: string };
/** The columns of a record are null if nothing was found. `end`: the seq of the last examined record; null: fewer were left than could be examined. */
type ExaminedRow = { [Column in keyof Row]: Row[Column] | null } & { found: number; end: string | null; upto: string };

/** The condition of a rule is a text of its own, so the statement has no name, and is planned with its values. */
function compose(endpointId: string, range: ExaminedRange): { text: string; values: unknown[] } {
  const { order, after, upto, owner, condition, limit } = range;
  const values: unknown[] = [...(condition?.values ?? [])];
  const bind = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
  const isDescending = order === "desc";
  const direction = isDescending ? "DESC" : "ASC";
  const endpoint = bind(endpointId, "uuid");
  const scope = [
    `r."endpointId" = ${endpoint} AND r.seq IS NOT NULL`,
    ...(owner === undefined ? [] : [`r."ownerId" = ${bind(owner, "uuid")}`]),
    ...(after === undefined ? [] : [`r.seq ${isDescending ? "<" : ">"} ${bind(String(after), "bigint")}`]),
    ...(upto === undefined ? [] : [`r.seq ${isDescending ? ">=" : "<="} ${bind(String(upto), "bigint")}`]),
  ].join(" AND ");
  const count = bind(limit, "int");
  const most = bind(range.examine, "int");
  const sql = { scope, direction, most, count, condition: condition?.text ?? "true" } as const;
  const text = `WITH ${examine({ ...sql, toText: "s.data::text", storedBytesMax: STORED_BYTES_MAX, bytesMax: BYTES_MAX })}
    SELECT p.found, CASE WHEN p.found < ${count} THEN ${lastExamined(sql)}::text END AS "end",
      ${isDescending ? "'0'" : `coalesce((SELECT e.seq::text FROM "Endpoint" e WHERE e.id = ${endpoint}), '0')`} AS upto,
      wire_id(r.id) AS id, r.text AS data, wire_time(r."createdAt") AS "createdAt", wire_time(r."updatedAt") AS "updatedAt",
      wire_id(r."ownerId") AS owner, r.seq::text AS seq
    FROM (SELECT count(*)::int AS found FROM page) p LEFT JOIN shown r ON true ORDER BY r.seq ${direction}`;
  return { text, values };
}

export interface ExaminedReadOptions {
  read: Read;
  /** Queue the first and the other reads of lists by endpoint. Default: reads run immediately. */
  listReads?: Pick<FairSemaphore, "run"> | undefined;
  pageReads?: Pick<FairSemaphore, "run"> | undefined;
}

export function createExaminedReads({ read, listReads, pageReads }: ExaminedReadOptions): Pick<RecordStore, "examine" | "examineByIds"> {
  return {
    async examine(endpointId, range) {
      const readInTurn = createPageRead({ read, pageReads: range.isFirst ? listReads : pageReads, endpointId });
      const { text, values } = compose(endpointId, range);
      const rows = await readInTurn<ExaminedRow>(text, values);
      const records = rows.filter(isFound).map(toListed);
      const [first] = rows;
      if (!first) throw new Error("The statement of a list returned no row.");
      // Fewer records than were found: the rest is too large for this read.
      const isCut = records.length < first.found || first.found === range.limit;
      const last = isCut ? records.at(-1)?.seq : first.end === null ? undefined : Number(first.end);
      return { records, next: last, upto: Number(first.upto) };
    },
    async *examineByIds(endpointId, ids) {
      const ordered = ids.length <= IDS_PER_READ ? ids : (await read<{ id: string }>(ORDER_NAMED, [endpointId, ids])).map(({ id }) => id);
      for (let start = 0; start < ordered.length; start += IDS_PER_READ) {
        const rows = await read<Row>(READ_NAMED, [endpointId, ordered.slice(start, start + IDS_PER_READ)]);
        if (rows.length > 0) yield rows.map(toListed);
      }
    },
  };
}

function isFound(row: ExaminedRow): row is ExaminedRow & Row {
  return row.id !== null;
}

function toListed({ id, data, createdAt, updatedAt, owner, seq }: Row): ListedRecord {
  return { id, data, createdAt, updatedAt, owner, seq: Number(seq) };
}
