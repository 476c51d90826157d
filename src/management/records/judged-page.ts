/** Reads pages of an endpoint's records as one of its callers reads them (A7): judged, and without hidden fields. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { RecordJudge } from "@/src/core/access/record-judge";
import type { RecordSearch } from "@/src/db/records/record-search";
import { toExaminedStatement, toMatchStatement } from "./examined-query";
import { PAGE_CHARACTERS_MAX, type RecordRow, runPageStatement } from "./read-record-page";
import type { RecordPageQuery, RecordPlace } from "./record-query";

/** A page that has examined so many records, or has taken so long, ends early. */
const EXAMINED_MAX = 50_000;
const PAGE_MS_MAX = 5_000;
/** How many records one statement examines, and how many it returns. */
const EXAMINE = 10_000;
const ROWS_MAX = 500;

export interface JudgedPage {
  rows: RecordRow[];
  /** The position after which the next page begins. Null: this is the last page. */
  next: RecordPlace | null;
}

/**
 * Reads a page that is full unless it is the last one, has examined too many records or has taken too long: then it can be empty, and `next` goes on from
 * there. Search and filters see the records as the caller does. Throws what `readRecordPage` and the judge throw.
 */
export async function readJudgedPage({
  search,
  accountId,
  caller,
  endpointId,
  judge,
  query,
  charactersMax = PAGE_CHARACTERS_MAX,
  examinedMax = EXAMINED_MAX,
}: {
  search: RecordSearch;
  /** The account for fair scheduling of queries. */
  accountId: string;
  /** On whose behalf access functions are evaluated. */
  caller: CallerPath;
  endpointId: string;
  judge: RecordJudge;
  query: RecordPageQuery;
  charactersMax?: number;
  examinedMax?: number;
}): Promise<JudgedPage> {
  const { condition } = judge;
  const rows: PlacedRow[] = [];
  if (condition?.text === "false") return { rows, next: null };
  const isNarrowed = query.search !== null || query.filters.length > 0;
  // A hidden field must not decide whether a record is found.
  const matchesLater = isNarrowed && judge.hidesFields;
  const stored = matchesLater ? { ...query, search: null, filters: [] } : query;
  const startedAt = performance.now();
  const examine = Math.min(EXAMINE, examinedMax);
  let after = query.after;
  let characters = 0;
  // One more than the page has, to find out whether more follow.
  for (let [examined, limit] = [0, Math.min(query.limit + 1, ROWS_MAX)]; ; limit = Math.min(2 * limit, ROWS_MAX)) {
    const step = await examineNext({
      search,
      accountId,
      endpointId,
      query: { ...stored, after, limit },
      condition,
      examine,
      charactersMax,
    });
    const readable = await admit(judge, step.rows, { isCertain: condition?.isExact === true, caller });
    const shown = matchesLater ? await keepMatching({ search, accountId, rows: readable, query }) : readable;
    for (const row of shown) {
      if (rows.length === query.limit || (rows.length > 0 && characters >= charactersMax))
        return { rows, next: toPlace(rows.at(-1), query) };
      rows.push(row);
      characters += row.data.length;
    }
    if (step.end === null) return { rows, next: null };
    after = step.end;
    // If the limit ended the statement, it examined at least as many records as it returned.
    examined += step.isCut ? step.rows.length : examine;
    if (examined >= examinedMax || performance.now() - startedAt >= PAGE_MS_MAX) return { rows, next: after };
  }
}

/** A row, with its position. */
type PlacedRow = RecordRow & { seq: string };

interface Step {
  rows: PlacedRow[];
  /** Where the examined records end. Null: they end with the last record. */
  end: RecordPlace | null;
  /** True if it has not examined as many records as it could have. */
  isCut: boolean;
}

/** The columns of a record are null if nothing was found. */
type ExaminedRow = { [Column in keyof PlacedRow]: PlacedRow[Column] | null } & {
  found: number;
  endSeq: string | null;
  endUpdatedAt: string | null;
};

async function examineNext({
  search,
  accountId,
  ...statement
}: { search: RecordSearch; accountId: string } & Parameters<typeof toExaminedStatement>[0]): Promise<Step> {
  const { sql, values } = toExaminedStatement(statement);
  const found = await runPageStatement(search, accountId, (read) => read<ExaminedRow>(sql, values));
  const { query } = statement;
  const rows = found.filter(isRecord).map(({ found: _, endSeq: __, endUpdatedAt: ___, ...row }) => row);
  const [first] = found;
  if (!first) throw new Error("The statement of a page returned no row.");
  const isCut = rows.length > 0 && (rows.length < first.found || first.found === query.limit);
  const [seq, updatedAt] = isCut ? [rows.at(-1)?.seq, rows.at(-1)?.updatedAt] : [first.endSeq, first.endUpdatedAt];
  return { rows, end: seq == null || updatedAt == null ? null : toPlace({ seq, updatedAt }, query), isCut };
}

function isRecord(row: ExaminedRow): row is ExaminedRow & PlacedRow {
  return row.uniqueId !== null;
}

function toPlace(row: { seq: string; updatedAt: string } | undefined, { order }: RecordPageQuery): RecordPlace | null {
  return row ? { seq: row.seq, updatedMs: order.endsWith("updated") ? Date.parse(row.updatedAt) : null } : null;
}

/** Those of the records that the caller may read, without their hidden fields. `isCertain`: the statement has judged them. */
async function admit(
  judge: RecordJudge,
  rows: readonly PlacedRow[],
  { isCertain, caller }: { isCertain: boolean; caller: CallerPath },
): Promise<PlacedRow[]> {
  if (rows.length === 0) return [];
  const verdicts = isCertain ? undefined : await judge.judge("read", rows, { caller });
  const allowed = rows.filter((_, index) => verdicts === undefined || verdicts[index] === true);
  return judge.hidesFields ? allowed.map((row) => ({ ...row, data: judge.redact(row) })) : allowed;
}

/** Those of the records that match the search and the filters as they are shown. */
async function keepMatching({
  search,
  accountId,
  rows,
  query,
}: {
  search: RecordSearch;
  accountId: string;
  rows: PlacedRow[];
  query: RecordPageQuery;
}): Promise<PlacedRow[]> {
  if (rows.length === 0) return rows;
  const { sql, values } = toMatchStatement(rows, query);
  const matching = new Set((await runPageStatement(search, accountId, (read) => read<{ n: number }>(sql, values))).map(({ n }) => n));
  return rows.filter((_, index) => matching.has(index + 1));
}
