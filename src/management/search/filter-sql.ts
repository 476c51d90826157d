/** The SQL of searches and of the filters of the grid (G13), for tables with the alias `c` and the column `data`. */
import type { FilterValue, RecordFilter } from "@/src/shared/streams/record-filter";
import { foldText, normalizeText } from "@/src/shared/text/fold-text";
import { toSearchRun } from "./search-run";

/** Adds a parameter of a type of PostgreSQL, and returns its SQL. */
export type Bind = (value: unknown, type: string) => string;

const PART_OF_ID = /^[0-9a-f]{4,32}$/i;

/** A search in the data of the table `c` and in the id in the column `id`. */
export function toSearch(search: string, bind: Bind, id: string): string {
  const folded = foldText(search);
  const isFound = `strpos(search_text(c."data"::text), ${bind(folded, "text")}) > 0`;
  const run = toSearchRun(folded);
  // CASE guarantees that the expensive function runs after the cheap check.
  const inData = run === undefined ? isFound : `CASE WHEN ${toCandidate('c."data"::text', run, bind)} THEN ${isFound} ELSE false END`;
  return PART_OF_ID.test(search) ? `(${inData} OR strpos(wire_id(${id}), ${bind(folded, "text")}) > 0)` : inData;
}

/** A condition in SQL that is cheap to check: true for every JSON text that a search with this run (toSearchRun) finds, and for few others. */
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

/** Extracts the value of the table `c` that filter number `index` compares, once per record, as JSON and as text. OFFSET prevents the planner from duplicating it. */
export function toPart(path: readonly string[], index: number, bind: Bind): string {
  const steps = bind(path.map(normalizeText), "text[]");
  const decodable = path.every((step) => ASCII.test(step)) ? DECODABLE : NORMALIZED;
  return ` CROSS JOIN LATERAL (SELECT d.decodable #> ${steps} AS json, d.decodable #>> ${steps} AS text
    FROM (SELECT ${decodable} AS decodable OFFSET 0) d OFFSET 0) part${index}`;
}

/** The condition of filter number `index` on what toPart extracts. Never NULL. */
export function toCondition({ operator, value }: RecordFilter, index: number, bind: Bind): string {
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
