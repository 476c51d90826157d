import { describe, expect, it } from "vitest";
import { parseExpression } from "./parse-expression";
import { addConditionText, toConditionText } from "./write-expression";

describe("a condition that is written for a value", () => {
  it.each<[(string | number)[], "=" | "!=", Parameters<typeof toConditionText>[2], string]>([
    [["room"], "=", "hall", 'room = "hall"'],
    [["user", "tags", 0], "!=", 'a "b"', 'user.tags[0] != "a \\"b\\""'],
    [["odd key", "x"], "=", true, '["odd key"].x = true'],
    [["size"], "=", { number: "1e3" }, "$.size = 1e3"],
    [["op"], "=", null, "$.op = null"],
    [["-a"], "=", "x", '$.-a = "x"'],
    [["$"], "=", "x", '["$"] = "x"'],
    [[], "=", { number: "5" }, "$ = 5"],
    [[0], "=", "x", '[0] = "x"'],
    [[""], "=", "x", '[""] = "x"'],
  ])("[G27] of the path %j means that path and value", (path, operator, value, text) => {
    expect(toConditionText(path, operator, value)).toBe(text);
    const parsed = parseExpression(text);
    expect(parsed).toMatchObject({ ok: true, expression: { kind: "value", filter: { path: path.map(String), operator } } });
  });
});

describe("a condition that is added", () => {
  const condition = 'room = "hall"';
  it.each([
    ["", condition],
    ["window", `window & ${condition}`],
    ["a | b", `(a | b) & ${condition}`],
    [`window & ${condition}`, `window & ${condition}`],
    ['window & room != "hall"', `window & ${condition}`],
    ["x = ", `x = & ${condition}`],
  ])("[G27] to %j", (text, expected) => expect(addConditionText(text, condition)).toBe(expected));
});
