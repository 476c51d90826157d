import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeText } from "@/src/shared/text/fold-text";
import { jsonTexts } from "@/tests/support/json-texts";
import { createRedaction } from "./redact";

const redact = (text: string, ...paths: string[][]) => createRedaction(paths)(text);

describe("[A4] removing fields from a JSON text", () => {
  it.each<[string, string[][], string]>([
    ['{"a":1,"b":2,"c":3}', [["b"]], '{"a":1,"c":3}'],
    ['{"a":1,"b":2,"c":3}', [["a"]], '{"b":2,"c":3}'],
    ['{"a":1,"b":2,"c":3}', [["c"]], '{"a":1,"b":2}'],
    ['{"a":1,"b":2,"c":3}', [["a"], ["b"]], '{"c":3}'],
    ['{"a":1,"b":2,"c":3}', [["b"], ["c"]], '{"a":1}'],
    ['{"a":1,"b":2,"c":3}', [["a"], ["c"]], '{"b":2}'],
    [' { "a" : 1 } ', [["a"]], " {} "],
    ['{ "a" : 1 ,\n "b" : 2.50 ,\n "c" : 1e400 }', [["b"]], '{ "a" : 1 ,\n "c" : 1e400 }'],
    ['{"a":1,"b":{"c":[1,{"d":2,"e":3}]}}', [["b", "c", "d"]], '{"a":1,"b":{"c":[1,{"e":3}]}}'],
    ['{"a":1,"b":{"c":[1,{"d":2,"e":3}]}}', [["b", "c", "1", "e"]], '{"a":1,"b":{"c":[1,{"d":2}]}}'],
    ['{"a":[1, 2,3]}', [["a", "1"]], '{"a":[1, null,3]}'],
    ['[{"a":1},[{"a":2}],{"b":3}]', [["a"]], '[{},[{}],{"b":3}]'],
    ['{"a":1,"b":2,"a":3,"\\u0061":4}', [["a"]], '{"b":2}'],
    ['{"a":{"b":1},"a":{"c":2,"b":3}}', [["a", "b"]], '{"a":{},"a":{"c":2}}'],
    ['{"\\u00e9":1,"e\u0301":2,"é":3,"x":4}', [["é"]], '{"x":4}'],
    ['{"x":"\\"a\\": {","a":"}\\\\","y":0}', [["a"]], '{"x":"\\"a\\": {","y":0}'],
    ['"a"', [["a"]], '"a"'],
    ["12", [["0"]], "12"],
    ['{"a":1}', [["b"], ["a", "b"]], '{"a":1}'],
    ['{"__proto__":1,"constructor":2}', [["__proto__"]], '{"constructor":2}'],
    ['{"0":1,"1":[5]}', [["0"], ["1", "0"]], '{"1":[null]}'],
    ['{"\u212a":1,"k":2}', [["K"]], '{"k":2}'],
    ['{"x":"\\u0041","ph\\u006fne":1,"phone":2,"y":[3]}', [["phone"]], '{"x":"\\u0041","y":[3]}'],
    ['{"a\\/b":1,"a/b":2,"c":3}', [["a/b"]], '{"c":3}'],
    ['{"a\\"b":1,"c":3}', [['a"b']], '{"c":3}'],
    ['{"phones":1,"phon":2,"fax":3,"phone":4}', [["phone"], ["fax"], ["cell"]], '{"phones":1,"phon":2}'],
  ])("%s", (text, paths, expected) => {
    expect(redact(text, ...paths)).toBe(expected);
  });

  /** The values that a JSON text contains, with their paths and digits. Array indexes are optional in a path, so both forms are listed. */
  function listLeaves(text: string): { path: string[]; passed: string[]; source: string }[] {
    const leaves: { path: string[]; passed: string[]; source: string }[] = [];
    const visit = (value: unknown, path: string[], passed: string[]) => {
      if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, [...path, String(index)], passed);
      else if (typeof value === "object" && value !== null)
        for (const [key, member] of Object.entries(value)) visit(member, [...path, key], [...passed, key]);
      else leaves.push({ path, passed, source: JSON.stringify(value) });
    };
    visit(JSON.parse(text), [], []);
    return leaves;
  }

  const beginsWith = (path: readonly string[], start: readonly string[]) =>
    start.every((step, index) => path[index] !== undefined && normalizeText(path[index]) === normalizeText(step));

  it("keeps everything else, and nothing of the field", () => {
    fc.assert(
      fc.property(jsonTexts(), fc.nat(), fc.nat(), (text, first, second) => {
        const leaves = listLeaves(text);
        const paths = [first, second].flatMap((at) => {
          const { passed = [] } = leaves[at % Math.max(1, leaves.length)] ?? {};
          return passed.length === 0 ? [] : [passed.slice(0, 1 + (at % passed.length))];
        });
        const result = redact(text, ...paths);
        const kept = listLeaves(result);
        for (const path of paths) expect(kept.filter(({ passed }) => beginsWith(passed, path))).toEqual([]);
        const isHidden = (passed: readonly string[]) => paths.some((path) => beginsWith(passed, path));
        expect(kept).toEqual(leaves.filter(({ passed }) => !isHidden(passed)));
        if (paths.length === 0) expect(result).toBe(text);
        // Twice is the same as once.
        expect(redact(result, ...paths)).toBe(result);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes linear time in arrays that are nested like the path", () => {
    const depth = 900;
    const text = `${"[".repeat(depth)}{"a":1,"b":2}${"]".repeat(depth)}`;
    const path = [...Array.from({ length: 40 }, () => "0"), "a"];
    expect(redact(text, path)).toBe(`${"[".repeat(depth)}{"b":2}${"]".repeat(depth)}`);
  });

  it.each([
    ["escapes, and one character outside Latin-1", '"\\u0061"', "€"],
    ["characters in disguise, and no escapes", '"\u212a"', "a"],
  ])("takes linear time with many %s", (_, value, first) => {
    const members = Array.from({ length: 100_000 }, (__, index) => `"k${index}":${value}`).join(",");
    expect(redact(`{"x":"${first}",${members},"a":1}`, ["a"])).toBe(`{"x":"${first}",${members}}`);
  });

  it("keeps a text without the field as it is", () => {
    fc.assert(
      fc.property(jsonTexts(), (text) => {
        expect(redact(text, ["no such key", "x"])).toBe(text);
      }),
    );
  });
});
