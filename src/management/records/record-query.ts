/** Parses queries of the grid and of exports (G13), and translates them to SQL. */
import { AppError } from "@/src/shared/errors";
import { GRID_LIMIT_MAX, NAMED_IN_QUERY_MAX, RECORD_ORDERS, type RecordOrder } from "@/src/shared/record-limits";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { FILTERS_MAX, type FilterValue, parseRecordFilter, type RecordFilter, SEARCH_LENGTH_MAX } from "@/src/shared/streams/record-filter";
import { foldText, normalizeText } from "@/src/shared/text/fold-text";
import { toSearchRun } from "./search-run";

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

export type Bind = (value: unknown, type: string) => string;

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
  const ofSearch = search === null ? [] : [toSearch(search, bind)];
  const joins = filters.map(({ path }, index) => toPart(path, index, bind)).join("");
  return { joins, conditions: [...ofSearch, ...filters.map((filter, index) => toCondition(filter, index, bind))] };
}

function toAfter({ seq, updatedMs }: RecordPlace, order: RecordOrder, bind: Bind): string {
  const sign = order.startsWith("-") ? "<" : ">";
  if (updatedMs === null) return `c."seq" ${sign} ${bind(seq, "bigint")}`;
  const updatedAt = bind(new Date(updatedMs).toISOString(), "timestamptz");
  return `(c."updatedAt", c."seq") ${sign} (${updatedAt}, ${bind(seq, "bigint")})`;
}

const PART_OF_ID = /^[0-9a-f]{4,32}$/i;

function toSearch(search: string, bind: Bind): string {
  const folded = foldText(search);
  const isFound = `strpos(search_text(c."data"::text), ${bind(folded, "text")}) > 0`;
  const run = toSearchRun(folded);
  // CASE guarantees that the expensive function runs after the cheap check.
  const inData = run === undefined ? isFound : `CASE WHEN ${toCandidate('c."data"::text', run, bind)} THEN ${isFound} ELSE false END`;
  return PART_OF_ID.test(search) ? `(${inData} OR strpos(wire_id(c."id"), ${bind(folded, "text")}) > 0)` : inData;
}

/** A cheap pre-check. It is true for every JSON text that a search with this run (toSearchRun) finds, and for few others. */
export function toCandidate(json: string, run: string, bind: Bind): string {
  const isEscaped = ASCII.test(run) ? ASCII_ESCAPES.map((start) => `strpos(${json}, '${start}') > 0`).join(" OR ") : "true";
  return `(strpos(lower_text(${json}), ${bind(run, "text")}) > 0 OR (strpos(${json}, '\\u') > 0 AND (${isEscaped})))`;
}

/** The beginnings of escapes of ASCII characters, and of the Kelvin sign, whose lower case is k. */
const ASCII_ESCAPES = ["\\u212", "\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007"];

/** True if keys and strings of the data can be decoded. All data is normalised, so keys beyond ASCII are found in any normal form. */
const DECODABLE = `(CASE WHEN strpos(c."data"::text, '\\u') = 0 THEN c."data" ELSE readable_json(c."data"::text)::json END)`;
const NORMALIZED = `readable_json(c."data"::text)::json`;
const ASCII = /^[\0-\x7f]*$/;

/** The range of `numeric`. Numbers beyond it are never compared. */
const COMPARABLE_NUMBER = "^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$";

/** Extracts the value that filter number `index` compares, once per record, as JSON and as text. OFFSET prevents the planner from duplicating it. */
function toPart(path: readonly string[], index: number, bind: Bind): string {
  const steps = bind(path.map(normalizeText), "text[]");
  const decodable = path.every((step) => ASCII.test(step)) ? DECODABLE : NORMALIZED;
  return ` CROSS JOIN LATERAL (SELECT d.decodable #> ${steps} AS json, d.decodable #>> ${steps} AS text
    FROM (SELECT ${decodable} AS decodable OFFSET 0) d OFFSET 0) part${index}`;
}

function toCondition({ operator, value }: RecordFilter, index: number, bind: Bind): string {
  const [json, text] = [`part${index}.json`, `part${index}.text`];
  if (operator === "missing") return `${json} IS NULL`;
  if (operator === "exists" || !value) return `${json} IS NOT NULL`;
  if (operator === "~") {
    // Values inside arrays and objects are compared as JSON; strings are not.
    const folded = `CASE WHEN json_typeof(${json}) IN ('object', 'array') THEN search_text(${text}) ELSE fold_text(coalesce(${text}, 'null')) END`;
    return `(${json} IS NOT NULL AND strpos(${folded}, ${bind(foldText(value.text), "text")}) > 0)`;
  }
  const isMet = toComparison({ json, text, sign: operator === "!=" ? "=" : operator, value, bind });
  return operator === "!=" ? `NOT coalesce(${isMet}, false)` : `coalesce(${isMet}, false)`;
}

function toComparison({
  json,
  text,
  sign,
  value,
  bind,
}: {
  json: string;
  text: string;
  sign: string;
  value: FilterValue;
  bind: Bind;
}): string {
  switch (value.kind) {
    case "word":
      return value.text === "null"
        ? `json_typeof(${json}) = 'null'`
        : `(json_typeof(${json}) = 'boolean' AND ${text} = ${bind(value.text, "text")})`;
    case "number":
      // CASE guarantees that the cast runs after the check.
      return `(CASE WHEN json_typeof(${json}) = 'number' AND length(${text}) < 400 AND ${text} ~ '${COMPARABLE_NUMBER}'
        THEN ${text}::numeric ${sign} ${bind(value.text, "text")}::numeric ELSE false END)`;
    case "string":
      return `(json_typeof(${json}) = 'string' AND normalize_text(${text}) COLLATE "C" ${sign} ${bind(normalizeText(value.text), "text")})`;
  }
}
