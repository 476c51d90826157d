import { describe, expect, it } from "vitest";
import { compileRules } from "./compile-rules";
import type { RuleCaller } from "./rule-facts";

const [ADA, BOB] = ["00000000000000000000000000000001", "00000000000000000000000000000002"] as const;
const caller = (id: string | null, data: object = {}, keyScope: RuleCaller["keyScope"] = "read_write"): RuleCaller => ({
  user: id === null ? null : { id, endpoint: "staff", data: JSON.stringify(data) },
  keyScope,
});
const isMet = (text: string, facts: { data?: string; owner?: string | null; caller?: RuleCaller; input?: string }): boolean => {
  const { data = "{}", owner = null, input } = facts;
  return (
    compileRules({ update: text }).rules.update?.isMet({ caller: facts.caller ?? caller(ADA), record: { owner, data }, input }) ?? false
  );
};

describe("[A1] rules about missing values, null and other types", () => {
  it.each<[string, string, boolean]>([
    ["a = 1", "{}", false],
    ["a != 1", "{}", false],
    ["!(a = 1)", "{}", false],
    ["!(a != 1)", "{}", false],
    ["a = 1 | true", "{}", true],
    ["!(a = 1 & false)", "{}", true],
    ["!(a = 1 & b = 2)", '{"b":3}', true],
    ["!(a = 1 & b = 2)", '{"b":2}', false],
    ["a missing", "{}", true],
    ["!(a exists)", "{}", true],
    ["a exists", '{"a":null}', true],
    ["a = null", '{"a":null}', true],
    ["a != null", '{"a":null}', false],
    ["a != null", '{"a":0}', true],
    ["a = null", "{}", false],
    ["a = 1", '{"a":null}', false],
    ["!(a = 1)", '{"a":null}', false],
    ['a != "1"', '{"a":1}', false],
    ['!(a = "1")', '{"a":1}', false],
    ["a = $.b", '{"a":null,"b":null}', false],
    ["!(a = $.b)", '{"a":null,"b":null}', false],
    ['a = "x"', '{"a":["x"]}', false],
    ['a ~ "x"', '{"a":["x"]}', true],
    ['a ~ "x"', '{"a":["xy"]}', false],
    ['a ~ "x"', '{"a":"AXE"}', true],
    ['a ~ "x"', '{"a":{"x":"x"}}', false],
    ["a ~ 1", '{"a":[1.0]}', true],
    ["a ~ 1", '{"a":"1"}', false],
    ['!(a ~ "x")', '{"a":1}', false],
    ["a = 12345678901234567890", '{"a":12345678901234567891}', false],
    ["a = 0.3", '{"a":0.30000000000000004}', false],
    ["a < 1e401", '{"a":1e400}', true],
    ['a = "é"', '{"a":"e\\u0301"}', true],
    ['a < "\uffee"', '{"a":"😀"}', false],
  ])("%s of %s is %s", (text, data, expected) => {
    expect(isMet(text, { data })).toBe(expected);
  });

  it.each([
    "@owner = @user.id",
    "@owner != @user.id",
    "!(@owner = @user.id)",
    "!(@owner != @user.id)",
    "a = @user.data.team",
    "a != @user.data.team",
    '!(@user.data.role = "banned")',
    '@user.data.role != "banned"',
    "@user.data.teams ~ $.a",
  ])("nobody is refused by %s, whoever owns the record", (text) => {
    for (const owner of [null, ADA]) expect(isMet(text, { owner, data: '{"a":null}', caller: caller(null) })).toBe(false);
  });

  it("distinguishes the owner, the user's data, the input and the key's scope", () => {
    expect(isMet("@owner = @user.id", { owner: ADA })).toBe(true);
    expect(isMet("@owner = @user.id", { owner: BOB })).toBe(false);
    expect(isMet("@owner missing", { owner: null })).toBe(true);
    expect(isMet('@user.data.role = "admin"', { caller: caller(ADA, { role: "admin" }) })).toBe(true);
    expect(isMet("@user.data.teams ~ $.team", { caller: caller(ADA, { teams: ["red", 7] }), data: '{"team":7}' })).toBe(true);
    expect(isMet("@input.role missing", { input: '{"name":"x"}' })).toBe(true);
    expect(isMet("@input.role missing", { input: '{"role":null}' })).toBe(false);
    expect(isMet('@key.scope = "read_write"', {})).toBe(true);
  });
});

describe("[A3] why a rule decides", () => {
  const explain = (text: string, data: string) =>
    compileRules({ read: text }).rules.read?.explain({ caller: caller(ADA), record: { owner: BOB, data } });

  it.each([
    ["@owner = @user.id | public = true", '{"public":true}', true, "public = true", "true"],
    ["@owner = @user.id | public = true", '{"public":false}', false, "@owner = @user.id | public = true", "false"],
    ["@owner = @user.id | public = true", "{}", false, "public = true", "undecided"],
    ["a = 1 & (b = 2 & c = 3)", '{"a":1,"b":2,"c":4}', false, "c = 3", "false"],
    ["a = 1 & !(b exists)", '{"a":1,"b":2}', false, "b exists", "true"],
    ["a = 1 & b = 2", '{"a":1,"b":2}', true, "a = 1 & b = 2", "true"],
  ])("%s of %s", (text, data, met, part, verdict) => {
    expect(explain(text, data)).toMatchObject({ isMet: met, part, verdict });
  });
});

describe("[A2] the condition in SQL", () => {
  const condition = (text: string, who: RuleCaller) => compileRules({ read: text }).rules.read?.toCondition(who);

  it("names the owner if all its records belong to one user, so that an index serves it", () => {
    expect(condition("@owner = @user.id", caller(ADA))).toEqual({
      text: 'r."ownerId" = $1::uuid',
      values: [ADA],
      isExact: true,
      owner: ADA,
    });
    expect(condition("@user.id = @owner & a = 1", caller(ADA))).toMatchObject({ owner: ADA, isExact: true });
    expect(condition("@owner = @user.id | a = 1", caller(ADA))?.owner).toBeUndefined();
    expect(condition("@owner != @user.id", caller(ADA))?.owner).toBeUndefined();
    expect(condition("!(@owner != @user.id)", caller(ADA))?.owner).toBe(ADA);
  });

  it("does not mention what depends on the caller alone", () => {
    const text = '@user.data.role = "admin" | @owner = @user.id';
    expect(condition(text, caller(ADA, { role: "admin" }))).toMatchObject({ text: "true", values: [], isExact: true });
    expect(condition(text, caller(ADA))).toMatchObject({ text: 'r."ownerId" = $1::uuid' });
    expect(condition(text, caller(null))).toMatchObject({ text: "false", isExact: true });
  });

  it("never contains a value of the caller or of the rule", () => {
    const evil = '\'); DROP TABLE "Record"; --';
    const found = condition(
      `a = ${JSON.stringify(evil)} | b ~ @user.data.x | ["${evil.replaceAll('"', '\\"')}"] exists`,
      caller(ADA, { x: evil }),
    );
    expect(found?.text).not.toContain("DROP");
    expect(JSON.stringify(found?.values)).toContain("DROP");
  });
});

describe("[A4] hidden fields", () => {
  const record = { owner: BOB, data: '{"name":"Bob", "phone":1.50, "salary":2}' };

  it("are removed unless the condition is true", () => {
    const rules = compileRules({ hide: ['phone unless @owner = @user.id | @user.data.role = "admin"', "salary"] });
    expect(rules.redact(record, caller(ADA))).toBe('{"name":"Bob"}');
    expect(rules.redact(record, caller(null))).toBe('{"name":"Bob"}');
    expect(rules.redact(record, caller(BOB))).toBe('{"name":"Bob", "phone":1.50}');
    expect(rules.redact(record, caller(ADA, { role: "admin" }))).toBe('{"name":"Bob", "phone":1.50}');
    expect(rules.listHidden(record, caller(BOB))).toMatchObject([{ text: "salary", paths: [["salary"]] }]);
  });

  it("stay hidden if the condition is undecided", () => {
    const rules = compileRules({ hide: ['phone unless !(visibility = "private")'] });
    expect(rules.redact(record, caller(ADA))).not.toContain("phone");
  });
});

describe("[A1] identities of callers", () => {
  it("are equal only if no rule can distinguish the callers", () => {
    const byId = compileRules({ read: "@owner = @user.id" });
    expect(byId.identify(caller(ADA, { x: 1 }))).toBe(byId.identify(caller(ADA, { x: 2 }, "read")));
    expect(byId.identify(caller(ADA))).not.toBe(byId.identify(caller(BOB)));
    expect(byId.identify(caller(ADA))).not.toBe(byId.identify(caller(null)));
    const byRole = compileRules({ hide: ["a unless @user.data.role = 1"] });
    expect(byRole.identify(caller(ADA, { role: 1 }))).toBe(byRole.identify(caller(BOB, { role: 1 })));
    expect(byRole.identify(caller(ADA, { role: 1 }))).not.toBe(byRole.identify(caller(ADA, { role: "1" })));
    expect(byRole.identify(caller(ADA))).toBe(byRole.identify(caller(null)));
    const byScope = compileRules({ read: '@key.scope = "read"' });
    expect(byScope.identify(caller(ADA))).not.toBe(byScope.identify(caller(ADA, {}, "read")));
    expect(compileRules({ read: "true" }).identify(caller(ADA))).toBe(compileRules({ read: "true" }).identify(caller(null)));
  });

  it("refuse rules that do not parse, which are never stored", () => {
    expect(() => compileRules({ read: "a" })).toThrow("not valid");
  });
});

it("[A4] the results for a long record are kept for each combination of hidden fields", () => {
  const rules = compileRules({ hide: ["phone unless @owner = @user.id", 'note unless @user.data.role = "admin"'] });
  const record = { owner: ADA, data: JSON.stringify({ phone: 1, note: 2, text: "x".repeat(2_000) }) };
  const keysFor = (who: RuleCaller) => Object.keys(JSON.parse(rules.redact(record, who)));
  for (let round = 0; round < 2; round += 1) {
    expect(keysFor(caller(ADA))).toEqual(["phone", "text"]);
    expect(keysFor(caller(BOB))).toEqual(["text"]);
    expect(keysFor(caller(BOB, { role: "admin" }))).toEqual(["note", "text"]);
    expect(keysFor(caller(ADA, { role: "admin" }))).toEqual(["phone", "note", "text"]);
  }
  expect(rules.redact(record, caller(BOB))).toBe(rules.redact(record, caller(null)));
});

it("[A1] @user.endpoint distinguishes callers only where a rule reads it, and is missing for nobody", () => {
  const staff = caller(ADA);
  const customer: RuleCaller = { ...staff, user: { id: ADA, endpoint: "customers", data: "{}" } };
  const rules = compileRules({ read: '@user.endpoint = "staff"' });
  const isRead = (who: RuleCaller) => rules.rules.read?.isMet({ caller: who, record: { owner: null, data: "{}" } });
  expect([staff, customer, caller(null)].map(isRead)).toEqual([true, false, false]);
  expect(rules.identify(staff)).not.toBe(rules.identify(customer));
  expect(rules.usesUserData).toBe(false);
  const others = compileRules({ read: "@user.id exists" });
  expect(others.identify(staff)).toBe(others.identify(customer));
});

it("[A1] @user.endpoint is missing while the server does not know the endpoint's name, so that nothing is allowed", () => {
  const unknown: RuleCaller = { ...caller(ADA), user: { id: ADA, endpoint: "", data: "{}" } };
  const rules = compileRules({ read: '@user.endpoint != "customers"', update: '!( @user.endpoint = "customers" )' });
  const isMet = (operation: "read" | "update") => rules.rules[operation]?.isMet({ caller: unknown, record: { owner: null, data: "{}" } });
  expect([isMet("read"), isMet("update")]).toEqual([false, false]);
});
