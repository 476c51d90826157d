import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toStartingSchema } from "./starting-schema";

const $schema = "https://json-schema.org/draft/2020-12/schema";

test("[R10] a starting schema has the fields, their types, and which are required", () => {
  expect(
    toStartingSchema([
      { name: "a", at: 1, tags: ["x"], place: { lat: 1.5 } },
      { name: null, at: 2.5, tags: [], note: true, place: { lat: 2 } },
    ]),
  ).toEqual({
    $schema,
    type: "object",
    properties: {
      name: { type: ["string", "null"] },
      at: { type: "number" },
      tags: { type: "array", items: { type: "string" } },
      place: { type: "object", properties: { lat: { type: "number" } }, required: ["lat"] },
      note: { type: "boolean" },
    },
    required: ["name", "at", "tags", "place"],
  });
});

test("[R10] values of several types, and no values", () => {
  expect(toStartingSchema([])).toBeUndefined();
  expect(toStartingSchema(["a", 1])).toEqual({ $schema, type: ["string", "integer"] });
  expect(toStartingSchema([{}])).toEqual({ $schema, type: "object" });
});

test("[R10] an object with very many names is treated as a map", () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`n${index}`, index]));
  expect(toStartingSchema([many])).toEqual({ $schema, type: "object" });
});

test("[R10] all records match the schema that is generated from them", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 6 }), { minLength: 1, maxLength: 6 }), (values) => {
      // As on the server: only the names in the JSON count, not those of the prototype (toString).
      const validate = new Ajv2020({ allowUnionTypes: true, ownProperties: true }).compile(toStartingSchema(values) ?? false);
      for (const value of values) expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
