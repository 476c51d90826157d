/** Shapes and sample values of JSON Schemas. */
import { describe, expect, it } from "vitest";
import type { ApiDocument, JsonSchema } from "@/src/shared/openapi";
import { toSample, toShape } from "./schema-shape";

const document: ApiDocument = {
  openapi: "3.1.1",
  info: { title: "Test", version: "1", description: "" },
  servers: [],
  tags: [],
  paths: {},
  components: {
    schemas: {
      Key: { type: "object", required: ["id"], properties: { id: { type: "string" }, scope: { type: "string", enum: ["read", "write"] } } },
      Loop: { type: "object", required: ["next"], properties: { next: { $ref: "#/components/schemas/Loop" } } },
    },
    parameters: {},
    headers: {},
    responses: {},
    securitySchemes: {},
  },
};
const key = { $ref: "#/components/schemas/Key" };

describe("toShape", () => {
  it.each<[string, JsonSchema, string]>([
    ["a reference", key, '{\n  id: string\n  scope?: "read" | "write"\n}'],
    ["an array", { type: "array", items: key }, '{\n  id: string\n  scope?: "read" | "write"\n}[]'],
    ["an array of alternatives", { type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } }, "(string | null)[]"],
    ["alternatives", { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] }, "integer | null"],
    ["types", { type: ["string", "null"] }, "string | null"],
    ["any names", { type: "object", additionalProperties: { type: "string" } }, "{\n  [name]: string\n}"],
    ["a name that needs quotes", { type: "object", properties: { "a-b": true } }, '{\n  "a-b"?: any\n}'],
    ["anything", {}, "any"],
    ["nothing", false, "never"],
    ["keywords that a shape can't express", { if: { type: "string" } }, '{\n  "if": {\n    "type": "string"\n  }\n}'],
    ["an unknown reference", { $ref: "#/elsewhere" }, "any"],
  ])("[G5] %s", (_what, schema, shape) => {
    expect(toShape(document, schema)).toBe(shape);
  });

  it("[G5] stops where a schema refers to itself", () => {
    expect(toShape(document, { $ref: "#/components/schemas/Loop" })).toMatch(/any/);
  });
});

describe("toSample", () => {
  it.each<[string, JsonSchema, unknown]>([
    ["the required parts", key, { id: "" }],
    ["a default", { type: "string", default: "force" }, "force"],
    ["an example", { type: "object", examples: [{ a: 1 }] }, { a: 1 }],
    ["the smallest number", { type: "integer", minimum: 1 }, 1],
    ["the first alternative", { anyOf: [{ type: "boolean" }, { type: "null" }] }, false],
    ["an empty array", { type: "array", items: key }, []],
    ["a time", { type: "string", format: "date-time" }, "2030-01-31T12:00:00Z"],
  ])("[G5] %s", (_what, schema, sample) => {
    expect(toSample(document, schema)).toEqual(sample);
  });

  it("[G5] stops where a schema refers to itself", () => {
    expect(JSON.stringify(toSample(document, { $ref: "#/components/schemas/Loop" }))).toMatch(/null/);
  });
});
