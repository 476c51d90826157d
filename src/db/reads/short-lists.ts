/** Reads lists and pages of lists that are short enough for one statement and one piece of text. Identical reads share a statement. */
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { RecordStore } from "@/src/core/records/ports";
import type { Read } from "@/src/db/read";
import { createSharedCalls } from "@/src/db/reads/share-calls";
import { nameStatement } from "@/src/db/statement";

/** The maximum number of records in one piece. */
const ROWS_MAX = 1000;
/** The maximum number of bytes of the records of one piece: as stored, which is known without reading them, and as text. */
const STORED_BYTES_MAX = 256 * 1024;
const BYTES_MAX = 1 << 20;

/** The properties of a range that determine the text of its statement. */
interface Form {
  isDescending: boolean;
  isAfter: boolean;
  isOwn: boolean;
}

type Values = [endpointId: string, limit: number, dataOnly: boolean, ...rest: string[]];

/** `items` is null if the records are too large. `after` is the last seq; null: nothing follows. */
interface StartRow {
  items: string | null;
  after: string | null;
  upto: string | null;
}

/**
 * Each form is a separate statement, so that PostgreSQL keeps a plan for each. The constant LIMIT inside tells the planner that a page is
 * small before it knows `$2`; otherwise it would make a new plan each time. pg_column_size does not read the large values that are stored elsewhere.
 */
function toStatement({ isDescending, isAfter, isOwn }: Form): string {
  const order = isDescending ? "DESC" : "ASC";
  const after = isAfter ? `AND r.seq ${isDescending ? "<" : ">"} $${isOwn ? 5 : 4}::bigint` : "";
  const own = isOwn ? `AND r."ownerId" = $4::uuid` : "";
  return nameStatement(
    `rested_list_${isDescending ? "desc" : "asc"}${isAfter ? "_after" : ""}${isOwn ? "_own" : ""}`,
    `WITH page AS MATERIALIZED (
      SELECT * FROM (
        SELECT r.seq, r.id, r.data, r."createdAt", r."updatedAt" FROM "Record" r
        WHERE r."endpointId" = $1::uuid AND r.seq IS NOT NULL ${own} ${after} ORDER BY r.seq ${order} LIMIT ${ROWS_MAX + 1}
      ) r LIMIT $2::int + 1
    ), size AS MATERIALIZED (SELECT count(*) AS count, coalesce(sum(pg_column_size(data)), 0) AS stored FROM page)
    SELECT
      CASE WHEN size.stored <= ${STORED_BYTES_MAX} AND (SELECT coalesce(sum(octet_length(data::text)), 0) FROM page) <= ${BYTES_MAX} THEN coalesce(
        (SELECT string_agg(CASE WHEN $3::boolean THEN data::text ELSE wire_record(id, data, "createdAt", "updatedAt") END, ',' ORDER BY seq ${order})
          FROM (SELECT * FROM page LIMIT $2::int) listed), '')
      END AS items,
      CASE WHEN size.count > $2::int THEN (SELECT ${isDescending ? "min" : "max"}(seq)::text FROM (SELECT seq FROM page LIMIT $2::int) listed) END AS after,
      CASE WHEN size.count > $2::int THEN ${isDescending ? "'0'" : `(SELECT e.seq::text FROM "Endpoint" e WHERE e.id = $1::uuid)`} END AS upto
    FROM size`,
  );
}

const FORMS: readonly Form[] = [false, true].flatMap((isDescending) =>
  [false, true].flatMap((isAfter) => [false, true].map((isOwn) => ({ isDescending, isAfter, isOwn }))),
);
const STATEMENTS = FORMS.map(toStatement);

function findStatement(form: Form): string {
  const index = (form.isDescending ? 4 : 0) + (form.isAfter ? 2 : 0) + (form.isOwn ? 1 : 0);
  const statement = STATEMENTS[index];
  if (statement === undefined) throw new Error("this form of list has no statement");
  return statement;
}

export interface ReadStartOptions {
  read: Read;
  /** Queues the reads by endpoint. Default: reads run immediately. */
  listReads?: Pick<FairSemaphore, "run"> | undefined;
}

/**
 * Returns a function that reads the first `limit` records of a range, or all without `limit`. It returns undefined if they are more than 1,000 and
 * `limit` allows it, or if they are too large for one piece. Identical reads that wait at the same time share a statement that begins after each of
 * them arrived; users whose scopes differ never share one. Throws the busy error of `listReads` if too many lists wait.
 */
export function createReadStart({ read, listReads }: ReadStartOptions): RecordStore["readStart"] {
  const share = createSharedCalls<StartRow | undefined>();
  return async (endpointId, { owner, after, order, limit = ROWS_MAX, dataOnly }) => {
    if (limit > ROWS_MAX) return undefined;
    const isDescending = order === "desc";
    const statement = findStatement({ isDescending, isAfter: after !== undefined, isOwn: owner !== undefined });
    const values: Values = [endpointId, limit, dataOnly];
    if (owner !== undefined) values.push(owner);
    if (after !== undefined) values.push(String(after));
    const key = JSON.stringify([isDescending, owner !== undefined, values]);
    const row = await share(
      key,
      async () => (await read<StartRow>(statement, values))[0],
      listReads && ((call) => listReads.run([endpointId], call)),
    );
    if (!row || row.items === null) return undefined;
    const { items, upto } = row;
    return { items, more: row.after === null ? undefined : { after: Number(row.after), upto: Number(upto) } };
  };
}
