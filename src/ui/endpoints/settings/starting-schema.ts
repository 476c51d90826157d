/** Generates a JSON Schema (2020-12) from records: types, fields, and which are required. No formats or limits. Pure. */

export type JsonSchema = { [keyword: string]: unknown };

/** Deeper values, and objects with more names in total (which are probably maps), get only a type. */
const DEPTH_MAX = 12;
const NAMES_MAX = 100;

/** A schema that all values match and that allows further fields. Undefined if there are no values. */
export function toStartingSchema(values: readonly unknown[]): JsonSchema | undefined {
  if (values.length === 0) return undefined;
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...toSchema(values, 0) };
}

function toSchema(values: readonly unknown[], depth: number): JsonSchema {
  const types = [...new Set(values.map(toType))];
  // Every integer is a number.
  const named = types.includes("number") ? types.filter((type) => type !== "integer") : types;
  const schema: JsonSchema = { type: named.length === 1 ? named[0] : named };
  if (depth >= DEPTH_MAX) return schema;
  const objects = values.filter(isObject);
  if (objects.length > 0) Object.assign(schema, toFields(objects, depth));
  const items = values.filter(Array.isArray).flat();
  if (items.length > 0) schema.items = toSchema(items, depth + 1);
  return schema;
}

function toFields(objects: readonly Record<string, unknown>[], depth: number): JsonSchema {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  if (names.length === 0 || names.length > NAMES_MAX) return {};
  const fields = names.map((name) => {
    const found = objects.filter((object) => Object.hasOwn(object, name)).map((object) => object[name]);
    return { name, schema: toSchema(found, depth + 1), always: found.length === objects.length };
  });
  const required = fields.filter(({ always }) => always).map(({ name }) => name);
  return {
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
    ...(required.length > 0 ? { required } : {}),
  };
}

function toType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
