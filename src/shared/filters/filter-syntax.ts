/** The syntax tree of filter expressions (G27), which the console and the records grid share, and their limits. */
import type { RecordFilter } from "@/src/shared/streams/record-filter";

/** The maximum length of an expression, in characters. */
export const EXPRESSION_LENGTH_MAX = 1_000;
/** The maximum number of conditions in an expression. */
export const EXPRESSION_CONDITIONS_MAX = 20;
/** The maximum nesting of parentheses. */
export const EXPRESSION_DEPTH_MAX = 20;
/** The maximum length of a regular expression, in characters. */
export const PATTERN_LENGTH_MAX = 200;

export const FILTER_OPERATIONS = ["create", "update", "delete"] as const;
export type FilterOperation = (typeof FILTER_OPERATIONS)[number];

export const SIZE_OPERATORS = ["!=", "<=", ">=", "=", "<", ">"] as const;
export type SizeOperator = (typeof SIZE_OPERATORS)[number];

/** A condition on one change, or on one record. */
export type FilterCondition =
  /** A text in the data or in the record's id, whatever its case. */
  | { kind: "text"; text: string }
  /** A regular expression that matches a part of the data's JSON text. */
  | { kind: "pattern"; pattern: string; ignoreCase: boolean }
  | { kind: "operation"; operations: readonly FilterOperation[] }
  /** A part of the record's id: 1 to 32 lowercase hex digits. */
  | { kind: "record"; part: string }
  /** The size of the data in bytes. */
  | { kind: "size"; operator: SizeOperator; bytes: number }
  /** Changes of the endpoints with these names. Only for a project's changes. */
  | { kind: "endpoint"; names: readonly string[] }
  /** When it happened, in milliseconds since 1970: from `fromMs` on and before `toMs`. Undefined: without that end. */
  | { kind: "time"; fromMs: number | undefined; toMs: number | undefined }
  | { kind: "value"; filter: RecordFilter };

export type FilterExpression =
  | FilterCondition
  | { kind: "or" | "and"; parts: readonly FilterExpression[] }
  | { kind: "not"; part: FilterExpression };

/** Why a text is not an expression. `column` begins at 1. */
export interface ExpressionProblem {
  message: string;
  column: number;
}

/** `expression` is undefined for an empty text, which matches everything. */
export type ParsedExpression = { ok: true; expression: FilterExpression | undefined } | { ok: false; problem: ExpressionProblem };
