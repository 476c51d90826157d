/** Reads pages of an endpoint's records for its owner, in bounded time: a filter over a million records must not hang. It must not write. */
import type { RecordSearch } from "@/src/db/records/record-search";
import { AppError } from "@/src/shared/errors";
import type { RecordKind } from "@/src/shared/streams/protocol";
import { formatPlace, type RecordPageQuery, type RecordPlace, toPageStatement } from "./record-query";

/** What one page may take the database. */
const STATEMENT_MS = 5_000;
/** A page is this long at most, but for a single record that is longer: records may have a megabyte each. */
const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

export interface RecordRow {
  uniqueId: string;
  /** JSON text as stored. */
  data: string;
  /** ISO 8601. */
  createdAt: string;
  updatedAt: string;
  version: number;
  contentType: RecordKind;
  /** The user that it belongs to. */
  owner: string | null;
}

export interface RecordPage {
  rows: RecordRow[];
  /** Where the next page begins; null: this is the last one. */
  next: RecordPlace | null;
  /** The endpoint's last change when the page was read: the page has everything up to it. */
  seq: string;
}

/** One page. Raises `parameter_invalid` when the database takes too long. `uptoSeq`: leave out what was created later. */
export async function readRecordPage({
  search,
  accountId,
  endpointId,
  query,
  uptoSeq = null,
  statementMs = STATEMENT_MS,
  charactersMax = PAGE_CHARACTERS_MAX,
}: {
  search: RecordSearch;
  /** Whose pages take turns with those of others. */
  accountId: string;
  endpointId: string;
  query: RecordPageQuery;
  uptoSeq?: string | null;
  /** For the database; default 5000. */
  statementMs?: number;
  /** Of the rows' data, a first longer one aside; default 4 Mi. */
  charactersMax?: number;
}): Promise<RecordPage> {
  const { sql, values } = toPageStatement({ endpointId, query, uptoSeq, charactersMax });
  const { seq, found } = await search
    .run(accountId, statementMs, async (read) => {
      // Read first: what the page lacks is then after it.
      const [endpoint] = await read<{ seq: string }>(`SELECT "seq"::text AS "seq" FROM "Endpoint" WHERE "id" = $1::uuid`, [endpointId]);
      return { seq: endpoint?.seq ?? "0", found: await read<FoundRow>(sql, values) };
    })
    .catch((error: unknown) => {
      throw isTimeout(error) ? tooSlow(error) : error;
    });
  const rows = found.map(({ seq: _, found: __, ...row }) => row);
  const last = found.at(-1);
  if (!last || found.length >= last.found) return { rows, next: null, seq };
  const isByUpdate = query.order.endsWith("updated");
  return { rows, next: { seq: last.seq, updatedMs: isByUpdate ? Date.parse(last.updatedAt) : null }, seq };
}

/** All pages, one after the other, from the query's `after` on; those of records that exist when the first is read. */
export async function* readRecordPages({
  search,
  accountId,
  endpointId,
  query,
}: {
  search: RecordSearch;
  /** Whose pages take turns with those of others. */
  accountId: string;
  endpointId: string;
  query: RecordPageQuery;
}): AsyncGenerator<RecordRow[], void> {
  let uptoSeq: string | null = null;
  let after: RecordPlace | null = query.after;
  for (;;) {
    const page: RecordPage = await readRecordPage({ search, accountId, endpointId, query: { ...query, after }, uptoSeq });
    yield page.rows;
    if (page.next === null) return;
    after = page.next;
    uptoSeq ??= page.seq;
  }
}

/** The JSON text of a record as the grid shows it. */
export function toGridRecordText(row: RecordRow): string {
  const { uniqueId, data, createdAt, updatedAt, version, contentType, owner } = row;
  // Ids, times and kinds have forms that need no escaping.
  const what = `"version":${version},"contentType":"${contentType}","owner":${owner === null ? "null" : `"${owner}"`}`;
  return `{"uniqueId":"${uniqueId}","data":${data},"createdAt":"${createdAt}","updatedAt":"${updatedAt}",${what}}`;
}

/** The text of `next` for a page. */
export function toNextText(next: RecordPlace | null): string {
  return next === null ? "null" : `"${formatPlace(next)}"`;
}

interface FoundRow extends RecordRow {
  seq: string;
  /** How many there are, one beyond the limit included. */
  found: number;
}

/** query_canceled, however deep the driver's error is wrapped. */
const CANCELED = "57014";

function isTimeout(error: unknown, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > 5) return false;
  return (
    Object.values(error).some((value) => value === CANCELED || isTimeout(value, depth + 1)) ||
    ("cause" in error && isTimeout(error.cause, depth + 1))
  );
}

function tooSlow(cause: unknown): AppError {
  const detail = `The search takes too long. Sort by creation, or remove a filter or the search text.`;
  return new AppError("parameter_invalid", { detail, cause });
}
