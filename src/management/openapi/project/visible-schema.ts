/** Loosens JSON Schemas for data from which access rules may hide fields (A4): what is left of valid data is valid. */
import type { JsonSchema } from "@/src/shared/openapi";
import { parseHideEntry } from "@/src/shared/rules/parse-rule";
import { normalizeText } from "@/src/shared/text/fold-text";
import { hasIdentifier, isKeywords } from "./endpoint-schema";

/** The fields and items that entries of `hide` can remove. */
export interface HiddenFields {
  /** The last steps of the paths, in NFC. */
  names: ReadonlySet<string>;
  /** True if a path can name an item of an array, which becomes null. */
  hidesItems: boolean;
}

/**
 * Keywords that data may not match when a part of it is missing, and those that could then select other schemas. `oneOf` becomes `anyOf`, because data
 * without a field can match several of its schemas.
 */
const DROPPED = new Set([
  ...["if", "then", "else", "not", "dependentRequired", "dependencies", "minProperties", "unevaluatedProperties", "unevaluatedItems"],
  ...["contains", "minContains", "maxContains", "uniqueItems"],
]);
/** Keywords whose values are lists of schemas, schemas by name, and schemas. */
const LISTS = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const NAMED = new Set(["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"]);
const SINGLE = new Set(["additionalProperties", "propertyNames", "items"]);
const OF_ITEMS = new Set(["prefixItems", "items"]);

/** Undefined: nothing is hidden. */
export function readHiddenFields(hide: readonly string[]): HiddenFields | undefined {
  const paths = hide.flatMap((text) => {
    const parsed = parseHideEntry(text);
    return parsed.ok ? parsed.entry.paths : [];
  });
  if (paths.length === 0) return undefined;
  const names = paths.map((path) => normalizeText(path.at(-1) ?? ""));
  return { names: new Set(names), hidesItems: names.some((name) => /^\d+$/.test(name)) };
}

/** A hidden name is not required anywhere in the schema. One with identifiers of its own is replaced by one that accepts everything. */
export function toVisibleSchema(schema: JsonSchema, hidden: HiddenFields): JsonSchema {
  if (typeof schema === "boolean" || hasIdentifier(schema)) return true;
  return { ...loosen(schema, hidden) };
}

function loosen(schema: Readonly<Record<string, unknown>>, hidden: HiddenFields): Record<string, unknown> {
  const all = (value: unknown): unknown => (isKeywords(value) ? loosen(value, hidden) : value);
  const loosened: Record<string, unknown> = {};
  const anyOf: unknown[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    const inItem = (part: unknown): unknown => (OF_ITEMS.has(keyword) && hidden.hidesItems ? { anyOf: [part, { type: "null" }] } : part);
    if (DROPPED.has(keyword)) continue;
    if (keyword === "required" && Array.isArray(value)) {
      const left = value.filter((name) => typeof name !== "string" || !hidden.names.has(normalizeText(name)));
      if (left.length > 0) loosened.required = left;
    } else if ((keyword === "const" && isComposite(value)) || (keyword === "enum" && Array.isArray(value) && value.some(isComposite))) {
      // A value without a part of it would be another one.
    } else if (keyword === "oneOf" && Array.isArray(value)) anyOf.push(...value.map(all));
    else if (LISTS.has(keyword) && Array.isArray(value)) loosened[keyword] = value.map((part: unknown) => inItem(all(part)));
    else if (NAMED.has(keyword) && isKeywords(value))
      loosened[keyword] = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, all(part)]));
    else if (SINGLE.has(keyword)) loosened[keyword] = inItem(all(value));
    else loosened[keyword] = value;
  }
  if (anyOf.length === 0) return loosened;
  if (loosened.anyOf === undefined) return { ...loosened, anyOf };
  return { ...loosened, allOf: [...(Array.isArray(loosened.allOf) ? loosened.allOf : []), { anyOf }] };
}

function isComposite(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
