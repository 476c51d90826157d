import { describe, expect, it } from "vitest";
import type { FilterExpression } from "./filter-syntax";
import { parseExpression } from "./parse-expression";
import { writeTimeRange } from "./time-range";

/** Writes an expression with all of its parentheses. */
function show(expression: FilterExpression | undefined): string {
  if (expression === undefined) return "everything";
  switch (expression.kind) {
    case "and":
    case "or":
      return `(${expression.parts.map(show).join(expression.kind === "and" ? " & " : " | ")})`;
    case "not":
      return `-${show(expression.part)}`;
    case "text":
      return `text<${expression.text}>`;
    case "pattern":
      return `pattern<${expression.pattern}>${expression.ignoreCase ? "i" : ""}`;
    case "operation":
      return `op<${expression.operations.join(",")}>`;
    case "record":
      return `id<${expression.part}>`;
    case "size":
      return `size ${expression.operator} ${expression.bytes}`;
    case "endpoint":
      return `endpoint<${expression.names.join(",")}>`;
    case "time":
      return `time<${writeTimeRange(expression)}>`;
    case "value": {
      const { path, operator, value } = expression.filter;
      return `${JSON.stringify(path)} ${operator}${value ? ` ${value.kind}<${value.text}>` : ""}`;
    }
  }
}

const parsed = (text: string) => {
  const result = parseExpression(text);
  return result.ok ? show(result.expression) : `${result.problem.column}: ${result.problem.message}`;
};

describe("a filter expression", () => {
  it.each([
    ["", "everything"],
    ["   ", "everything"],
    ["hall", "text<hall>"],
    ["living room", "text<living room>"],
    ['"living room"', "text<living room>"],
    ["caf\u00e9 12:30 http://a.example/x", "text<caf\u00e9 12:30 http://a.example/x>"],
    ["ada@example.org", "text<ada@example.org>"],
    ["{a,b}", "text<{a,b}>"],
    ["temperature > 20", '["temperature"] > number<20>'],
    ["temperature>20", '["temperature"] > number<20>'],
    ['room = "hall"', '["room"] = string<hall>'],
    ["room = hall", '["room"] = string<hall>'],
    ["on = true", '["on"] = word<true>'],
    ['on = "true"', '["on"] = string<true>'],
    ["user.tags[0] ~ new", '["user","tags","0"] ~ string<new>'],
    ['["odd key"].x exists', '["odd key","x"] exists'],
    ["$.size > 3", '["size"] > number<3>'],
    ["$ = 3", "[] = number<3>"],
    ["a.size > 3", '["a","size"] > number<3>'],
    ["window missing", '["window"] missing'],
    ["size > 10kb", "size > 10240"],
    ["size >= 1.5 MB", "size >= 1572864"],
    ["size", "text<size>"],
    ["op:delete", "op<delete>"],
    ["OP:Create,update", "op<create,update>"],
    ["id:01ab", "id<01ab>"],
    ["time:2026-01-31T14:30Z..2026-01-31T16:31:05.5+01:00", "time<2026-01-31T14:30:00.000Z..2026-01-31T15:31:05.500Z>"],
    ["time:2026-01-31T14:30Z..", "time<2026-01-31T14:30:00.000Z..>"],
    ["TIME:..2026-01-31T14:30Z", "time<..2026-01-31T14:30:00.000Z>"],
    ["time = 3", '["time"] = number<3>'],
    ["/ha[/l]{2}/i", "pattern<ha[/l]{2}>i"],
    ["/a\\/b/", "pattern<a\\/b>"],
  ])("[G27] %s is one condition", (text, expected) => expect(parsed(text)).toBe(expected));

  it.each([
    ["hall -window", "(text<hall> & -text<window>)"],
    ["hall !window", "(text<hall> & -text<window>)"],
    ["-op:delete", "-op<delete>"],
    ["a-b", "text<a-b>"],
    ["!(a = 1 | b = 2)", '-(["a"] = number<1> | ["b"] = number<2>)'],
    ["op:delete temperature > 20", '(op<delete> & ["temperature"] > number<20>)'],
    ["a = 1 & b = 2 | c", '((["a"] = number<1> & ["b"] = number<2>) | text<c>)'],
    ["a = 1 (b | c)", '(["a"] = number<1> & (text<b> | text<c>))'],
    ["living room temperature > 20", '(text<living room> & ["temperature"] > number<20>)'],
    ['"a" "b"', "(text<a> & text<b>)"],
    ["room = hall & window", '(["room"] = string<hall> & text<window>)'],
    ["a != 1", '["a"] != number<1>'],
    ["x -a = 1", '(text<x> & -["a"] = number<1>)'],
  ])("[G27] %s is a combination", (text, expected) => expect(parsed(text)).toBe(expected));

  it.each<[string, number, RegExp]>([
    ["temperature >> 20", 14, /a value after >/],
    ["temperature >", 14, /a value after >/],
    ["temperature > ", 15, /a value after >/],
    ["> 20", 1, /a field before >/],
    ["temperature == 20", 13, /Use = instead of ==/],
    ["temperature <> 20", 13, /Use != instead of <>/],
    ["a && b", 3, /Use & instead of &&/],
    ["a = 1 and b = 2", 7, /Use & instead of and/],
    ["room:hall", 5, /Use = instead of :/],
    ["type:delete", 1, /Use op: instead of type:/],
    ["op:remove", 4, /create, update, delete/],
    ["op:create,deleted", 11, /Use delete instead of deleted/],
    ["op:", 4, /After op:/],
    ["id:xyz", 4, /hex digits/],
    ["time:", 6, /two times with their zone/],
    ["time:..", 6, /two times with their zone/],
    ["time:14:30..14:31", 6, /two times with their zone/],
    ["time:2026-01-31T14:30Z", 6, /two times with their zone/],
    ["time:2026-01-31T14:30Z..soon", 25, /two times with their zone/],
    ["time:2026-02-31T25:30Z..", 6, /two times with their zone/],
    ["time:2026-01-31T14:30Z..2026-01-31T14:30Z", 25, /earlier time first/],
    ["size > big", 8, /10kb/],
    ["room = living room", 15, /room = "living room"/],
    ['"room":"hall"', 1, /put all of it in quotes/],
    ['{"a":1}', 2, /contains quotes in quotes/],
    ['"a', 1, /not closed/],
    ["(a", 1, /not closed/],
    ["a)", 2, /closes nothing/],
    ["()", 2, /before the parenthesis/],
    ["a &", 4, /a condition here/],
    ["| a", 1, /a condition before/],
    ["/a", 1, /not closed/],
    ["/a/x", 4, /only i/],
    ["/(a/", 1, /not a regular expression/],
    ["/(a)\\1/", 1, /refers back to a group/],
    ["/a(?=b)/", 1, /lookahead/],
    ["/\\p{L}/", 1, /\[a-z\]/],
    ["/a{256}/", 1, /at most 255 times/],
    ["on > true", 6, /only with numbers/],
    ["tags[0]", 8, /After tags\[0\] write one of/],
    ['a ~ ""', 5, /not empty/],
    [`${"(".repeat(30)}a${")".repeat(30)}`, 21, /at most 20 deep/],
    [Array(30).fill("a").join(" | "), 81, /at most 20 conditions/],
    ["a\0", 2, /NUL/],
    ['"\\u0000"', 1, /NUL/],
    ["x".repeat(1001), 1001, /1000 characters/],
  ])("[G27] %s is refused at column %i", (text, column, message) => {
    const result = parseExpression(text);
    if (result.ok) throw new Error(`It means ${show(result.expression)}.`);
    expect(result.problem.message).toMatch(message);
    expect(result.problem.column).toBe(column);
  });

  it("[G46.4] endpoints are named only where there are several", () => {
    const result = parseExpression("endpoint:orders,shop/carts -op:delete", { hasEndpoints: true });
    expect(result.ok && show(result.expression)).toBe("(endpoint<orders,shop/carts> & -op<delete>)");
    expect(parseExpression("endpoint:", { hasEndpoints: true })).toMatchObject({ ok: false, problem: { column: 10 } });
    expect(parsed("endpoint:orders")).toBe("1: endpoint: is for the changes of a whole project.");
  });

  it("[G27] never throws, whatever the text", () => {
    const pieces = [
      "a",
      " ",
      ">",
      "=",
      "!",
      "-",
      "(",
      ")",
      '"',
      "/",
      "&",
      "|",
      "op:",
      "id:",
      "size",
      "[0]",
      "$",
      ".",
      "~",
      "<",
      "1",
      "\\",
      ":",
      "exists",
    ];
    let state = 1;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state;
    };
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: random() % 9 }, () => pieces[random() % pieces.length]).join("");
      const result = parseExpression(text);
      if (!result.ok) expect(result.problem.column).toBeLessThanOrEqual(text.length + 1);
    }
  });
});
