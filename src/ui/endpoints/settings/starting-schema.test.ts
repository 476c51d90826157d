import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toStartingSchema } from "./starting-schema";

const $schema = "https://json-schema.org/draft/2020-12/schema";

test("[R10] a starting schema has the fields, their types, and which are always there", () => {
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

test("[R10] values of several types, and none", () => {
  expect(toStartingSchema([])).toBeUndefined();
  expect(toStartingSchema(["a", 1])).toEqual({ $schema, type: ["string", "integer"] });
  expect(toStartingSchema([{}])).toEqual({ $schema, type: "object" });
});

test("[R10] an object with very many names is taken for a list by name", () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`n${index}`, index]));
  expect(toStartingSchema([many])).toEqual({ $schema, type: "object" });
});

test("[R10] whatever the records are, they match the schema that is made of them", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 6 }), { minLength: 1, maxLength: 6 }), (values) => {
      // As the server does it: an object has the names that are in its JSON, not those of its prototype (toString).
      const validate = new Ajv2020({ allowUnionTypes: true, ownProperties: true }).compile(toStartingSchema(values) ?? false);
      for (const value of values) expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
