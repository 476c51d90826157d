/** Reads pages of an endpoint's records for its owner. The time of a query is limited, also for a filter over a million records. */

import type { Read } from "@/src/db/read";
import type { RecordSearch } from "@/src/db/records/record-search";
import { AppError } from "@/src/shared/errors";
import type { RecordKind } from "@/src/shared/streams/protocol";
import { isTimeout } from "../search/query-errors";
import { formatPlace, type RecordPageQuery, type RecordPlace, toPageStatement } from "./record-query";

/** The time limit for one page. */
const STATEMENT_MS = 5_000;
/** The maximum length of a page. A single record may be longer, because a record may have a megabyte. */
export const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

export interface RecordRow {
  uniqueId: string;
  /** The JSON text as stored. */
  data: string;
  /** ISO 8601. */
  createdAt: string;
  updatedAt: string;
  version: number;
  contentType: RecordKind;
  /** The user that owns the record. */
  owner: string | null;
}

export interface RecordPage {
  rows: RecordRow[];
  /** The cursor of the next page. Null: this is the last page. */
  next: RecordPlace | null;
  /** The endpoint's position when the page was read. The page includes every change up to it. */
  seq: string;
}

/** Reads one page. `uptoSeq` leaves out records that were created later. Throws `parameter_invalid` if the query takes too long. */
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
  /** The account for fair scheduling of queries. */
  accountId: string;
  endpointId: string;
  query: RecordPageQuery;
  uptoSeq?: string | null;
  /** The time limit of the query; default 5000. */
  statementMs?: number;
  /** The maximum length of the rows' data, except that the first row may be longer; default 4 Mi. */
  charactersMax?: number;
}): Promise<RecordPage> {
  const { sql, values } = toPageStatement({ endpointId, query, uptoSeq, charactersMax });
  const { seq, found } = await runPageStatement(
    search,
    accountId,
    async (read) => {
      // Read first, so that every change the page lacks comes after it.
      const [endpoint] = await read<{ seq: string }>(`SELECT "seq"::text AS "seq" FROM "Endpoint" WHERE "id" = $1::uuid`, [endpointId]);
      return { seq: endpoint?.seq ?? "0", found: await read<FoundRow>(sql, values) };
    },
    statementMs,
  );
  const rows = found.map(({ seq: _, found: __, ...row }) => row);
  const last = found.at(-1);
  if (!last || found.length >= last.found) return { rows, next: null, seq };
  const isByUpdate = query.order.endsWith("updated");
  return { rows, next: { seq: last.seq, updatedMs: isByUpdate ? Date.parse(last.updatedAt) : null }, seq };
}

/** Runs the statements of a page for an account. Throws `parameter_invalid` if one takes too long. */
export function runPageStatement<Result>(
  search: RecordSearch,
  accountId: string,
  work: (read: Read) => Promise<Result>,
  statementMs = STATEMENT_MS,
): Promise<Result> {
  return search.run(accountId, statementMs, work).catch((error: unknown) => {
    throw isTimeout(error) ? tooSlow(error) : error;
  });
}

/** Yields all pages from the query's `after` on, of the records that exist when the first page is read. */
export async function* readRecordPages({
  search,
  accountId,
  endpointId,
  query,
}: {
  search: RecordSearch;
  /** The account for fair scheduling of queries. */
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

/** Returns the JSON text of a record as the grid shows it. */
export function toGridRecordText(row: RecordRow): string {
  const { uniqueId, data, createdAt, updatedAt, version, contentType, owner } = row;
  // Ids, times and kinds contain no characters that need escaping.
  const what = `"version":${version},"contentType":"${contentType}","owner":${owner === null ? "null" : `"${owner}"`}`;
  return `{"uniqueId":"${uniqueId}","data":${data},"createdAt":"${createdAt}","updatedAt":"${updatedAt}",${what}}`;
}

/** Returns the text of `next` for a page. */
export function toNextText(next: RecordPlace | null): string {
  return next === null ? "null" : `"${formatPlace(next)}"`;
}

interface FoundRow extends RecordRow {
  seq: string;
  /** The number of rows found, including one beyond the limit. */
  found: number;
}

function tooSlow(cause: unknown): AppError {
  const detail = `The search takes too long. Sort by creation, or remove a filter or the search text.`;
  return new AppError("parameter_invalid", { detail, cause });
}
