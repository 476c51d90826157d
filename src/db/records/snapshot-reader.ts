/** Reads the pages of snapshots (W11). JSON passes through as text and is never parsed here. */
import type pg from "pg";
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { SnapshotReader } from "@/src/core/streams/ports";
import { createPageRead, createRead, type Read } from "@/src/db/read";
import { examine, lastExamined } from "@/src/db/reads/examined-sql";
import { nameStatement } from "@/src/db/statement";

/** The maximum number of records and bytes in a page, which is sent as one message. The last record of a page may exceed the bytes. */
const PAGE_ROWS_MAX = 1000;
const PAGE_BYTES_MAX = 1 << 16;

/** The parameters of each page. Those of a condition come before them. `most`: the bytes of the page, or how many records are examined for it. */
function toParameters(before: number) {
  const at = (place: number, type: string) => `$${before + place}::${type}`;
  return {
    endpoint: at(1, "uuid"),
    owner: at(2, "uuid"),
    after: at(3, "bigint"),
    upto: at(4, "bigint"),
    rows: at(5, "int"),
    most: at(6, "int"),
  };
}

type Parameters = ReturnType<typeof toParameters>;

/** The records of the page `p`, apart from their text. */
const toRecords = ({ endpoint, owner, after, upto }: Parameters) =>
  `"Record" r WHERE r."endpointId" = ${endpoint} AND r.seq > ${after} AND r.seq <= coalesce(p.next_after, ${upto})
        AND (${owner} IS NULL OR r."ownerId" = ${owner})`;

/** It scans the log from `upto` on, which is fast if nothing changed. */
const toColumns = (parameters: Parameters) => `p.next_after::text AS "nextAfter", wire_id(e.epoch) AS epoch, e.seq::text AS seq, p.items,
    coalesce((SELECT json_agg(json_build_object('id', wire_id(r.id), 'version', r.version)) FROM ${toRecords(parameters)}
        AND r.id IN (SELECT c."recordId" FROM "Change" c WHERE c."endpointId" = ${parameters.endpoint} AND c.seq > ${parameters.upto} AND c.type = 'PUT')), '[]') AS changed`;

const PLAIN = toParameters(0);

/** A single statement, so all of it is from one moment. */
const toReadPage = (more = "") => `SELECT ${toColumns(PLAIN)}${more}
  FROM "Endpoint" e, record_page(${PLAIN.endpoint}, ${PLAIN.owner}, ${PLAIN.after}, ${PLAIN.upto}, false, ${PLAIN.rows}, ${PLAIN.most}, false) p
  WHERE e.id = ${PLAIN.endpoint} AND e."projectId" IS NOT NULL`;

const READ_PAGE = nameStatement("rested_read_snapshot", toReadPage());

const READ_PAGE_WITH_OWNERS = nameStatement(
  "rested_read_snapshot_owners",
  toReadPage(`,
    coalesce((SELECT json_agg(json_build_array(wire_id(r.id), wire_id(r."ownerId"))) FROM ${toRecords(PLAIN)}), '[]') AS owners`),
);

/**
 * The same for records that fulfil a condition. `changed` also has records that do not: their changes are older than the state that does not fulfil it. Without a
 * name, because the condition of a rule is a text of its own, and planned with its values.
 */
function toReadExamined({ text, values }: { text: string; values: readonly unknown[] }, hasOwner: boolean): string {
  const parameters = toParameters(values.length);
  const { endpoint, owner, after, upto, rows, most } = parameters;
  const ofOwner = hasOwner ? ` AND r."ownerId" = ${owner}` : "";
  const scope = `r."endpointId" = ${endpoint} AND r.seq > ${after} AND r.seq <= ${upto}${ofOwner}`;
  const sql = { scope, most, count: rows, direction: "ASC" } as const;
  const sizes = { storedBytesMax: PAGE_BYTES_MAX, bytesMax: PAGE_BYTES_MAX };
  const toText = `wire_record(s.id, s.data, s."createdAt", s."updatedAt")`;
  return `WITH ${examine({ ...sql, ...sizes, condition: text, toText })}, p AS MATERIALIZED (
      SELECT f.items, f.owners, CASE WHEN f.found = ${rows} OR f.shown < f.found THEN f.last ELSE ${lastExamined(sql)} END AS next_after
      FROM (SELECT (SELECT count(*) FROM page) AS found, count(*) AS shown, max(s.seq) AS last, coalesce(string_agg(s.text, ',' ORDER BY s.seq), '') AS items,
        coalesce(json_agg(json_build_array(wire_id(s.id), wire_id(s."ownerId"))), '[]') AS owners FROM shown s) f)
    SELECT ${toColumns(parameters)}, p.owners FROM "Endpoint" e, p WHERE e.id = ${endpoint} AND e."projectId" IS NOT NULL`;
}

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
    async readPage(endpointId, { owner, after, upto, withOwners, condition }) {
      const readPage = createPageRead({ read: condition ? createTimedRead(read, condition.size) : read, pageReads, endpointId });
      const values = [endpointId, owner ?? null, after, upto, PAGE_ROWS_MAX];
      const [row] = await (condition
        ? readPage<PageRow>(toReadExamined(condition, owner !== undefined), [...condition.values, ...values, condition.size.count])
        : readPage<PageRow>(withOwners ? READ_PAGE_WITH_OWNERS : READ_PAGE, [...values, PAGE_BYTES_MAX]));
      if (!row) return undefined;
      const { items, changed, owners, epoch, seq, nextAfter } = row;
      return {
        items,
        changed,
        ...(withOwners && owners && { owners: new Map(owners) }),
        at: { epoch, seq: Number(seq) },
        nextAfter: nextAfter === null ? undefined : Number(nextAfter),
      };
    },
  };
}

/** Notes how long statements take, without the time in which they wait for their turn. A statement that fails has taken its time too: the next one examines less. */
function createTimedRead(read: Read, size: { note(ms: number): void }): Read {
  return async (statement, values) => {
    const startedAt = performance.now();
    try {
      return await read(statement, values);
    } finally {
      size.note(performance.now() - startedAt);
    }
  };
}
