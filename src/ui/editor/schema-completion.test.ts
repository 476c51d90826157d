import { expect, test } from "vitest";
import { completeFromSchema } from "./schema-completion";

const SCHEMA = {
  type: "object",
  required: ["room"],
  properties: {
    room: { enum: ["hall", "attic"] },
    on: { type: ["boolean", "null"], default: false },
    device: { $ref: "#/$defs/device" },
    tags: { type: "array", items: { const: "x" } },
  },
  $defs: { device: { type: "object", properties: { id: { type: "string" }, "odd key": {} } } },
};

/** The labels that are offered at the mark, and the text that they replace. */
function complete(text: string, schema: unknown = SCHEMA): [string[], string] | null {
  const offset = text.indexOf("|");
  const found = completeFromSchema(text.replace("|", ""), offset, schema);
  return found && [found.options.map(({ label }) => label), text.slice(found.from, offset)];
}

test.each<[string, string[], string]>([
  ["{|", ['"room"', '"on"', '"device"', '"tags"'], ""],
  ['{"ro|', ['"room"', '"on"', '"device"', '"tags"'], '"ro'],
  ['{"room": "hall", |}', ['"on"', '"device"', '"tags"'], ""],
  ['{"room": |}', ['"hall"', '"attic"'], ""],
  ['{"room": "h|"}', ['"hall"', '"attic"'], '"h'],
  ['{"on": t|', ["false", "true", "null"], "t"],
  ['{"device": {"id": "a", |', ['"odd key"'], ""],
  ['{"tags": ["a", {"b": [1]}, |', ['"x"'], ""],
])("%s offers %j", (text, labels, replaced) => {
  expect(complete(text)).toEqual([labels, replaced]);
});

test.each(["|", '{"room": {"a|', '{"unknown": |', '{"device": {"id": |', "[|"])("%s offers nothing", (text) => {
  expect(complete(text)).toBeNull();
});

test("a schema without properties, or one that refers to itself, offers nothing", () => {
  expect(complete("{|", true)).toBeNull();
  expect(complete("{|", null)).toBeNull();
  expect(complete("{|", { $ref: "#" })).toBeNull();
  expect(complete("{|", { $ref: "https://example.com/a" })).toBeNull();
});
