/** An endpoint's schema as components: every reference keeps its target. */
import { describe, expect, it } from "vitest";
import { toSchemaParts } from "./endpoint-schema";

const of = (schema: Record<string, unknown>) => toSchemaParts({ schema, name: "GardenData", id: "urn:test" });

describe("toSchemaParts", () => {
  it("[G5] definitions become components, and references lead to them", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      properties: {
        t: { $ref: "#/$defs/celsius" },
        parts: { items: { $ref: "#" } },
        unit: { $ref: "#/$defs/celsius/properties/unit" },
        $ref: { const: { $ref: "#/$defs/celsius" } },
        odd: { $ref: "#/$defs/a~1b%20c" },
        first: { $ref: "#/properties/t" },
      },
      $defs: { celsius: { type: "number", properties: { unit: {} } }, "a/b c": true },
    };
    expect(of(schema)).toEqual({
      GardenData: {
        properties: {
          t: { $ref: "#/components/schemas/GardenDataCelsius" },
          parts: { items: { $ref: "#/components/schemas/GardenData" } },
          unit: { $ref: "#/components/schemas/GardenDataCelsius/properties/unit" },
          $ref: { const: { $ref: "#/$defs/celsius" } },
          odd: { $ref: "#/components/schemas/GardenDataABC" },
          first: { $ref: "#/components/schemas/GardenData/properties/t" },
        },
      },
      GardenDataCelsius: { type: "number", properties: { unit: {} } },
      GardenDataABC: true,
    });
  });

  it("[G5] definitions whose names become the same word stay two", () => {
    const parts = of({ $defs: { "a-b": { const: 1 }, "a.b": { const: 2 } }, anyOf: [{ $ref: "#/$defs/a.b" }] });
    expect(parts).toEqual({
      GardenData: { anyOf: [{ $ref: "#/components/schemas/GardenDataAB2" }] },
      GardenDataAB: { const: 1 },
      GardenDataAB2: { const: 2 },
    });
  });

  it("[G5] a schema with identifiers of its own stays as it is", () => {
    const schema = { $anchor: "top", properties: { next: { $ref: "#top" } } };
    expect(of(schema)).toEqual({ GardenData: { $id: "urn:test", ...schema } });
    expect(toSchemaParts({ schema: false, name: "X", id: "urn:test" })).toEqual({ X: false });
  });
});
