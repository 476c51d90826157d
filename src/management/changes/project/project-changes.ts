/** Reads and searches the changes of all endpoints of a project as one log, by time (G46). */
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import type { Read } from "@/src/db/read";
import type { RecordSearch } from "@/src/db/records/record-search";
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { formatCursor } from "@/src/shared/streams/cursor";
import { requireOwnProject } from "../../ownership";
import { isPatternError, isTimeout } from "../../search/query-errors";
import { PAGE_CHARACTERS_MAX, toChangeText } from "../list-changes";
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
} from "../search-limits";
import {
  countRemaining,
  cutLogs,
  type Direction,
  findNearest,
  type LogCut,
  type LogRange,
  moveCuts,
  type ProjectChangeRow,
  readRanges,
} from "./log-ranges";
import { formatProjectPlace, type ProjectChangesQuery } from "./project-query";

/** The largest number of changes in a block. */
const BLOCK_MAX = 8_000;

interface Page {
  rows: ProjectChangeRow[];
  /** The place after which the next page begins; undefined if there was nothing to read. */
  to: string | undefined;
  /** The number of changes that were looked through, and of those that remain. */
  looked: number;
  remaining: number;
}

/**
 * Returns the JSON text of `{ changes, more, endpoints, searched }`, newest first. With `after`, `more` means newer changes, otherwise older ones.
 * `endpoints`: all endpoints with the cursors from which streams send what follows; only without a place and an expression. Throws `not_found`, and
 * `parameter_invalid` for an expression that the database cannot evaluate in time.
 */
export async function readProjectChanges({
  db,
  changes,
  search,
  ownerId,
  projectId,
  before,
  after,
  limit,
  expression,
  signal,
  searchMs = SEARCH_MS,
}: ProjectChangesQuery & {
  db: Pick<Db, "project" | "endpoint">;
  changes: Pick<ChangeLog, "positions">;
  search: RecordSearch;
  ownerId: string;
  projectId: string;
  /** Ends a search early. */
  signal: AbortSignal;
  /** Default: 800. */
  searchMs?: number;
}): Promise<string> {
  await requireOwnProject({ db, ownerId, projectId });
  const endpoints = await db.endpoint.findMany({ where: { projectId }, select: { id: true, name: true }, orderBy: { name: "asc" } });
  // Read first. The page ends at these positions, so streams that resume from them send what the page lacks, and nothing twice.
  const positions = await changes.positions(endpoints.map(({ id }) => id));
  const ends: LogCut[] = endpoints.flatMap(({ id, name }) => {
    const position = positions.get(id);
    return position ? [{ endpointId: id, name, seq: position.seq }] : [];
  });
  const direction: Direction = after ? "newer" : "older";
  const run = async (read: Read, block: { size: number }): Promise<Page> => {
    const place = before ?? after;
    const all = place ? await cutLogs(read, ends, place, { isIncluded: after !== undefined }) : ends;
    if (!expression) return readPage(read, all, { limit, direction });
    return searchLogs(read, await skipLater(read, all, expression), {
      expression,
      limit,
      signal,
      endMs: performance.now() + searchMs,
      block,
    });
  };
  const page = await runInTime((block) => search.run(ownerId, STATEMENT_MS, (read) => run(read, block)));
  const texts = (after ? page.rows.toReversed() : page.rows).map(
    (row) => `{"endpointId":"${row.endpointId}",${toChangeText(row).slice(1)}`,
  );
  const searched = expression
    ? `,"searched":${JSON.stringify({ to: page.to ?? null, count: page.looked, remaining: page.remaining })}`
    : "";
  const views = ends.flatMap(({ endpointId, name }) => {
    const position = positions.get(endpointId);
    return position ? [{ id: endpointId, name, cursor: formatCursor(position) }] : [];
  });
  const listed = before || after || expression ? "" : `,"endpoints":${JSON.stringify(views)}`;
  return `{"changes":[${texts.join(",")}],"more":${page.remaining > 0}${listed}${searched}}`;
}

async function readPage(read: Read, cuts: readonly LogCut[], { limit, direction }: { limit: number; direction: Direction }): Promise<Page> {
  const ranges = await findNearest(read, cuts, limit, direction);
  const rows = await readRanges(read, ranges, { expression: undefined, limit, charactersMax: PAGE_CHARACTERS_MAX, direction });
  const found = Number(rows[0]?.found ?? 0);
  const remaining = (await countRemaining(read, moveCuts(cuts, ranges, direction), direction)) + found - rows.length;
  return { rows, to: undefined, looked: rows.length, remaining };
}

/** Cuts the logs at the time that no match can follow. */
async function skipLater(read: Read, cuts: readonly LogCut[], expression: FilterExpression): Promise<LogCut[]> {
  const names = toRequiredNames(expression);
  const named = names ? cuts.filter(({ name }) => names.has(name)) : [...cuts];
  const { toMs } = toRequiredTimes(expression);
  if (toMs === undefined) return named;
  const earlier = await cutLogs(read, named, { atMs: toMs + TIME_SLACK_MS, change: undefined }, { isIncluded: false });
  return named.map((cut, index) => ({ ...cut, seq: Math.min(cut.seq, earlier[index]?.seq ?? cut.seq) }));
}

/** The endpoints of which every match must be. Undefined: of any. */
function toRequiredNames(expression: FilterExpression): Set<string> | undefined {
  if (expression.kind === "endpoint") return new Set(expression.names);
  const sets = expression.kind === "and" ? expression.parts.flatMap((part) => toRequiredNames(part) ?? []) : [];
  const [first, ...others] = sets;
  return first && new Set([...first].filter((name) => others.every((other) => other.has(name))));
}

async function searchLogs(
  read: Read,
  start: readonly LogCut[],
  {
    expression,
    limit,
    signal,
    endMs,
    block,
  }: { expression: FilterExpression; limit: number; signal: AbortSignal; endMs: number; block: { size: number } },
): Promise<Page> {
  const { fromMs = Number.NEGATIVE_INFINITY } = toRequiredTimes(expression);
  const page: Page = { rows: [], to: undefined, looked: 0, remaining: 0 };
  let cuts = [...start];
  let characters = 0;
  for (;;) {
    const startMs = performance.now();
    const ranges = await findNearest(read, cuts, block.size, "older");
    const last = findLast(ranges);
    if (!last) return page;
    const rowsMax = limit - page.rows.length;
    const charactersMax = PAGE_CHARACTERS_MAX - characters;
    const rows = await readRanges(read, ranges, { expression, limit: rowsMax, charactersMax, direction: "older" });
    page.rows.push(...rows);
    characters += rows.reduce((sum, { data }) => sum + data.length, 0);
    const blockCuts = cuts;
    cuts = moveCuts(cuts, ranges, "older");
    const lastRow = rows.at(-1);
    const isCut = lastRow !== undefined && (rows.length >= rowsMax || rows.length < Number(lastRow.found));
    if (isCut) {
      page.to = formatProjectPlace(lastRow.at, lastRow.endpointId, lastRow.seq);
      const rest = await cutLogs(
        read,
        start,
        { atMs: lastRow.at.getTime(), change: { endpointId: lastRow.endpointId, seq: Number(lastRow.seq) } },
        { isIncluded: false },
      );
      page.remaining = await countRemaining(read, rest, "older");
      page.looked += (await countRemaining(read, blockCuts, "older")) - page.remaining;
      return page;
    }
    page.looked += ranges.reduce((sum, { count }) => sum + count, 0);
    page.to = formatProjectPlace(last.at, last.endpointId, last.from);
    page.remaining = last.at.getTime() < fromMs - TIME_SLACK_MS ? 0 : await countRemaining(read, cuts, "older");
    if (page.remaining === 0 || signal.aborted || performance.now() > endMs) return page;
    if (performance.now() - startMs < BLOCK_FAST_MS) block.size = Math.min(BLOCK_MAX, block.size * 2);
  }
}

/** The range with the oldest of all changes. */
function findLast(ranges: readonly LogRange[]): LogRange | undefined {
  return ranges.toSorted((one, other) => one.at.getTime() - other.at.getTime() || (one.endpointId < other.endpointId ? -1 : 1))[0];
}

/** Repeats with a smaller block after a time-out. */
async function runInTime(run: (block: { size: number }) => Promise<Page>): Promise<Page> {
  for (let size = BLOCK_FIRST; ; size = Math.max(BLOCK_MIN, Math.floor(size / 10))) {
    try {
      return await run({ size });
    } catch (error) {
      if (!isTimeout(error)) throw isPatternError(error) ? tooComplex(error) : error;
      if (size <= BLOCK_MIN) throw tooSlow(error);
    }
  }
}
