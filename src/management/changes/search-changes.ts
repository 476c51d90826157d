/** Searches the change log of an endpoint (G27), newest first, in requests of limited time. */
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import type { Read } from "@/src/db/read";
import type { RecordSearch } from "@/src/db/records/record-search";
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { formatCursor } from "@/src/shared/streams/cursor";
import { requireOwnEndpoint } from "../ownership";
import { toExpressionSql } from "../search/expression-sql";
import { isPatternError, isTimeout } from "../search/query-errors";
import { type ChangeRow, findSeqBefore, PAGE_CHARACTERS_MAX, readLogPosition, toChangeText } from "./list-changes";
import {
  BLOCK_FAST_MS,
  BLOCK_FIRST,
  BLOCK_MIN,
  SEARCH_MS,
  STATEMENT_MS,
  TIME_SLACK_MS,
  tooComplex,
  tooSlow,
  toRequiredTimes,
} from "./search-limits";

/** The largest number of changes in a block. */
const BLOCK_MAX = 32_000;

interface Progress {
  /** The next seq to search; older changes follow. */
  upto: number;
  /** The seq of the oldest change in the log. */
  oldest: number;
  rows: ChangeRow[];
  characters: number;
  block: number;
}

/**
 * Returns the JSON text of `{ changes, more, cursor, searched }`: changes that match, newest first, with seq < `before`. `searched` has the seqs of the first
 * and the last change that were looked through, and of the oldest change in the log that can match. `more`: older changes were not looked through. Throws `not_found`,
 * and `parameter_invalid` for an expression that the database cannot evaluate in time.
 */
export async function searchChanges({
  db,
  changes,
  search,
  ownerId,
  endpointId,
  expression,
  before,
  limit,
  signal,
  searchMs = SEARCH_MS,
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  changes: Pick<ChangeLog, "positions">;
  search: RecordSearch;
  ownerId: string;
  endpointId: string;
  expression: FilterExpression;
  before: number | null;
  limit: number;
  /** Ends the search early. */
  signal: AbortSignal;
  /** Default: 800. */
  searchMs?: number;
}): Promise<string> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  const position = await readLogPosition(changes, endpointId);
  const bounds = await findBounds(db, endpointId, expression);
  const from = Math.min(before === null ? Number.MAX_SAFE_INTEGER : before - 1, Number(position.seq), bounds.newest);
  const progress: Progress = { upto: from, oldest: 0, rows: [], characters: 0, block: BLOCK_FIRST };
  const endMs = performance.now() + searchMs;
  const isDone = () =>
    progress.upto < progress.oldest ||
    progress.rows.length >= limit ||
    progress.characters >= PAGE_CHARACTERS_MAX ||
    signal.aborted ||
    performance.now() > endMs;
  const searchBlocks = async (read: Read) => {
    progress.oldest = Math.min(from + 1, Math.max(await readOldest(read, endpointId, from), bounds.oldest));
    while (progress.upto >= progress.oldest) {
      await searchBlock({ read, endpointId, expression, limit, progress });
      if (isDone()) return;
    }
  };
  for (let isSearched = false; !isSearched; ) {
    try {
      await search.run(ownerId, STATEMENT_MS, searchBlocks);
      isSearched = true;
    } catch (error) {
      if (!isTimeout(error)) throw isPatternError(error) ? tooComplex(error) : error;
      if (progress.block <= BLOCK_MIN) throw tooSlow(error);
      progress.block = Math.max(BLOCK_MIN, Math.floor(progress.block / 10));
      isSearched = progress.upto < from;
    }
  }
  const { rows, upto, oldest } = progress;
  const searched = `{"from":${from},"to":${upto + 1},"oldest":${oldest}}`;
  return `{"changes":[${rows.map(toChangeText).join(",")}],"more":${upto >= oldest},"cursor":"${formatCursor(position)}","searched":${searched}}`;
}

/** The seqs between which changes can match, by the times that the expression requires. */
async function findBounds(
  db: Pick<Db, "$queryRaw">,
  endpointId: string,
  expression: FilterExpression,
): Promise<{ oldest: number; newest: number }> {
  const { fromMs, toMs } = toRequiredTimes(expression);
  return {
    oldest: fromMs === undefined ? 0 : (await findSeqBefore(db, endpointId, new Date(fromMs - TIME_SLACK_MS))) + 1,
    newest: toMs === undefined ? Number.MAX_SAFE_INTEGER : await findSeqBefore(db, endpointId, new Date(toMs + TIME_SLACK_MS)),
  };
}

/** The seq of the oldest change. One more than `from`: there is none up to `from`. */
async function readOldest(read: Read, endpointId: string, from: number): Promise<number> {
  const [row] = await read<{ seq: string | null }>(
    `SELECT min("seq")::text AS "seq" FROM "Change" WHERE "endpointId" = $1::uuid AND "seq" <= $2::bigint`,
    [endpointId, from],
  );
  return row?.seq == null ? from + 1 : Number(row.seq);
}

async function searchBlock({
  read,
  endpointId,
  expression,
  limit,
  progress,
}: {
  read: Read;
  endpointId: string;
  expression: FilterExpression;
  limit: number;
  progress: Progress;
}): Promise<void> {
  const startMs = performance.now();
  const [bounds] = await read<{ seq: string }>(
    `SELECT min(b."seq")::text AS "seq" FROM (
      SELECT "seq" FROM "Change" WHERE "endpointId" = $1::uuid AND "seq" <= $2::bigint ORDER BY "seq" DESC LIMIT $3::int
    ) b`,
    [endpointId, progress.upto, progress.block],
  );
  const last = Number(bounds?.seq ?? progress.oldest);
  const rowsMax = limit - progress.rows.length;
  const { sql, values } = toBlockStatement({
    endpointId,
    expression,
    from: progress.upto,
    to: last,
    limit: rowsMax,
    charactersMax: PAGE_CHARACTERS_MAX - progress.characters,
  });
  const rows = await read<ChangeRow>(sql, values);
  progress.rows.push(...rows);
  progress.characters += rows.reduce((sum, { data }) => sum + data.length, 0);
  const lastRow = rows.at(-1);
  const isCut = lastRow !== undefined && (rows.length >= rowsMax || rows.length < Number(lastRow.found));
  progress.upto = (isCut ? Number(lastRow.seq) : last) - 1;
  if (performance.now() - startMs < BLOCK_FAST_MS) progress.block = Math.min(BLOCK_MAX, progress.block * 2);
}

/** `from` and `to`: the seqs of the newest and the oldest change of the block. `found` counts rows, also those beyond `charactersMax`. */
function toBlockStatement({
  endpointId,
  expression,
  from,
  to,
  limit,
  charactersMax,
}: {
  endpointId: string;
  expression: FilterExpression;
  from: number;
  to: number;
  limit: number;
  charactersMax: number;
}): { sql: string; values: unknown[] } {
  const values: unknown[] = [];
  const bind = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;
  const { joins, condition } = toExpressionSql(expression, bind, { id: 'c."recordId"', type: 'c."type"::text', at: 'c."at"' });
  const sql = `
    WITH page AS (
      SELECT c.*, row_number() OVER newest AS n, count(*) OVER () AS found,
        sum(length(c."data"::text)) OVER newest - length(c."data"::text) AS newer
      FROM (
        SELECT c.* FROM "Change" c${joins}
        WHERE c."endpointId" = ${bind(endpointId, "uuid")} AND c."seq" <= ${bind(from, "bigint")} AND c."seq" >= ${bind(to, "bigint")} AND ${condition}
        ORDER BY c."seq" DESC LIMIT ${bind(limit, "int")}
      ) c
      WINDOW newest AS (ORDER BY c."seq" DESC ROWS UNBOUNDED PRECEDING)
    )
    SELECT "seq", "type"::text AS "type", "at", "version", wire_id("recordId") AS "recordId", "data"::text AS "data",
      "recordCreatedAt" AS "createdAt", "recordUpdatedAt" AS "updatedAt", "found"
    FROM page WHERE n = 1 OR newer < ${bind(charactersMax, "bigint")} ORDER BY "seq" DESC`;
  return { sql, values };
}
