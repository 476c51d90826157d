/** Writes conditions of filter expressions (G27), for values that are clicked. */
import { parseExpression } from "./parse-expression";

const PLAIN_KEY = /^[\p{L}\p{N}_-]+$/u;
/** Words and numbers that an expression reads in another way than as a key or a text. */
const AMBIGUOUS_KEYS = new Set(["size", "op", "id"]);

/** A value to compare with: what JSON has besides objects and arrays. A number is written as in the data, so that no digit is lost. */
export type ComparedValue = string | boolean | null | { number: string };

/** The path as an expression reads it. Empty: `$`. */
export function toPathText(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!PLAIN_KEY.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  const [first] = path;
  if (first === undefined) return "$";
  return typeof first === "string" && (AMBIGUOUS_KEYS.has(first) || first.startsWith("-")) ? `$.${text}` : text;
}

/** A condition such as `room = "hall"`. */
export function toConditionText(
  path: readonly (string | number)[],
  operator: "=" | "!=" | "<" | "<=" | ">" | ">=" | "~",
  value: ComparedValue,
): string {
  const text = typeof value === "object" && value !== null ? value.number : JSON.stringify(value);
  return `${toPathText(path)} ${operator} ${text}`;
}

/** Adds a condition to an expression. A condition that is there is not added again; its opposite is replaced. `text` need not be valid. */
export function addConditionText(text: string, condition: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return condition;
  const parts = splitParts(trimmed);
  if (parts.includes(condition)) return trimmed;
  const opposite = toOpposite(condition);
  if (opposite !== undefined && parts.includes(opposite)) return parts.map((part) => (part === opposite ? condition : part)).join(" & ");
  const parsed = parseExpression(trimmed, { hasEndpoints: true });
  const isOr = parsed.ok && parsed.expression?.kind === "or";
  return isOr ? `(${trimmed}) & ${condition}` : `${trimmed} & ${condition}`;
}

function toOpposite(condition: string): string | undefined {
  if (condition.includes(" != ")) return condition.replace(" != ", " = ");
  return condition.includes(" = ") ? condition.replace(" = ", " != ") : undefined;
}

/** Splits at each `&` outside quotes, parentheses and regular expressions, as far as `addConditionText` writes them. */
function splitParts(text: string): string[] {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)|[^&"])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
