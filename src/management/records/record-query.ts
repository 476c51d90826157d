/** Parses queries of the grid and of exports (G13), and translates them to SQL. */
import { AppError } from "@/src/shared/errors";
import { GRID_LIMIT_MAX, NAMED_IN_QUERY_MAX, RECORD_ORDERS, type RecordOrder } from "@/src/shared/record-limits";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { FILTERS_MAX, parseRecordFilter, type RecordFilter, SEARCH_LENGTH_MAX } from "@/src/shared/streams/record-filter";
import { type Bind, toCondition, toPart, toSearch } from "../search/filter-sql";

const LIMIT_DEFAULT = 100;

export interface RecordQuery {
  order: RecordOrder;
  /** A text in the decoded data or in the id. Case is ignored. */
  search: string | null;
  filters: readonly RecordFilter[];
  /** Only these ids (32 hex digits each). Null: all records. */
  uniqueIds: readonly string[] | null;
}

/** A position between two records of an order. */
export interface RecordPlace {
  seq: string;
  /** Milliseconds since 1970. Only in orders by update. */
  updatedMs: number | null;
}

export interface RecordPageQuery extends RecordQuery {
  limit: number;
  after: RecordPlace | null;
}

/** Parses the parameters of a page: `limit`, `cursor`, and those of {@link parseRecordQuery}. Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseRecordPageQuery(parameters: URLSearchParams): RecordPageQuery {
  const problems = new Map<string, string>();
  const query = readQuery(parameters, "-created", problems);
  const limitText = parameters.get("limit");
  const limit = limitText === null ? LIMIT_DEFAULT : /^\d{1,9}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > GRID_LIMIT_MAX) problems.set("limit", `Use a whole number from 1 to ${GRID_LIMIT_MAX}.`);
  const cursor = parameters.get("cursor");
  const after = cursor === null ? null : parsePlace(cursor, query.order);
  if (after === undefined) problems.set("cursor", "Use the value of next from a page in the same order.");
  raise(problems);
  return { ...query, limit, after: after ?? null };
}

/** Parses `order`, `search`, `filter` (repeatable) and `uniqueId` (repeatable, or comma-separated). Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseRecordQuery(parameters: URLSearchParams, orderDefault: RecordOrder): RecordQuery {
  const problems = new Map<string, string>();
  const query = readQuery(parameters, orderDefault, problems);
  raise(problems);
  return query;
}

function readQuery(parameters: URLSearchParams, orderDefault: RecordOrder, problems: Map<string, string>): RecordQuery {
  const orderText = parameters.get("order") ?? orderDefault;
  const order = RECORD_ORDERS.find((each) => each === orderText);
  if (!order) problems.set("order", `Use one of: ${RECORD_ORDERS.join(", ")}.`);
  const search = parameters.get("search")?.trim() || null;
  if (search !== null && search.length > SEARCH_LENGTH_MAX) problems.set("search", `Use ${SEARCH_LENGTH_MAX} characters at most.`);
  if (search?.includes("\0")) problems.set("search", "Remove the NUL character; no record contains one.");
  const texts = parameters.getAll("filter");
  if (texts.length > FILTERS_MAX) problems.set("filter", `Use ${FILTERS_MAX} filters at most.`);
  const filters = texts.slice(0, FILTERS_MAX).flatMap((text) => {
    const parsed = parseRecordFilter(text);
    if (parsed.ok) return [parsed.filter];
    problems.set("filter", parsed.problem);
    return [];
  });
  const ids = parameters.getAll("uniqueId").flatMap((value) => value.split(","));
  if (ids.length > NAMED_IN_QUERY_MAX) problems.set("uniqueId", `Name ${NAMED_IN_QUERY_MAX} records at most.`);
  else if (!ids.every(isUniqueId)) problems.set("uniqueId", "Use 32 lowercase hex digits for each.");
  return { order: order ?? orderDefault, search, filters, uniqueIds: ids.length === 0 ? null : ids };
}

function raise(problems: ReadonlyMap<string, string>): void {
  if (problems.size === 0) return;
  const [name, message] = [...problems][0] ?? [];
  throw new AppError("parameter_invalid", { detail: `${name}: ${message}`, fields: Object.fromEntries(problems) });
}

/** 14 digits of milliseconds reach the year 5138. */
const PLACE = /^(\d{1,19})(?:-(\d{1,14}))?$/;

/** Returns the cursor of a position. */
export function formatPlace({ seq, updatedMs }: RecordPlace): string {
  return updatedMs === null ? seq : `${seq}-${updatedMs}`;
}

/** Returns undefined if it is not a cursor of this order. */
function parsePlace(text: string, order: RecordOrder): RecordPlace | undefined {
  const [, seq, ms] = PLACE.exec(text) ?? [];
  const isByUpdate = order.endsWith("updated");
  if (seq === undefined || (ms !== undefined) !== isByUpdate) return undefined;
  // Larger numbers exceed a bigint of PostgreSQL.
  if (BigInt(seq) > 9_223_372_036_854_775_807n) return undefined;
  return { seq, updatedMs: ms === undefined ? null : Number(ms) };
}

/** SQL text with its values as parameters. */
export interface Statement {
  sql: string;
  values: unknown[];
}

/** The SQL names of an order's columns, with the direction. The second order of each has an index; by update the newest are found by a sort. */
export const ORDER_SQL: Readonly<Record<RecordOrder, string>> = {
  "-created": 'c."seq" DESC',
  created: 'c."seq"',
  "-updated": 'c."updatedAt" DESC, c."seq" DESC',
  updated: 'c."updatedAt", c."seq"',
};

/**
 * Builds the query for one page of an endpoint's records. The page ends early at `charactersMax` characters, after at least one row. `found` counts rows
 * up to one beyond the limit. `uptoSeq` leaves out records that were created later.
 */
export function toPageStatement({
  endpointId,
  query,
  uptoSeq,
  charactersMax,
}: {
  endpointId: string;
  query: RecordPageQuery;
  uptoSeq: string | null;
  charactersMax: number;
}): Statement {
  const values: unknown[] = [];
  // Every value of the request becomes a parameter, never part of the text.
  const bind: Bind = (value, type) => `$${values.push(value)}::${type}`;
  const scope = toScope({ endpointId, query, uptoSeq }, bind);
  const match = toMatch(query, bind);
  const conditions = [...scope, ...match.conditions];
  const limitSql = bind(query.limit, "int");
  const order = ORDER_SQL[query.order];
  const sql = `
    WITH page AS (
      SELECT c.*, row_number() OVER ordered AS n, count(*) OVER () AS found,
        sum(length(c."data"::text)) OVER ordered - length(c."data"::text) AS earlier
      FROM (
        SELECT c.* FROM "Record" c${match.joins} WHERE ${conditions.join(" AND ")} ORDER BY ${order} LIMIT ${limitSql} + 1
      ) c
      WINDOW ordered AS (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)
    )
    SELECT wire_id("id") AS "uniqueId", "data"::text AS "data", wire_time("createdAt") AS "createdAt", wire_time("updatedAt") AS "updatedAt",
      "version", "contentType"::text AS "contentType", wire_id("ownerId") AS "owner", "seq"::text AS "seq", "found"::int AS "found"
    FROM page WHERE n <= ${limitSql} AND (n = 1 OR earlier < ${bind(charactersMax, "int")}) ORDER BY n`;
  return { sql, values };
}

/** Builds the query for the number of an endpoint's records that match: `count`. */
export function toCountStatement({ endpointId, query }: { endpointId: string; query: RecordQuery }): Statement {
  const values: unknown[] = [];
  const bind: Bind = (value, type) => `$${values.push(value)}::${type}`;
  const scope = toScope({ endpointId, query: { ...query, limit: 1, after: null }, uptoSeq: null }, bind);
  const { joins, conditions } = toMatch(query, bind);
  return { sql: `SELECT count(*)::int AS "count" FROM "Record" c${joins} WHERE ${[...scope, ...conditions].join(" AND ")}`, values };
}

/** The conditions on `"Record" c` that select a part of an endpoint's records by their ids and positions. */
export function toScope(
  { endpointId, query, uptoSeq }: { endpointId: string; query: RecordPageQuery; uptoSeq: string | null },
  bind: Bind,
): string[] {
  const { order, uniqueIds, after } = query;
  return [
    `c."endpointId" = ${bind(endpointId, "uuid")}`,
    'c."seq" IS NOT NULL',
    ...(uniqueIds === null ? [] : [`c."id" = ANY (${bind(uniqueIds, "uuid[]")})`]),
    ...(uptoSeq === null ? [] : [`c."seq" <= ${bind(uptoSeq, "bigint")}`]),
    ...(after === null ? [] : [toAfter(after, order, bind)]),
  ];
}

/** The search and the filters: what to join to `c`, which has an `id` and `data`, and the conditions. */
export function toMatch(
  { search, filters }: Pick<RecordQuery, "search" | "filters">,
  bind: Bind,
): { joins: string; conditions: readonly string[] } {
  const ofSearch = search === null ? [] : [toSearch(search, bind, 'c."id"')];
  const joins = filters.map(({ path }, index) => toPart(path, index, bind)).join("");
  return { joins, conditions: [...ofSearch, ...filters.map((filter, index) => toCondition(filter, index, bind))] };
}

function toAfter({ seq, updatedMs }: RecordPlace, order: RecordOrder, bind: Bind): string {
  const sign = order.startsWith("-") ? "<" : ">";
  if (updatedMs === null) return `c."seq" ${sign} ${bind(seq, "bigint")}`;
  const updatedAt = bind(new Date(updatedMs).toISOString(), "timestamptz");
  return `(c."updatedAt", c."seq") ${sign} (${updatedAt}, ${bind(seq, "bigint")})`;
}
