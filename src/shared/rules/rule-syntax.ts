/** The syntax tree of access rules, and the limits of their texts. */
import type { FilterOperator } from "@/src/shared/streams/record-filter";

/** The maximum length of one rule or one entry of `hide`, in characters. */
export const RULE_LENGTH_MAX = 2_000;
/** The maximum length of all rules of an endpoint together, in characters. */
export const RULES_LENGTH_MAX = 16_000;
/** The maximum number of entries of `hide`. */
export const HIDE_ENTRIES_MAX = 50;
/** The maximum number of comparisons in a rule. */
export const RULE_CONDITIONS_MAX = 50;
/** The maximum nesting of parentheses in a rule. */
export const RULE_DEPTH_MAX = 20;

export type RuleOperator = Exclude<FilterOperator, "exists" | "missing">;

/** A value that a rule contains. A `string` is decoded; the others are as written. */
export interface RuleLiteral {
  type: "string" | "number" | "boolean" | "null";
  text: string;
}

/** `data`, `userData`, `input`: a value in the record, in the caller's own record, or in the body. An empty path means the whole value. */
export type RuleOperand =
  | { kind: "literal"; value: RuleLiteral }
  | { kind: "data" | "userData" | "input"; path: readonly string[] }
  | { kind: "userId" | "userEndpoint" | "owner" | "keyScope" };

/** Where a part of a rule begins and ends in its text, as offsets of UTF-16 code units. */
export interface RuleRange {
  start: number;
  end: number;
}

export type RuleExpression = RuleRange &
  (
    | { kind: "constant"; value: boolean }
    | { kind: "or" | "and"; parts: readonly RuleExpression[] }
    | { kind: "not"; part: RuleExpression }
    | { kind: "compare"; left: RuleOperand; operator: RuleOperator; right: RuleOperand }
    | { kind: "exists" | "missing"; operand: RuleOperand }
  );

/** A path of `hide`. An array on the way is passed: the path selects the field in each of its items. */
export type HidePath = readonly string[];

/** An entry of `hide`. The fields are hidden unless the condition is met; without a condition, always. */
export interface HideEntry {
  paths: readonly HidePath[];
  unless?: RuleExpression;
}

/** Why a text is not a rule. `line` and `column` begin at 1. */
export interface RuleProblem {
  message: string;
  line: number;
  column: number;
}

export type ParsedRule = { ok: true; expression: RuleExpression } | { ok: false; problem: RuleProblem };
export type ParsedHideEntry = { ok: true; entry: HideEntry } | { ok: false; problem: RuleProblem };
