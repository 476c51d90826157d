/** Parses the filters of the grid (G13), `path operator value`. Forms and the API use the same parser. */

export const FILTER_OPERATORS = ["!=", "<=", ">=", "=", "<", ">", "~", "exists", "missing"] as const;
export type FilterOperator = (typeof FILTER_OPERATORS)[number];

/** The value to compare with. A `text` is without quotes and escapes; a `number` is as written. */
export interface FilterValue {
  kind: "string" | "number" | "word";
  text: string;
}

export interface RecordFilter {
  /** Keys and array indexes. Empty: the whole data. */
  path: readonly string[];
  operator: FilterOperator;
  /** Absent for `exists` and `missing`. */
  value?: FilterValue;
}

export type ParsedFilter = { ok: true; filter: RecordFilter } | { ok: false; problem: string };

/** The maximum length of a filter, and the maximum number of filters in a request. */
export const FILTER_LENGTH_MAX = 500;
export const FILTERS_MAX = 10;
export const SEARCH_LENGTH_MAX = 200;
const PATH_STEPS_MAX = 50;

/** `true`, `false`, `null`. */
const WORD = /^(?:true|false|null)$/;
/** JSON numbers, as far as PostgreSQL can compare them. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/;

/** A value without quotes cannot begin with a sign, which is nearly always a second operator. */
const SIGN = /^[=<>~!]/;

const FIRST_KEY = /^[\p{L}\p{N}_$-]+/u;
const NEXT_KEY = /^\.([\p{L}\p{N}_$-]+)/u;
const PLACE = /^\[(\d{1,9})\]/;
const QUOTED_KEY = /^\[("(?:[^"\\]|\\.)*")\]/;
const QUOTED = /^"(?:[^"\\]|\\.)*"$/;

/** Parses one filter, such as `user.age >= 21`, `tags[0] = "new"` or `["odd key"] exists`. `$` is the whole data. */
export function parseRecordFilter(text: string): ParsedFilter {
  const trimmed = text.trim();
  if (trimmed === "") return fail("Write a path, an operator and a value, like age >= 21.");
  if (trimmed.length > FILTER_LENGTH_MAX) return fail(`Use ${FILTER_LENGTH_MAX} characters at most.`);
  const read = readPath(trimmed);
  if (typeof read === "string") return fail(read);
  const rest = read.rest.trimStart();
  const operator = FILTER_OPERATORS.find((each) => rest.startsWith(each));
  // White space before the filter counts, so that the column is that of the text as typed.
  const toColumn = (remaining: string) => text.trimEnd().length - remaining.length + 1;
  if (!operator) return fail(`Column ${toColumn(rest)}: After the path use one of: = != < <= > >= ~ exists missing.`);
  const valueText = rest.slice(operator.length).trim();
  const { path } = read;
  if (operator === "exists" || operator === "missing") {
    return valueText === "" ? { ok: true, filter: { path, operator } } : fail(`Remove the text after ${operator}.`);
  }
  const [sign] = SIGN.exec(valueText) ?? [];
  if (sign !== undefined)
    return fail(
      `Column ${toColumn(valueText)}: After ${operator} write a value: a number, true, false, null or a text. Put a text that begins with ${sign} in quotes.`,
    );
  const value = readValue(valueText);
  if (typeof value === "string") return fail(`Column ${toColumn(valueText)}: ${value}`);
  if (value.kind === "word" && /[<>]/.test(operator)) return fail(`${operator} works only with numbers and texts.`);
  return { ok: true, filter: { path, operator, value } };
}

function readPath(text: string): { path: string[]; rest: string } | string {
  if (/^\$(?![\p{L}\p{N}_$.[-])/u.test(text)) return { path: [], rest: text.slice(1) };
  const path: string[] = [];
  let rest = text;
  for (;;) {
    const [taken, step] = readFilterStep(rest, path.length === 0) ?? [];
    if (taken === undefined || step === undefined) break;
    path.push(step);
    rest = rest.slice(taken.length);
    if (path.length > PATH_STEPS_MAX) return `Use a path with at most ${PATH_STEPS_MAX} steps.`;
  }
  return path.length === 0 ? 'Start with a path, like user.name, tags[0] or ["odd key"].' : { path, rest };
}

/** Reads the step of a path at the start of `text`: its text, and the key or index that it means. Access rules have the same paths. */
export function readFilterStep(text: string, isFirst: boolean): readonly [taken: string, step: string] | undefined {
  const place = PLACE.exec(text);
  if (place?.[1] !== undefined) return [place[0], String(Number(place[1]))];
  const quoted = QUOTED_KEY.exec(text);
  if (quoted?.[1] !== undefined) {
    const key = unquote(quoted[1]);
    return key === undefined ? undefined : [quoted[0], key];
  }
  if (isFirst) {
    const [key] = FIRST_KEY.exec(text) ?? [];
    return key === undefined ? undefined : [key, key];
  }
  const next = NEXT_KEY.exec(text);
  return next?.[1] === undefined ? undefined : [next[0], next[1]];
}

function readValue(text: string): FilterValue | string {
  if (text === "") return 'Write a value after the operator; "" is the empty text.';
  if (WORD.test(text)) return { kind: "word", text };
  if (NUMBER.test(text)) return { kind: "number", text };
  if (!text.startsWith('"')) return text.includes("\0") ? NUL : { kind: "string", text };
  const value = QUOTED.test(text) ? unquote(text) : undefined;
  if (value === undefined) return "The text in quotes is not a valid JSON string.";
  return value.includes("\0") ? NUL : { kind: "string", text: value };
}

const NUL = "Remove the NUL character; no record contains one.";

function unquote(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function fail(problem: string): ParsedFilter {
  return { ok: false, problem };
}
