/** Displays JSON Schemas as shapes in TypeScript notation, and makes sample values. Schemas that a shape can't express are printed as JSON. Pure. */
import type { ApiDocument, JsonSchema } from "@/src/shared/openapi";

const DEPTH_MAX = 6;
const SCHEMAS = "#/components/schemas/";

/** The keywords that a shape expresses or omits. */
const SHAPE_KEYWORDS = new Set([
  ...["$ref", "$id", "$schema", "type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "oneOf", "const"],
  ...[
    "description",
    "title",
    "default",
    "examples",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "maxItems",
    "minItems",
  ],
]);

/** The shape of the values that match the schema. */
export function toShape(document: ApiDocument, schema: JsonSchema): string {
  return print(document, schema, "", 0);
}

function print(document: ApiDocument, schema: JsonSchema, indent: string, depth: number): string {
  if (typeof schema === "boolean") return schema ? "any" : "never";
  const resolved = resolve(document, schema);
  if (resolved === undefined || depth > DEPTH_MAX) return "any";
  if (typeof resolved === "boolean") return print(document, resolved, indent, depth + 1);
  const next = (part: unknown): string => (isSchema(part) ? print(document, part, indent, depth + 1) : "any");
  if (!Object.keys(resolved).every((keyword) => SHAPE_KEYWORDS.has(keyword)))
    return JSON.stringify(resolved, null, 2).replaceAll("\n", `\n${indent}`);
  if ("const" in resolved) return JSON.stringify(resolved.const);
  if (Array.isArray(resolved.enum)) return resolved.enum.map((value) => JSON.stringify(value)).join(" | ");
  const alternatives = resolved.type === "object" ? undefined : (resolved.anyOf ?? resolved.oneOf);
  if (Array.isArray(alternatives)) return [...new Set(alternatives.map(next))].join(" | ");
  if (Array.isArray(resolved.type)) return resolved.type.join(" | ");
  if (resolved.type === "array") return toArray(next(resolved.items));
  if (resolved.type === "object" || isRecord(resolved.properties)) return printObject(document, resolved, indent, depth);
  return typeof resolved.type === "string" ? resolved.type : "any";
}

function toArray(item: string): string {
  return / \| /.test(item) && !/[{[]/.test(item) ? `(${item})[]` : `${item}[]`;
}

function printObject(document: ApiDocument, schema: Readonly<Record<string, unknown>>, indent: string, depth: number): string {
  const inner = `${indent}  `;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const lines = Object.entries(isRecord(schema.properties) ? schema.properties : {}).map(([name, property]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    const shape = isSchema(property) ? print(document, property, inner, depth + 1) : "any";
    return `${inner}${key}${required.includes(name) ? "" : "?"}: ${shape}`;
  });
  const others = schema.additionalProperties;
  if (others !== undefined && others !== false && isSchema(others))
    lines.push(`${inner}[name]: ${print(document, others, inner, depth + 1)}`);
  return lines.length === 0 ? "object" : `{\n${lines.join("\n")}\n${indent}}`;
}

/** A sample value: the schema's example or default, otherwise its required properties with empty values. */
export function toSample(document: ApiDocument, schema: JsonSchema, depth = 0): unknown {
  if (typeof schema === "boolean" || depth > DEPTH_MAX) return null;
  const resolved = resolve(document, schema);
  if (resolved === undefined || typeof resolved === "boolean") return null;
  if (Array.isArray(resolved.examples) && resolved.examples.length > 0) return resolved.examples[0];
  if ("default" in resolved) return resolved.default;
  if ("const" in resolved) return resolved.const;
  if (Array.isArray(resolved.enum)) return resolved.enum[0];
  const [alternative]: unknown[] = [resolved.anyOf ?? resolved.oneOf ?? []].flat();
  if (resolved.type === undefined && isSchema(alternative)) return toSample(document, alternative, depth + 1);
  switch (Array.isArray(resolved.type) ? resolved.type[0] : resolved.type) {
    case "object":
      return sampleObject(document, resolved, depth);
    case "array":
      return [];
    case "string":
      return resolved.format === "date-time" ? "2030-01-31T12:00:00Z" : "";
    case "integer":
    case "number":
      return typeof resolved.minimum === "number" ? resolved.minimum : 0;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return isRecord(resolved.properties) ? sampleObject(document, resolved, depth) : {};
  }
}

function sampleObject(document: ApiDocument, schema: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const properties = Object.entries(isRecord(schema.properties) ? schema.properties : {});
  return Object.fromEntries(
    properties
      .filter(([name]) => required.includes(name))
      .map(([name, part]) => [name, isSchema(part) ? toSample(document, part, depth + 1) : null]),
  );
}

/** Resolves a reference to a component; undefined for other references. */
function resolve({ components }: ApiDocument, schema: Readonly<Record<string, unknown>>): JsonSchema | undefined {
  if (typeof schema.$ref !== "string") return schema;
  return schema.$ref.startsWith(SCHEMAS) ? components.schemas[schema.$ref.slice(SCHEMAS.length)] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || isRecord(value);
}
