/**
 * Translates an access rule for one caller to a condition in SQL. SQL's NULL is the undecided of rules, so both have the same logic. A part that SQL
 * cannot judge exactly is replaced by a weaker condition.
 */
import type { RuleExpression, RuleOperand, RuleOperator } from "@/src/shared/rules/rule-syntax";
import { isComparableNumber } from "@/src/shared/text/compare-values";
import { foldText } from "@/src/shared/text/fold-text";
import { compareValues, isNullLiteral, type RuleValue, readRuleItems } from "./rule-values";

/** `text` refers to `values` as `$1`, `$2`, …; it is `true` or `false` if the record does not matter. */
export interface RuleCondition {
  text: string;
  values: readonly unknown[];
  /** True if the condition is true for exactly those records for which the rule is true. Otherwise it is true for more of them. */
  isExact: boolean;
  /** Every record that fulfils the condition belongs to this user (32 hex digits), so that the index by owner serves it. */
  owner?: string | undefined;
}

type Bind = (value: unknown, type: string) => string;
/** A condition that is known, or its SQL. Parameters are bound when the SQL is written, because each one must occur in the text. */
type Piece = boolean | { write: (bind: Bind) => string; isExact: boolean; owner?: string | undefined };

interface Translation {
  /** The name of the table "Record" in the statement. */
  alias: string;
  /** The value of an operand that depends only on the caller. */
  readCaller: (operand: RuleOperand) => RuleValue | undefined;
}

export function toRuleCondition(expression: RuleExpression, translation: Translation): RuleCondition {
  const piece = toPiece(expression, true, translation);
  if (typeof piece === "boolean") return { text: String(piece), values: [], isExact: true };
  const values: unknown[] = [];
  const text = piece.write((value, type) => `$${values.push(value)}::${type}`);
  return text === "true" ? { text, values: [], isExact: false } : { text, values, isExact: piece.isExact, owner: piece.owner };
}

/** True for each record for which the expression is `wanted`. */
function toPiece(expression: RuleExpression, wanted: boolean, translation: Translation): Piece {
  switch (expression.kind) {
    case "constant":
      return expression.value === wanted;
    case "not":
      return toPiece(expression.part, !wanted, translation);
    case "or":
    case "and": {
      const pieces = expression.parts.map((part) => toPiece(part, wanted, translation));
      return (expression.kind === "or") === wanted ? joinAny(pieces) : joinAll(pieces);
    }
    case "exists":
    case "missing":
      return toExistence(expression.operand, (expression.kind === "exists") === wanted, translation);
    case "compare":
      return toComparison(expression, wanted, translation);
  }
}

/** Satisfied by any record. A weaker condition than every other. */
const ANY_RECORD: Piece = { write: () => "true", isExact: false };

function joinAny(pieces: readonly Piece[]): Piece {
  if (pieces.includes(true)) return true;
  if (pieces.includes(ANY_RECORD)) return ANY_RECORD;
  return join(pieces, "OR", false);
}

function joinAll(pieces: readonly Piece[]): Piece {
  if (pieces.includes(false)) return false;
  const others = pieces.filter((piece) => piece !== ANY_RECORD);
  const joined = join(others, "AND", true);
  if (others.length === pieces.length) return joined;
  return joined === true ? ANY_RECORD : weaken(joined);
}

/** `neutral`: the result of no pieces. */
function join(pieces: readonly Piece[], link: "OR" | "AND", neutral: boolean): Piece {
  const written = pieces.filter((piece) => typeof piece !== "boolean");
  const [first] = written;
  if (!first) return neutral;
  if (written.length === 1) return first;
  return {
    write: (bind) => `(${written.map((piece) => piece.write(bind)).join(` ${link} `)})`,
    isExact: written.every(({ isExact }) => isExact),
    owner: written.find(({ owner }) => (link === "AND" ? owner !== undefined : written.every((each) => each.owner === owner)))?.owner,
  };
}

function weaken(piece: Piece): Piece {
  return typeof piece === "boolean" ? piece : { ...piece, isExact: false };
}

function exactly(write: (bind: Bind) => string): Piece {
  return { write, isExact: true };
}

function isOfCaller(operand: RuleOperand): boolean {
  return operand.kind !== "data" && operand.kind !== "owner" && operand.kind !== "input";
}

function toExistence(operand: RuleOperand, exists: boolean, { alias, readCaller }: Translation): Piece {
  const sign = exists ? "IS NOT NULL" : "IS NULL";
  switch (operand.kind) {
    case "data":
      return isPlainPath(operand.path) ? exactly((bind) => readValue(operand.path, alias, bind, `v.json ${sign}`)) : ANY_RECORD;
    case "owner":
      return exactly(() => `${alias}."ownerId" ${sign}`);
    case "input":
      return ANY_RECORD;
    default:
      return (readCaller(operand) !== undefined) === exists;
  }
}

/** The operator with its sides exchanged. */
const MIRRORED: Readonly<Record<Exclude<RuleOperator, "~">, Exclude<RuleOperator, "~">>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

function toComparison(
  { left, operator, right }: { left: RuleOperand; operator: RuleOperator; right: RuleOperand },
  wanted: boolean,
  translation: Translation,
): Piece {
  const { alias, readCaller } = translation;
  if (isOfCaller(left) && isOfCaller(right))
    return compareValues(operator, readCaller(left), readCaller(right), isNullLiteral(right)) === wanted;
  const [record, other] = isOfCaller(right) ? [left, right] : [right, left];
  // Two values of the record, or the body of a write.
  if (!isOfCaller(other) || record.kind === "input") return ANY_RECORD;
  const value = readCaller(other);
  // Undecided for every record.
  if (value === undefined) return false;
  const isMirrored = record === right;
  if (record.kind === "owner") return toOwnerComparison({ alias, operator, value, isMirrored, wanted });
  if (record.kind !== "data") return ANY_RECORD;
  const { path } = record;
  if (!isPlainPath(path)) return ANY_RECORD;
  const test =
    operator === "~" ? toContains(value, isMirrored) : toDataTest(isMirrored ? MIRRORED[operator] : operator, value, isNullLiteral(right));
  if (test === undefined) return false;
  return { write: (bind) => (wanted ? "" : "NOT ") + readValue(path, alias, bind, test.write(bind)), isExact: test.isExact };
}

interface Test {
  /** A boolean of `v.json` and `v.text`, or NULL if it is undecided. */
  write: (bind: Bind) => string;
  isExact: boolean;
}

/** The range of numbers that PostgreSQL compares (G13). */
const COMPARABLE_NUMBER = "^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$";
const ASCII = /^[\0-\x7f]*$/;

/** Undefined: undecided for every record. */
function toDataTest(sign: Exclude<RuleOperator, "~">, value: RuleValue, isNull: boolean): Test | undefined {
  switch (value.type) {
    case "string":
      // Normal forms of characters that only one of PostgreSQL and Node.js knows can differ. No text beyond ASCII becomes a part of such a comparison
      // with ASCII.
      return {
        write: (bind) =>
          `CASE WHEN json_typeof(v.json) = 'string' THEN normalize_text(v.text) COLLATE "C" ${toSqlSign(sign)} ${bind(value.text, "text")} END`,
        isExact: ASCII.test(value.text),
      };
    case "number":
      if (!isComparableNumber(value.text)) return undefined;
      return {
        write: (bind) => `CASE WHEN ${isNumber("v")} THEN v.text::numeric ${toSqlSign(sign)} ${bind(value.text, "text")}::numeric END`,
        isExact: true,
      };
    case "boolean":
      if (sign !== "=" && sign !== "!=") return undefined;
      return {
        write: (bind) => `CASE WHEN json_typeof(v.json) = 'boolean' THEN v.text ${toSqlSign(sign)} ${bind(value.text, "text")} END`,
        isExact: true,
      };
    case "null":
      // A null that is the caller's equals nothing, not even null.
      return isNull ? { write: () => `json_typeof(v.json) ${toSqlSign(sign)} 'null'`, isExact: true } : undefined;
    case "array":
    case "object":
      return undefined;
  }
}

function toSqlSign(sign: Exclude<RuleOperator, "~">): string {
  return sign === "!=" ? "<>" : sign;
}

function isNumber(table: string): string {
  return `json_typeof(${table}.json) = 'number' AND length(${table}.text) < 400 AND ${table}.text ~ '${COMPARABLE_NUMBER}'`;
}

/** `~`. `isMirrored`: the value is the list or text in which the record's value is searched. */
function toContains(value: RuleValue, isMirrored: boolean): Test | undefined {
  return isMirrored ? toContained(value) : toContaining(value);
}

/** The record's list or text contains `value`. Lower case differs between databases, so texts are not judged exactly. */
function toContaining(value: RuleValue): Test | undefined {
  const { text } = value;
  const items = (isEqual: string) =>
    `EXISTS (SELECT FROM (SELECT e.json, e.json #>> '{}' AS text FROM json_array_elements(v.json) AS e(json) OFFSET 0) i WHERE ${isEqual})`;
  switch (value.type) {
    case "string":
      return {
        isExact: false,
        write: (bind) => {
          const isEqual = `CASE WHEN json_typeof(i.json) = 'string' THEN normalize_text(i.text) COLLATE "C" = ${bind(text, "text")} ELSE false END`;
          const inText =
            text === "" ? "" : ` WHEN 'string' THEN strpos(fold_text(normalize_text(v.text)), ${bind(foldText(text), "text")}) > 0`;
          return `CASE json_typeof(v.json) WHEN 'array' THEN ${items(isEqual)}${inText} END`;
        },
      };
    case "number":
      if (!isComparableNumber(text)) return undefined;
      return {
        isExact: true,
        write: (bind) => {
          const isEqual = `CASE WHEN ${isNumber("i")} THEN i.text::numeric = ${bind(text, "text")}::numeric ELSE false END`;
          return `CASE json_typeof(v.json) WHEN 'array' THEN ${items(isEqual)} END`;
        },
      };
    case "boolean":
      return {
        isExact: true,
        write: (bind) =>
          `CASE json_typeof(v.json) WHEN 'array' THEN ${items(`json_typeof(i.json) = 'boolean' AND i.text = ${bind(text, "text")}`)} END`,
      };
    case "null":
    case "array":
    case "object":
      return undefined;
  }
}

/** The caller's list or text contains the record's value. */
function toContained(value: RuleValue): Test | undefined {
  if (value.type === "string") {
    return {
      isExact: false,
      write: (bind) =>
        `CASE WHEN json_typeof(v.json) = 'string' AND v.text <> '' THEN strpos(${bind(foldText(value.text), "text")}, fold_text(normalize_text(v.text))) > 0 END`,
    };
  }
  if (value.type !== "array") return undefined;
  const items = readRuleItems(value);
  const strings = [...items.strings];
  const numbers = items.others.filter(({ type, text }) => type === "number" && isComparableNumber(text)).map(({ text }) => text);
  const booleans = items.others.filter(({ type }) => type === "boolean").map(({ text }) => text);
  return {
    isExact: strings.every((text) => ASCII.test(text)),
    write: (bind) =>
      `CASE WHEN json_typeof(v.json) = 'string' THEN normalize_text(v.text) COLLATE "C" = ANY (${bind(strings, "text[]")})
        WHEN ${isNumber("v")} THEN v.text::numeric = ANY (${bind(numbers, "numeric[]")})
        WHEN json_typeof(v.json) = 'boolean' THEN v.text = ANY (${bind(booleans, "text[]")}) END`,
  };
}

const OWNER_ID = /^[0-9a-f]{32}$/;

function toOwnerComparison(comparison: {
  alias: string;
  operator: RuleOperator;
  value: RuleValue;
  isMirrored: boolean;
  wanted: boolean;
}): Piece {
  const { alias, operator, value, isMirrored, wanted } = comparison;
  const owner = `${alias}."ownerId"`;
  const { type, text } = value;
  const not = wanted ? "" : "NOT ";
  if (operator === "~") {
    if (isMirrored && type === "array") {
      const ids = [...readRuleItems(value).strings].filter((text) => OWNER_ID.test(text));
      return exactly((bind) => `${not}(${owner} = ANY (${bind(ids, "uuid[]")}))`);
    }
    if (type !== "string" || (!isMirrored && text === "")) return false;
    return exactly((bind) => {
      const folded = bind(foldText(text), "text");
      return `${not}(strpos(${isMirrored ? `${folded}, wire_id(${owner})` : `wire_id(${owner}), ${folded}`}) > 0)`;
    });
  }
  if (type !== "string") return false;
  const sign = isMirrored ? MIRRORED[operator] : operator;
  if (OWNER_ID.test(text) && (sign === "=" || sign === "!=")) {
    // The index by owner serves this form.
    const isEqual = (sign === "=") === wanted;
    return {
      write: (bind) => `${owner} ${isEqual ? "=" : "<>"} ${bind(text, "uuid")}`,
      isExact: true,
      owner: isEqual ? text : undefined,
    };
  }
  return exactly((bind) => `${not}(wire_id(${owner}) COLLATE "C" ${toSqlSign(sign)} ${bind(text, "text")})`);
}

const CANONICAL_INDEX = /^(?:0|[1-9]\d{0,8})$/;

/** False if PostgreSQL would read a step as the index of an item that rules do not: `-1` counts from the end, and `+1` and `01` are 1. */
function isPlainPath(path: readonly string[]): boolean {
  return path.every((step) => CANONICAL_INDEX.test(step) || !/^\s*[+-]?\d+\s*$/.test(step));
}

/**
 * Evaluates `test`, a boolean of `v.json` and `v.text`, for the value at the path. OFFSET prevents the planner from decoding once for each use. Escapes
 * that PostgreSQL cannot decode, of NUL and of unpaired surrogates, are replaced first.
 */
function readValue(path: readonly string[], alias: string, bind: Bind, test: string): string {
  const data = `${alias}."data"`;
  const steps = bind(path.map(toStorable), "text[]");
  return `(SELECT ${test} FROM (SELECT d.doc #> ${steps} AS json, d.doc #>> ${steps} AS text FROM (SELECT CASE
    WHEN strpos(${data}::text, '\\u') = 0 THEN ${data}
    ELSE pair_surrogates(replace(replace(${data}::text, '\\\\', '\\u005c'), '\\u0000', '\\ufffd'))::json
    END AS doc OFFSET 0) d OFFSET 0) v)`;
}

/** Parameters cannot contain NUL and unpaired surrogates. Keys that contain them are compared with U+FFFD instead. */
function toStorable(step: string): string {
  return step.replace(/[\0\p{Cs}]/gu, "\ufffd");
}
