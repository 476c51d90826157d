import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinPath, toCompactText, toPrettyText } from "./json-print";
import { getMember, parseJson, parseStored } from "./json-tree";

const problem = (text: string) => {
  const parsed = parseJson(text);
  return parsed.ok ? undefined : parsed.problem;
};

describe("parseJson", () => {
  it("[R1] keeps digits, key order and repeated keys", () => {
    const text = '{"b":12345678901234567890.10,"a":-0.0,"b":1E+2}';
    expect(toCompactText(parseStored(text))).toBe('{"b": 12345678901234567890.10, "a": -0.0, "b": 1E+2}');
  });

  it("accepts the same texts as JSON.parse", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseJson(text);
        expect(parsed.ok && JSON.parse(toPrettyText(parsed.node))).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."{}[]\":,.-0123eE+ntrufals\\ \n'") }), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect(parseJson(text).ok).toBe(isJson);
      }),
    );
  });

  it("records the position of every value", () => {
    const text = '{ "data" : [1, {"x": "y"}] }';
    const parsed = parseJson(text);
    const data = parsed.ok ? getMember(parsed.node, "data") : undefined;
    expect(data && text.slice(data.start, data.end)).toBe('[1, {"x": "y"}]');
  });

  it("reports the problem with line and column", () => {
    expect(problem('{\n  "a": 1,\n}')).toMatchObject({ line: 3, column: 1, message: expect.stringContaining("a key in double quotes") });
    expect(problem("{'a': 1}")).toMatchObject({ line: 1, column: 2, message: expect.stringContaining("double quotes") });
    expect(problem('{"a": 1 "b": 2}')).toMatchObject({ column: 9, message: expect.stringContaining("“,” or “}”") });
    expect(problem('["a')).toMatchObject({ column: 2, message: expect.stringContaining("not closed") });
    expect(problem('"a\nb"')).toMatchObject({ column: 3 });
    expect(problem('"\\x"')).toMatchObject({ column: 2 });
    expect(problem("")).toMatchObject({ column: 1, message: expect.stringContaining("Enter a JSON value") });
    expect(problem("1 2")).toMatchObject({ column: 3 });
  });

  it("[R11] rejects more than 1,000 levels of nesting", () => {
    expect(problem("[".repeat(1000) + "]".repeat(1000))).toBeUndefined();
    expect(problem("[".repeat(100_000))?.message).toContain("1000 levels");
  });

  it("treats __proto__ like any other key", () => {
    const node = parseStored('{"__proto__": {"x": 1}}');
    expect(getMember(node, "__proto__")).toMatchObject({ kind: "object" });
    expect(getMember(node, "constructor")).toBeUndefined();
  });
});

describe("printing", () => {
  it("cuts long text without visiting all of it", () => {
    const text = toCompactText(parseStored(`[${"1,".repeat(10_000)}1]`), 20);
    expect(text).toBe("[1, 1, 1, 1, 1, 1, 1…");
  });

  it("prints paths as in code", () => {
    expect(joinPath(joinPath(joinPath("", "items"), 2), "qty")).toBe("items[2].qty");
    expect(joinPath("a", "odd key")).toBe('a["odd key"]');
    expect(joinPath("", 0)).toBe("[0]");
  });
});
