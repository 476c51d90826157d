import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { createRedaction } from "@/src/core/json/redact";
import type { JsonSchema } from "@/src/shared/openapi";
import { parseHideEntry } from "@/src/shared/rules/parse-rule";
import { readHiddenFields, toVisibleSchema } from "./visible-schema";

const HIDDEN = ["secret", "address.street unless @owner = @user.id", "items.cost"];

function loosen(schema: JsonSchema, hide: readonly string[] = HIDDEN): JsonSchema {
  const hidden = readHiddenFields(hide);
  if (!hidden) throw new Error("Nothing is hidden.");
  return toVisibleSchema(schema, hidden);
}

const CASES: [name: string, schema: Record<string, unknown>, data: unknown, hide?: string[]][] = [
  ["a required member", { required: ["secret", "a"] }, { secret: 1, a: 1 }],
  ["a nested one", { properties: { address: { required: ["street"] } } }, { address: { street: "x" } }],
  ["one of the items", { properties: { items: { items: { required: ["cost"] } } } }, { items: [{ cost: 1 }, { cost: 2 }] }],
  ["one behind a reference", { $ref: "#/$defs/a", $defs: { a: { required: ["secret"] } } }, { secret: 1 }],
  ["a dependency", { dependentRequired: { a: ["secret"] } }, { a: 1, secret: 1 }],
  ["a number of members", { minProperties: 2 }, { a: 1, secret: 1 }],
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  ["a condition", { if: { required: ["secret"] }, then: {}, else: { required: ["b"] } }, { secret: 1 }],
  ["a negation", { not: { properties: { a: { const: 1 } }, not: { required: ["secret"] } } }, { a: 1, secret: 1 }],
  ["an alternative", { oneOf: [{ required: ["secret"] }, { required: ["b"] }] }, { secret: 1 }],
  [
    "alternatives beside others",
    { anyOf: [{ required: ["a"] }], oneOf: [{ required: ["secret"] }, { required: ["b"] }] },
    { secret: 1, a: 1 },
  ],
  ["alternatives that become one", { oneOf: [{ required: ["secret"] }, { properties: { secret: false } }] }, { secret: 1 }],
  ["a constant", { properties: { address: { const: { street: "x" } } } }, { address: { street: "x" } }],
  ["an enumeration", { properties: { address: { enum: [{ street: "x" }, null] } } }, { address: { street: "x" } }],
  ["unique items", { properties: { items: { uniqueItems: true } } }, { items: [{ cost: 1 }, { cost: 2 }] }],
  ["contained items", { properties: { items: { contains: { required: ["cost"] } } } }, { items: [{ cost: 1 }] }],
  ["an item", { properties: { tags: { items: { type: "string" } } } }, { tags: ["a", "b"] }, ["tags[1]"]],
  ["an item by its place", { properties: { tags: { prefixItems: [{ type: "string" }] } } }, { tags: ["a"] }, ["tags[0]"]],
  ["another spelling", { required: ["caf\u00e9"] }, { "cafe\u0301": 1, "caf\u00e9": 1 }, ["caf\u00e9"]],
];

describe("the schema of data with hidden fields", () => {
  it.each(CASES)("[G5] accepts what is left of valid data: %s", (_, schema, data, hide = HIDDEN) => {
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validate(schema, data)).toBe(true);
    const paths = hide.flatMap((text) => {
      const parsed = parseHideEntry(text);
      return parsed.ok ? parsed.entry.paths : [];
    });
    const left: unknown = JSON.parse(createRedaction(paths)(JSON.stringify(data)));
    expect(left).not.toEqual(data);
    expect(ajv.validate(loosen(schema, hide), left) || ajv.errorsText()).toBe(true);
  });

  it("[G5] keeps what does not depend on hidden fields", () => {
    const schema = {
      type: "object",
      required: ["a"],
      properties: { a: { type: "integer", minimum: 1 }, secret: { type: "string" }, kind: { enum: ["x", "y"] } },
      additionalProperties: false,
      allOf: [{ anyOf: [{ required: ["a"] }, { maxProperties: 3 }] }],
    };
    expect(loosen(schema)).toEqual(schema);
  });

  it("[G5] with identifiers of its own accepts everything", () => {
    expect(loosen({ $id: "https://example.com/a", required: ["secret"] })).toBe(true);
  });

  it("[G5] nothing is hidden without valid entries", () => {
    expect(readHiddenFields([])).toBeUndefined();
    expect(readHiddenFields(["a ? b"])).toBeUndefined();
  });
});
