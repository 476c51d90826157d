import { expect, test } from "vitest";
import { expandVariables, type VariableSources } from "./request-variables";

const SOURCES: VariableSources = {
  nowMs: 0,
  random: () => 0.5,
  lastId: "a".repeat(32),
  own: new Map([
    ["room", 'the "hall"'],
    ["n", "3"],
  ]),
};

test.each([
  ['{"at":"{{now}}"}', '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['{"at":{{ timestamp }},"n":{{n}}}', '{"at":0,"n":3}'],
  ['{"r":{{random}}}', '{"r":500000}'],
  ["{{id}}", "a".repeat(32)],
  ['{"room":"in {{room}}"}', '{"room":"in the \\"hall\\""}'],
  ['{"a\\"":"{{n}}"}', '{"a\\"":"3"}'],
  ["no variables, {{}} and {{ 1 }}", "no variables, {{}} and {{ 1 }}"],
])("%s becomes %s", (text, expanded) => {
  expect(expandVariables(text, SOURCES)).toEqual({ ok: true, text: expanded });
});

test("[G30] an own variable takes precedence, and the first one without a value is named", () => {
  expect(expandVariables("{{now}}", { ...SOURCES, own: new Map([["now", "x"]]) })).toEqual({ ok: true, text: "x" });
  expect(expandVariables("{{now}} {{nobody}} {{nothing}}", SOURCES)).toEqual({ ok: false, unknown: "nobody" });
  expect(expandVariables("{{id}}", { ...SOURCES, lastId: undefined })).toEqual({ ok: false, unknown: "id" });
});
