/** The values that access rules compare, and their comparison. Undefined results are undecided. */
import { readJsonItems } from "@/src/core/json/items";
import type { RuleOperand, RuleOperator } from "@/src/shared/rules/rule-syntax";
import { foldText, normalizeText } from "@/src/shared/text/fold-text";

/** The result of a rule or of a part of it. Undefined: undecided, which refuses. */
export type Verdict = boolean | undefined;

/** A JSON value. The text of a string is decoded and in NFC; the others are as written. */
export interface RuleValue {
  readonly type: "string" | "number" | "boolean" | "null" | "array" | "object";
  readonly text: string;
  /** Of a string: for `~`. Kept, because many callers are compared with one record. */
  folded?: string;
  /** Of an array: its items. Kept, as above. */
  items?: RuleItems;
}

interface RuleItems {
  /** In NFC. */
  strings: ReadonlySet<string>;
  others: readonly RuleValue[];
}

/** The value of a JSON text. */
export function toRuleValue(json: string): RuleValue {
  switch (json[0]) {
    case '"':
      return toStringValue(String(JSON.parse(json)));
    case "{":
      return { type: "object", text: json };
    case "[":
      return { type: "array", text: json };
    case "t":
    case "f":
      return { type: "boolean", text: json };
    case "n":
      return { type: "null", text: json };
    default:
      return { type: "number", text: json };
  }
}

export function toStringValue(text: string): RuleValue {
  return { type: "string", text: normalizeText(text) };
}

/**
 * Compares two values. `null` equals only the `null` that the rule contains (`isNullLiteral`). Values that are missing, null, of different types, or
 * arrays or objects cannot be compared: the result is undecided. `~`: a text contains a text, whatever its case, or an array contains a value.
 */
export function compareValues(
  operator: RuleOperator,
  left: RuleValue | undefined,
  right: RuleValue | undefined,
  isNullLiteral = false,
): Verdict {
  if (left === undefined || right === undefined) return undefined;
  if (isNullLiteral) return operator === "=" ? left.type === "null" : operator === "!=" ? left.type !== "null" : undefined;
  if (operator === "~") return contains(left, right);
  if (left.type !== right.type) return undefined;
  switch (left.type) {
    case "string":
      return isOrdered(operator, compareCodePoints(left.text, right.text));
    case "number": {
      const order = compareNumbers(left.text, right.text);
      return order === undefined ? undefined : isOrdered(operator, order);
    }
    case "boolean":
      if (operator !== "=" && operator !== "!=") return undefined;
      return (left.text === right.text) === (operator === "=");
    case "null":
    case "array":
    case "object":
      return undefined;
  }
}

function isOrdered(operator: Exclude<RuleOperator, "~">, order: number): boolean {
  switch (operator) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function contains(left: RuleValue, right: RuleValue): Verdict {
  if (right.type !== "string" && right.type !== "number" && right.type !== "boolean") return undefined;
  if (right.type === "number" && toDecimal(right.text) === undefined) return undefined;
  if (left.type === "array") {
    const { strings, others } = readRuleItems(left);
    return right.type === "string" ? strings.has(right.text) : others.some((item) => compareValues("=", item, right) === true);
  }
  if (left.type !== "string" || right.type !== "string" || right.text === "") return undefined;
  left.folded ??= foldText(left.text);
  right.folded ??= foldText(right.text);
  return left.folded.includes(right.folded);
}

/** The items of an array. */
export function readRuleItems(list: RuleValue): RuleItems {
  if (list.items) return list.items;
  const strings = new Set<string>();
  const others: RuleValue[] = [];
  for (const { text } of readJsonItems(list.text)) {
    const item = toRuleValue(text);
    if (item.type === "string") strings.add(item.text);
    else others.push(item);
  }
  list.items = { strings, others };
  return list.items;
}

/** Orders texts by code points, as PostgreSQL does with COLLATE "C". UTF-16 code units would order surrogate pairs before U+E000. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a === b) continue;
    return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1;
  }
  return left.length - right.length;
}

/** A surrogate that differs belongs to a code point above U+FFFF. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

interface Decimal {
  sign: -1 | 0 | 1;
  /** Without zeros at either end. */
  digits: string;
  /** The value is 0.digits × 10 ^ magnitude. */
  magnitude: number;
}

const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/;
const NUMBER_LENGTH_MAX = 399;

/** True for the numbers that rules can compare: at most 399 characters, and at most 4 digits of exponent. PostgreSQL compares the same (G13). */
export function isComparableNumber(text: string): boolean {
  return toDecimal(text) !== undefined;
}

function toDecimal(text: string): Decimal | undefined {
  const match = text.length <= NUMBER_LENGTH_MAX ? DECIMAL.exec(text) : null;
  if (!match) return undefined;
  const [, minus, whole = "", fraction = "", exponent = "0"] = match;
  const written = (whole + fraction).replace(/^0+/, "");
  const zeros = whole.length + fraction.length - written.length;
  const digits = written.replace(/0+$/, "");
  if (digits === "") return { sign: 0, digits, magnitude: 0 };
  return { sign: minus === "-" ? -1 : 1, digits, magnitude: whole.length - zeros + Number(exponent) };
}

/** Compares exactly, whatever the number of digits. Undefined if one of them is out of range. */
function compareNumbers(left: string, right: string): number | undefined {
  const [a, b] = [toDecimal(left), toDecimal(right)];
  if (!a || !b) return undefined;
  if (a.sign !== b.sign || a.sign === 0) return a.sign - b.sign;
  if (a.magnitude !== b.magnitude) return a.sign * (a.magnitude - b.magnitude);
  // Texts of digits without zeros at the end have the order of the fractions.
  return a.sign * (a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1);
}

/** True if the rule itself contains the null that is compared with. */
export function isNullLiteral(operand: RuleOperand): boolean {
  return operand.kind === "literal" && operand.value.type === "null";
}
