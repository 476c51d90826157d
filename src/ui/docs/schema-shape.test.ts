/** JSON Schemas as shapes and as values to begin with. */
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
    ["a list", { type: "array", items: key }, '{\n  id: string\n  scope?: "read" | "write"\n}[]'],
    ["a list of several", { type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } }, "(string | null)[]"],
    ["several", { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] }, "integer | null"],
    ["types", { type: ["string", "null"] }, "string | null"],
    ["any names", { type: "object", additionalProperties: { type: "string" } }, "{\n  [name]: string\n}"],
    ["a name that needs quotes", { type: "object", properties: { "a-b": true } }, '{\n  "a-b"?: any\n}'],
    ["anything", {}, "any"],
    ["nothing", false, "never"],
    ["what a shape can't say", { if: { type: "string" } }, '{\n  "if": {\n    "type": "string"\n  }\n}'],
    ["a reference that leads nowhere", { $ref: "#/elsewhere" }, "any"],
  ])("[G5] %s", (_what, schema, shape) => {
    expect(toShape(document, schema)).toBe(shape);
  });

  it("[G5] ends where a schema refers to itself", () => {
    expect(toShape(document, { $ref: "#/components/schemas/Loop" })).toMatch(/any/);
  });
});

describe("toSample", () => {
  it.each<[string, JsonSchema, unknown]>([
    ["the required parts", key, { id: "" }],
    ["a default", { type: "string", default: "force" }, "force"],
    ["an example", { type: "object", examples: [{ a: 1 }] }, { a: 1 }],
    ["the smallest number", { type: "integer", minimum: 1 }, 1],
    ["the first of several", { anyOf: [{ type: "boolean" }, { type: "null" }] }, false],
    ["an empty list", { type: "array", items: key }, []],
    ["a time", { type: "string", format: "date-time" }, "2030-01-31T12:00:00Z"],
  ])("[G5] %s", (_what, schema, sample) => {
    expect(toSample(document, schema)).toEqual(sample);
  });

  it("[G5] ends where a schema refers to itself", () => {
    expect(JSON.stringify(toSample(document, { $ref: "#/components/schemas/Loop" }))).toMatch(/null/);
  });
});
