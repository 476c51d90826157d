/**
 * Says in plain words why a body does not match a schema, and why a text is not a schema. Values of bodies are not named: a part of a merged body may
 * be hidden from its sender (A8). Values of schemas are, because only their authors see them. Pure.
 */
import type { ErrorObject } from "ajv";
import { MESSAGE_LENGTH_MAX, PROBLEMS_MAX } from "../limits";

const VALUE_SHOWN_MAX = 60;

/** Returns the first problem at each location, by JSON pointer, at most PROBLEMS_MAX. */
export function toProblems(errors: readonly ErrorObject[]): Record<string, string> {
  const problems = new Map<string, string>();
  for (const error of errors) {
    const [pointer, problem] = toProblem(error);
    if (!problems.has(pointer)) problems.set(pointer, problem.slice(0, MESSAGE_LENGTH_MAX));
    if (problems.size >= PROBLEMS_MAX) break;
  }
  return Object.fromEntries(problems);
}

function toProblem(error: ErrorObject): [pointer: string, problem: string] {
  const { keyword, instancePath, params } = error;
  const at = (property: unknown) => `${instancePath}/${String(property).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  switch (keyword) {
    case "required":
    case "dependentRequired":
      return [at(params.missingProperty), "This property is required."];
    case "additionalProperties":
      return [at(params.additionalProperty), "This property is not allowed."];
    case "unevaluatedProperties":
      return [at(params.unevaluatedProperty), "This property is not allowed."];
    default:
      return [instancePath, toSentence(error)];
  }
}

const COMPARISONS: Readonly<Record<string, string>> = { "<=": "at most", ">=": "at least", "<": "less than", ">": "greater than" };

function toSentence({ keyword, params, message = "does not match" }: ErrorObject): string {
  switch (keyword) {
    case "false schema":
      return "Nothing is allowed here.";
    case "enum":
      return `Must be one of: ${JSON.stringify(params.allowedValues).slice(1, -1)}.`;
    case "const":
      return `Must be ${JSON.stringify(params.allowedValue)}.`;
    case "type":
      return `Must be ${[params.type].flat().map(toNoun).join(" or ")}.`;
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return `Must be ${COMPARISONS[params.comparison] ?? params.comparison} ${params.limit}.`;
    case "multipleOf":
      return `Must be a multiple of ${params.multipleOf}.`;
    case "minLength":
      return `Must have at least ${toCount(params.limit, "character")}.`;
    case "maxLength":
      return `Must have at most ${toCount(params.limit, "character")}.`;
    case "minItems":
      return `Must have at least ${toCount(params.limit, "item")}.`;
    case "maxItems":
      return `Must have at most ${toCount(params.limit, "item")}.`;
    case "minProperties":
      return `Must have at least ${toCount(params.limit, "property", "properties")}.`;
    case "maxProperties":
      return `Must have at most ${toCount(params.limit, "property", "properties")}.`;
    case "uniqueItems":
      return `The items ${Math.min(params.i, params.j)} and ${Math.max(params.i, params.j)} are equal, but must differ.`;
    case "pattern":
      return `Must match the pattern ${params.pattern}.`;
    case "format":
      return `Must have the format “${params.format}”.`;
    case "anyOf":
      return "Matches none of the allowed schemas (anyOf).";
    case "oneOf":
      return params.passingSchemas ? "Matches more than one of the schemas (oneOf)." : "Matches none of the allowed schemas (oneOf).";
    case "not":
      return "Matches what is not allowed (not).";
    case "contains":
      return `Must contain ${toCount(params.minContains ?? 1, "item that matches", "items that match")} the schema.`;
    default:
      return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  }
}

function toNoun(type: unknown): string {
  return type === "null" ? "null" : /^[aio]/.test(String(type)) ? `an ${type}` : `a ${type}`;
}

function toCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Says which value of a text is not what a schema may have there, and what it may have. `errors` are of the check against the schema of schemas. */
export function toSchemaProblem(schema: unknown, errors: readonly ErrorObject[]): string {
  const [first] = errors;
  if (!first) return "This is not a JSON Schema.";
  const place = first.instancePath === "" ? "The schema" : `“${first.instancePath.slice(1)}”`;
  const value = readPointer(schema, first.instancePath);
  const text = JSON.stringify(value) ?? "undefined";
  const shown = text.length > VALUE_SHOWN_MAX ? `${text.slice(0, VALUE_SHOWN_MAX)}…` : text;
  // Where a keyword takes a value or a list, the other problems say that it is not a list.
  const isAlternative = errors.some(({ keyword, instancePath }) => keyword === "anyOf" && instancePath === first.instancePath);
  const rule =
    first.keyword === "enum"
      ? `Use one of ${JSON.stringify(first.params.allowedValues).slice(1, -1)}${isAlternative ? ", or a list of them" : ""}.`
      : isAlternative && first.keyword === "type"
        ? toSentence(first).replace(/\.$/, ", or a list.")
        : toSentence(first);
  return `This is not a JSON Schema: ${place} is ${shown}. ${rule}`;
}

function readPointer(value: unknown, pointer: string): unknown {
  let found = value;
  for (const step of pointer.split("/").slice(1)) {
    const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    found = typeof found === "object" && found !== null ? Object.entries(found).find(([key]) => key === name)?.[1] : undefined;
  }
  return found;
}
