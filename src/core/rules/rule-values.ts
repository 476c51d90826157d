/** The values that access rules compare, and their comparison. Undefined results are undecided. */
import { readJsonItems } from "@/src/core/json/items";
import type { RuleOperand, RuleOperator } from "@/src/shared/rules/rule-syntax";
import { compareCodePoints, compareNumbers, isComparableNumber } from "@/src/shared/text/compare-values";
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
  if (right.type === "number" && !isComparableNumber(right.text)) return undefined;
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

/** True if the rule itself contains the null that is compared with. */
export function isNullLiteral(operand: RuleOperand): boolean {
  return operand.kind === "literal" && operand.value.type === "null";
}
