import { describe, expect, it } from "vitest";
import { parseAccessRules, toDefaultRules } from "./access-rules";
import { parseHideEntry, parseRule } from "./parse-rule";
import { RULE_CONDITIONS_MAX, RULE_LENGTH_MAX, type RuleExpression, type RuleOperand } from "./rule-syntax";

const parse = (text: string, input = true): RuleExpression => {
  const parsed = parseRule(text, { input });
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.expression;
};

/** The expression with all parentheses. */
function show(expression: RuleExpression): string {
  switch (expression.kind) {
    case "constant":
      return String(expression.value);
    case "or":
    case "and":
      return `(${expression.parts.map(show).join(expression.kind === "or" ? " | " : " & ")})`;
    case "not":
      return `!${show(expression.part)}`;
    case "exists":
    case "missing":
      return `${showOperand(expression.operand)} ${expression.kind}`;
    case "compare":
      return `${showOperand(expression.left)} ${expression.operator} ${showOperand(expression.right)}`;
  }
}

function showOperand(operand: RuleOperand): string {
  if (operand.kind === "literal") return operand.value.type === "string" ? JSON.stringify(operand.value.text) : operand.value.text;
  return "path" in operand ? `${operand.kind}${JSON.stringify(operand.path)}` : operand.kind;
}

describe("[A1] rules", () => {
  it.each([
    ["@owner = @user.id", "owner = userId"],
    ["data.members ~ @user.id | @owner = @user.id", '(data["members"] ~ userId | owner = userId)'],
    ["members~@user.id|@owner=@user.id", '(data["members"] ~ userId | owner = userId)'],
    ["a = 1 | b = 2 & c = 3", '(data["a"] = 1 | (data["b"] = 2 & data["c"] = 3))'],
    ["(a = 1 | b = 2) & c = 3", '((data["a"] = 1 | data["b"] = 2) & data["c"] = 3)'],
    ["a = 1 & b = 2 | c = 3 | true", '((data["a"] = 1 & data["b"] = 2) | data["c"] = 3 | true)'],
    ["!(a = 1) & b exists", '(!data["a"] = 1 & data["b"] exists)'],
    ["!((a missing))", '!data["a"] missing'],
    ["true", "true"],
    [" ( false ) ", "false"],
    ['["true"] = true', 'data["true"] = true'],
    ["true.x = 1", 'data["true","x"] = 1'],
    ['user.tags[0] != "x|y & (z)"', 'data["user","tags","0"] != "x|y & (z)"'],
    ["$ = null", "data[] = null"],
    ["data = null", "data[] = null"],
    ["$.data.x = 1", 'data["data","x"] = 1'],
    ['["data"].x = 1', 'data["data","x"] = 1'],
    ["data.data.x = 1", 'data["data","x"] = 1'],
    ["data-x >= -1.50e3", 'data["data-x"] >= -1.50e3'],
    ["$price < 1", 'data["$price"] < 1'],
    ["@user.data.teams ~ $.team", 'userData["teams"] ~ data["team"]'],
    ['@user.endpoint = "staff"', 'userEndpoint = "staff"'],
    ["@user.id = data.author", 'userId = data["author"]'],
    ['@user.data.role = "admin"', 'userData["role"] = "admin"'],
    ['@user.data["odd key"][0] exists', 'userData["odd key","0"] exists'],
    ["@input.role missing", 'input["role"] missing'],
    ["@input = $", "input[] = data[]"],
    ['@key.scope != "read"', 'keyScope != "read"'],
    ["a = 1\n  | b = 2", '(data["a"] = 1 | data["b"] = 2)'],
    ['größe = "\\u00e9"', 'data["größe"] = "é"'],
    ["existss exists", 'data["existss"] exists'],
    ["missing missing", 'data["missing"] missing'],
  ])("parses %s", (text, shown) => {
    expect(show(parse(text))).toBe(shown);
  });

  it("keeps where each part is, for the reason of a verdict", () => {
    const text = ' a = 1 |  !( b exists & c = "x" )';
    const found: string[] = [];
    const visit = (expression: RuleExpression): void => {
      found.push(text.slice(expression.start, expression.end));
      if (expression.kind === "or" || expression.kind === "and") expression.parts.forEach(visit);
      if (expression.kind === "not") visit(expression.part);
    };
    visit(parse(text));
    expect(found).toEqual([text.trim(), "a = 1", '!( b exists & c = "x" )', 'b exists & c = "x"', "b exists", 'c = "x"']);
  });

  it.each<[string, string, [line: number, column: number]]>([
    ["", "Write a condition", [1, 1]],
    ["   ", "Write a condition", [1, 4]],
    ["status", "After status write one of", [1, 7]],
    ["status = ", "Write a value after the operator", [1, 10]],
    ["status = open", 'Put a text in quotes: "open". A field of the record is written $.open', [1, 10]],
    ["status == 1", "Use = instead of ==", [1, 8]],
    ["a = 1 || b = 2", "Use | instead of ||", [1, 7]],
    ["a = 1 && b = 2", "Use & instead of &&", [1, 7]],
    ["a = 1 and b = 2", "Use & instead of and", [1, 7]],
    ["a = 1 OR b = 2", "Use | instead of OR", [1, 7]],
    ["not (a = 1)", "Use !( … ) instead of not", [1, 1]],
    ["!a = 1", "After ! write parentheses", [1, 2]],
    ["a in 1", "Use ~, with the list on the left instead of in", [1, 3]],
    ["a contains 1", "Use ~ instead of contains", [1, 3]],
    ["a !~ 1", "Use !( … ~ … ) instead of !~", [1, 3]],
    ["(a = 1", "This parenthesis is not closed", [1, 1]],
    ["a = 1\n | (b = 2))", "closes nothing", [2, 11]],
    ["a = 1 b = 2", "Write | or &", [1, 7]],
    ["a = 1 |", "Write a field or a variable", [1, 8]],
    ["(= 3)", "Write a field or a variable", [1, 2]],
    ['"x" = a', "Write the value on the right side", [1, 1]],
    ['a = "open', "not closed on this line", [1, 5]],
    ['a = "\\x"', "not a valid JSON string", [1, 5]],
    ['a = "\\u0000"', "NUL", [1, 5]],
    ["a < true", "numbers and texts", [1, 3]],
    ['a ~ ""', "a text that is not empty", [1, 5]],
    ["a ~ null", "a text that is not empty", [1, 5]],
    ["@owner = null", "Use missing", [1, 8]],
    ["@user.id != null", "Use exists", [1, 10]],
    ["@user.name = 1", "There is no variable @user.name. Use @user.id, @user.endpoint or @user.data.name", [1, 1]],
    ["@user = 1", "Do you mean @user.id?", [1, 1]],
    ["@usr.id = 1", "Do you mean @user.id?", [1, 1]],
    ["@key = 1", "Do you mean @key.scope?", [1, 1]],
    ["a = @now", "There is no variable @now. Use one of: @user.id", [1, 5]],
    ["@owner.id = 1", "has no fields", [1, 7]],
    ["@user.data..x = 1", 'After a field write .name, [0] or ["odd key"]', [1, 11]],
    ["tags[*] = 1", "There is no [*]", [1, 5]],
    ["a = 01", "Put a text in quotes", [1, 5]],
    ["a = 1 unless b = 2", "Only entries of hide", [1, 7]],
    ["a = 1, b = 2", "Use | or & instead of ,", [1, 6]],
    [`a = ${"1".repeat(400)}`, "399 characters", [1, 5]],
    [`${"a.".repeat(60)}a = 1`, "50 steps", [1, 102]],
    ["x".repeat(RULE_LENGTH_MAX + 1), "characters at most", [1, 1]],
    [`${"(".repeat(30)}a = 1${")".repeat(30)}`, "at most 20 deep", [1, 21]],
    [Array.from({ length: RULE_CONDITIONS_MAX + 1 }, () => "a = 1").join(" | "), "at most 50 conditions", [1, 401]],
  ])("rejects %s with the problem and its place", (text, message, [line, column]) => {
    const parsed = parseRule(text, { input: true });
    expect(parsed).toEqual({ ok: false, problem: { message: expect.stringContaining(message), line, column } });
  });

  it("rejects @input where there is no body", () => {
    expect(parseRule("@input.a = 1", { input: false })).toMatchObject({
      problem: { message: expect.stringContaining("Only the rules create and update"), line: 1, column: 1 },
    });
  });

  it("parses any text in a short time, and never throws", () => {
    const pieces = [
      "(",
      "!(",
      "a",
      " = ",
      "@user.id",
      "|",
      "&",
      '"',
      "\\",
      "[",
      "[0]",
      ".",
      "1e9",
      "~",
      "\n",
      "unless",
      "é",
      "\u0000",
      "\ud800",
    ];
    for (let seed = 0; seed < 3000; seed += 1) {
      let state = seed * 7919 + 1;
      const text = Array.from({ length: seed % 40 }, () => {
        state = (state * 48271) % 2147483647;
        return pieces[state % pieces.length];
      }).join("");
      expect(() => [parseRule(text, { input: true }), parseHideEntry(text)]).not.toThrow();
    }
  });
});

describe("[A1] entries of hide", () => {
  it.each([
    ["phone", [["phone"]]],
    ["phone, address.street , tags[0]", [["phone"], ["address", "street"], ["tags", "0"]]],
    ["items.price", [["items", "price"]]],
    ["data.phone", [["phone"], ["data", "phone"]]],
    ["data", [["data"]]],
    ["$.data.phone", [["data", "phone"]]],
    ['["odd key"]', [["odd key"]]],
  ])("parses %s", (text, paths) => {
    expect(parseHideEntry(text)).toEqual({ ok: true, entry: { paths } });
  });

  it("parses the condition after unless", () => {
    const parsed = parseHideEntry('phone, unless unless @user.data.role = "admin" | @owner = @user.id');
    expect(parsed.ok && parsed.entry.paths).toEqual([["phone"], ["unless"]]);
    expect(parsed.ok && parsed.entry.unless && show(parsed.entry.unless)).toBe('(userData["role"] = "admin" | owner = userId)');
  });

  it.each<[string, string, number]>([
    ["", "Write a field to hide", 1],
    ["$", "Write a field to hide", 1],
    ["phone email", "a comma and another field, or unless", 7],
    ["phone,", "Write a field to hide", 7],
    ["items[*].price", "hide reaches into lists by itself", 6],
    ["phone unless", "After unless write a condition", 13],
    ["@user.id", "Only fields of the record", 1],
    ["phone unless a = 1 unless b = 2", "Only entries of hide can have unless", 20],
    ["phone unless @input.a = 1", "Only the rules create and update", 14],
  ])("rejects %s", (text, message, column) => {
    expect(parseHideEntry(text)).toEqual({ ok: false, problem: { message: expect.stringContaining(message), line: 1, column } });
  });
});

describe("[A1] the rules of an endpoint", () => {
  it("report the first problem of each field", () => {
    const parsed = parseAccessRules({ read: "a", create: null, update: "true", hide: ["phone", "x y"] });
    expect(parsed.ok ? [] : Object.keys(parsed.problems)).toEqual(["read", "hide.1"]);
  });

  it("have a length together", () => {
    const hide = Array.from({ length: 50 }, () => `a unless b = "${"x".repeat(400)}"`);
    expect(parseAccessRules({ hide })).toMatchObject({
      ok: false,
      problems: { "": { message: expect.stringContaining("16000 characters") } },
    });
    expect(parseAccessRules({ hide: Array.from({ length: 10_000 }, () => "a") })).toMatchObject({
      ok: false,
      problems: { hide: { message: expect.stringContaining("50 entries") } },
    });
  });

  it("[S2] [L4] have defaults that the endpoint's kind and switches mean", () => {
    const switches = { kind: "data", secure: true, othersCanRead: true, othersCanUpdate: false, othersCanDelete: false };
    const own = "@owner = @user.id";
    expect(toDefaultRules(switches)).toEqual({ read: "true", create: "true", update: own, delete: own });
    expect(toDefaultRules({ ...switches, secure: false })).toEqual({ read: "true", create: "true", update: "true", delete: "true" });
    expect(toDefaultRules({ ...switches, kind: "authentication" })).toEqual({ read: own, create: "true", update: own, delete: own });
  });
});
