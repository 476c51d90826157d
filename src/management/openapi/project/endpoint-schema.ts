/** Converts an endpoint's JSON Schema (R10) to components of a description, so that clients can be generated from it. */
import type { JsonSchema } from "@/src/shared/openapi";

export type Keywords = Readonly<Record<string, unknown>>;

/** Keywords whose values are not schemas. */
const VALUES = new Set(["const", "enum", "default", "examples", "example", "required", "dependentRequired", "$vocabulary"]);
/** Keywords whose values are schemas by name. */
const NAMED = new Set(["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"]);
/** Keywords that make references relative, so that rewritten references would miss their targets. */
const IDENTIFIERS = ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"];
const DEFINITIONS = ["$defs", "definitions"];

/**
 * Returns the components of `schema`. The one called `name` is the schema itself. Definitions become components of their own, and references point to
 * them, because generators resolve `#/$defs/…` in the whole document. A schema with its own identifiers is kept unchanged, with the identity `id`.
 */
export function toSchemaParts({ schema, name, id }: { schema: JsonSchema; name: string; id: string }): Record<string, JsonSchema> {
  if (typeof schema === "boolean") return { [name]: schema };
  if (hasIdentifier(schema)) return { [name]: { $id: id, ...schema } };
  const parts: Record<string, JsonSchema> = {};
  const places = new Map<string, string>([["#", `#/components/schemas/${name}`]]);
  const { $schema: _dialect, ...root } = schema;
  for (const keyword of DEFINITIONS) {
    const definitions = root[keyword];
    if (!isKeywords(definitions)) continue;
    for (const definition of Object.keys(definitions)) {
      const part = freeName(
        `${name}${toWord(definition)}`,
        (free) => free === name || [...places.values()].some((place) => place.endsWith(`/${free}`)),
      );
      places.set(`#/${keyword}/${escapePointer(definition)}`, `#/components/schemas/${part}`);
    }
  }
  for (const keyword of DEFINITIONS) {
    const definitions = root[keyword];
    if (!isKeywords(definitions)) continue;
    for (const [definition, value] of Object.entries(definitions)) {
      const place = places.get(`#/${keyword}/${escapePointer(definition)}`) ?? "";
      parts[place.slice(place.lastIndexOf("/") + 1)] = toSchema(rewrite(value, places));
    }
    delete root[keyword];
  }
  return { [name]: toSchema(rewrite(root, places)), ...parts };
}

function rewrite(schema: unknown, places: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(schema)) return schema.map((part: unknown) => rewrite(part, places));
  if (!isKeywords(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (VALUES.has(keyword)) return [keyword, value];
      if (keyword === "$ref" && typeof value === "string") return [keyword, toPlace(value, places)];
      if (NAMED.has(keyword) && isKeywords(value))
        return [keyword, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, rewrite(part, places)]))];
      return [keyword, rewrite(value, places)];
    }),
  );
}

/** Returns the target of a reference in the document. The longest known prefix counts, because a place within a definition is within its component. */
function toPlace(reference: string, places: ReadonlyMap<string, string>): string {
  const pointer = decodePointer(reference);
  let found = ["#", places.get("#") ?? "#"];
  for (const [from, to] of places)
    if (from.length > (found[0] ?? "").length && (pointer === from || pointer.startsWith(`${from}/`))) found = [from, to];
  const [from = "", to = ""] = found;
  return `${to}${pointer.slice(from.length)}`;
}

/** A reference is a URI fragment, in which `%25` is `%`. */
function decodePointer(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}

/** True if the schema has keywords that make references relative. */
export function hasIdentifier(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(hasIdentifier);
  if (!isKeywords(schema)) return false;
  if (IDENTIFIERS.some((keyword) => typeof schema[keyword] === "string")) return true;
  return Object.values(schema).some(hasIdentifier);
}

function freeName(name: string, isTaken: (name: string) => boolean): string {
  let free = name;
  for (let count = 2; isTaken(free); count++) free = `${name}${count}`;
  return free;
}

function toWord(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("") || "Part";
}

function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function isKeywords(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toSchema(value: unknown): JsonSchema {
  if (typeof value === "boolean") return value;
  return isKeywords(value) ? { ...value } : {};
}
