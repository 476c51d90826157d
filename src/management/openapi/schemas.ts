/** The management API's schemas as OpenAPI components, generated from the schemas that validate requests. */
import * as z from "zod/mini";
import * as newUsers from "@/src/shared/management/app-user-create";
import * as recordEdits from "@/src/shared/management/record-edits";
import * as recordViews from "@/src/shared/management/record-views";
import { schemaKeywords } from "@/src/shared/management/schema-keywords";
import * as management from "@/src/shared/management/schemas";
import * as traffic from "@/src/shared/management/traffic";
import * as webhooks from "@/src/shared/management/webhooks";
import type { JsonSchema } from "@/src/shared/openapi";

const SUFFIX = "Schema";

/** `projectCreateSchema` is named `ProjectCreate`. */
const names = new Map<unknown, string>(
  Object.entries({ ...management, ...webhooks, ...recordEdits, ...recordViews, ...newUsers, ...traffic }).flatMap(([name, value]) =>
    name.endsWith(SUFFIX) ? [[value, toComponentName(name.slice(0, -SUFFIX.length))] as const] : [],
  ),
);

function toComponentName(name: string): string {
  // TypeScript and Java have a built-in `Record`.
  return name === "record" ? "StoredRecord" : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** Returns a reference to the component of one of the schemas of shared/management. Throws for any other schema. */
export function toSchemaReference(schema: z.ZodMiniType): { $ref: string } {
  const name = names.get(schema);
  if (name === undefined) throw new Error("A schema of the management API is not exported by shared/management.ts.");
  return { $ref: `#/components/schemas/${name}` };
}

/** Returns the components of these schemas and of those that they refer to. */
export function toSchemaComponents(schemas: readonly z.ZodMiniType[]): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of names) if (isSchema(schema)) registry.add(schema, { id });
  const { schemas: all } = z.toJSONSchema(registry, {
    // Requests are described before transformation; responses are not transformed.
    io: "input",
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, schemaKeywords.get(zodSchema));
      // The format has the same meaning and is readable.
      if (jsonSchema.format === "date-time" || jsonSchema.format === "email") delete jsonSchema.pattern;
    },
  });
  const wanted = new Map<string, JsonSchema>();
  const add = (name: string): void => {
    const found = all[name];
    if (!found || wanted.has(name)) return;
    const { $schema: _dialect, $id: _id, ...schema } = found;
    wanted.set(name, schema);
    for (const [, other = ""] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/(\w+)"/g)) add(other);
  };
  for (const schema of schemas) add(names.get(schema) ?? "");
  return Object.fromEntries([...wanted].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isSchema(value: unknown): value is z.ZodMiniType {
  return typeof value === "object" && value !== null && "_zod" in value;
}
