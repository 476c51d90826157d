import { describe, expect, it } from "vitest";
import { FILTER_LENGTH_MAX, parseRecordFilter } from "./record-filter";

describe("[G13] filters of the grid", () => {
  it.each([
    ["age >= 21", { path: ["age"], operator: ">=", value: { kind: "number", text: "21" } }],
    ["age>=21", { path: ["age"], operator: ">=", value: { kind: "number", text: "21" } }],
    ["user.name = Ada Lovelace", { path: ["user", "name"], operator: "=", value: { kind: "string", text: "Ada Lovelace" } }],
    ['user.name != "21"', { path: ["user", "name"], operator: "!=", value: { kind: "string", text: "21" } }],
    ["tags[0] ~ new", { path: ["tags", "0"], operator: "~", value: { kind: "string", text: "new" } }],
    ['["odd key"].b exists', { path: ["odd key", "b"], operator: "exists" }],
    ['a["x\\"]"] missing', { path: ["a", 'x"]'], operator: "missing" }],
    ["done = true", { path: ["done"], operator: "=", value: { kind: "word", text: "true" } }],
    ["$ = null", { path: [], operator: "=", value: { kind: "word", text: "null" } }],
    ["$price < -1.50e3", { path: ["$price"], operator: "<", value: { kind: "number", text: "-1.50e3" } }],
    ["größe = 007", { path: ["größe"], operator: "=", value: { kind: "string", text: "007" } }],
    ['a = ""', { path: ["a"], operator: "=", value: { kind: "string", text: "" } }],
    ["a = b = c", { path: ["a"], operator: "=", value: { kind: "string", text: "b = c" } }],
  ])("parses %s", (text, filter) => {
    expect(parseRecordFilter(text)).toEqual({ ok: true, filter });
  });

  it.each([
    ["", "path"],
    ["age", "After the path"],
    ["= 3", "Start with a path"],
    ["age >", "value"],
    ["age > true", "numbers and texts"],
    ["age exists 3", "Remove the text after"],
    ["temperature >> 20", "Column 14: After > write a value"],
    ["temperature >>", "Column 14: After > write a value"],
    ["age", "Column 4: After the path"],
    [" age >", "Column 7: Write a value"],
    ["a ~ =b", "begins with = in quotes"],
    ['a = "open', "quotes"],
    ['a = "x" y', "quotes"],
    ['a = "\\u0000"', "NUL"],
    ["a b = 3", "After the path"],
    ["a..b = 3", "After the path"],
    [`a = ${"x".repeat(FILTER_LENGTH_MAX)}`, "characters"],
    [`${"a.".repeat(60)}a = 1`, "steps"],
  ])("rejects %s with the problem", (text, why) => {
    expect(parseRecordFilter(text)).toEqual({ ok: false, problem: expect.stringContaining(why) });
  });
});
