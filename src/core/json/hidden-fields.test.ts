import { describe, expect, it } from "vitest";
import { hasFields, keepFields, leavesFields, removeFields } from "@/src/core/json/hidden-fields";

const EVERY = Symbol("every");

describe("removeFields", () => {
  it.each([
    ['{"a":1,"b":2}', [["b"]], '{"a":1}'],
    ['{"a":1e400,  "b":2, "c":"x"}', [["b"]], '{"a":1e400,"c":"x"}'],
    ['{"b":1,"b":2}', [["b"]], "{}"],
    ['{"\\u0062":1,"a":1}', [["b"]], '{"a":1}'],
    ['{"a":{"b":{"c":1,"d":2}}}', [["a", "b", "c"]], '{"a":{"b":{"d":2}}}'],
    ['{"a":{"b":1},"c":1}', [["a"], ["a", "b"], ["c"]], "{}"],
    [
      '{"a":{"b":1,"c":2,"d":3}}',
      [
        ["a", "b"],
        ["a", "c"],
      ],
      '{"a":{"d":3}}',
    ],
    ['{"a":[{"b":1,"c":2},3,[{"b":1}]]}', [["a", EVERY, "b"]], '{"a":[{"c":2},3,[{"b":1}]]}'],
    ['{"a":{"x":{"b":1},"y":{"b":2,"c":3}}}', [["a", EVERY, "b"]], '{"a":{"x":{},"y":{"c":3}}}'],
    ['[{"a":1},{"b":1}]', [[EVERY, "a"]], '[{},{"b":1}]'],
    ['{"a":[1,2,3]}', [["a", "1"]], '{"a":[1,null,3]}'],
    ['{"e\u0301":1}', [["\u00e9"]], "{}"],
    ['{"a":{"__proto__":1}}', [["a", "__proto__"]], '{"a":{}}'],
  ])("[S7] %s without %j is %s", (text, paths, expected) => {
    expect(removeFields(text, paths)).toBe(expected);
    expect(hasFields(text, paths)).toBe(true);
  });

  it.each([
    ['{ "a" : 1 }', [["b"]]],
    ['{"a":"b"}', [["a", "b"]]],
    ["1", [["a"]]],
    ['"a"', [["a"]]],
    ["[]", [["a"]]],
    ['{"a":1}', []],
  ])("[S7] %s without %j stays as it is", (text, paths) => {
    expect(removeFields(text, paths)).toBe(text);
    expect(hasFields(text, paths)).toBe(false);
  });
});

describe("keepFields", () => {
  it.each([
    ["a hidden member stays", '{"a":1,"b":2}', '{"a":3}', [["b"]], '{"a":3,"b":2}'],
    ["what is not there cannot stay", '{"a":1}', '{"a":3}', [["b"]], '{"a":3}'],
    ["a nested one stays", '{"a":{"b":1,"c":2}}', '{"a":{"c":3}}', [["a", "b"]], '{"a":{"c":3,"b":1}}'],
    ["a nested one stays without its object", '{"a":{"b":1,"c":2}}', "{}", [["a", "b"]], '{"a":{"b":1}}'],
    ["an object that may have one stays", '{"a":{"c":2}}', "{}", [["a", "b"]], '{"a":{}}'],
    [
      "a list stays if it is sent as it is seen",
      '{"a":[{"b":1,"c":2}]}',
      '{ "a": [ {"c": 2} ] }',
      [["a", EVERY, "b"]],
      '{ "a": [{"b":1,"c":2}] }',
    ],
    ["a list stays if it is left out", '{"a":[{"b":1,"c":2}]}', '{"d":1}', [["a", EVERY, "b"]], '{"d":1,"a":[{"b":1,"c":2}]}'],
    ["a value replaces a value", '{"a":1}', '{"a":"x"}', [["a", "b"]], '{"a":"x"}'],
    ["a value can be left out", '{"a":1}', "{}", [["a", "b"]], "{}"],
    ["no paths", '{"a":1}', '"a text"', [], '"a text"'],
    ["a text replaces a text", '"a"', '"b"', [["a"]], '"b"'],
  ])("[S7] %s", (_, stored, body, paths, expected) => {
    const result = keepFields(stored, body, paths);
    expect(result === undefined ? undefined : JSON.parse(result)).toEqual(JSON.parse(expected));
  });

  it.each([
    ["a hidden member", '{"a":1,"b":2}', '{"b":2}', [["b"]]],
    ["one that is not stored", '{"a":1}', '{"b":2}', [["b"]]],
    ["a nested one", '{"a":{"b":1}}', '{"a":{"b":1}}', [["a", "b"]]],
    ["one below a value", '{"a":1}', '{"a":{"b":1}}', [["a", "b"]]],
    ["one in a list", "{}", '{"a":[{"b":1}]}', [["a", EVERY, "b"]]],
    ["the object of a nested one", '{"a":{"b":1}}', '{"a":2}', [["a", "b"]]],
    ["an object that may have one", '{"a":{}}', '{"a":null}', [["a", "b"]]],
    ["one of two", '{"a":{}}', '{"a":{},"a":1}', [["a", "b"]]],
    ["a list that may have one", '{"a":[{}]}', '{"a":[]}', [["a", EVERY, "b"]]],
    ["the whole record", '{"b":1}', '"a text"', [["b"]]],
    ["a list of records", '[{"b":1}]', "[]", [[EVERY, "b"]]],
  ])("[S7] refuses to change %s", (_, stored, body, paths) => {
    expect(keepFields(stored, body, paths)).toBeUndefined();
  });

  it("[S7] the verdict does not depend on hidden values", () => {
    const paths = [["a", "b"], ["c"]];
    const seen = ['{"a":{"x":1},"d":1}', '{"a":{"x":1,"b":7},"d":1}', '{"a":{"x":1},"c":7,"d":1}'];
    for (const body of ["{}", '{"a":{}}', '{"a":1}', '{"c":7}', '{"a":{"b":7}}', "[]", "1"]) {
      const results = seen.map((stored) => keepFields(stored, body, paths)).map((text) => text && removeFields(text, paths));
      expect(new Set(results).size, body).toBe(1);
    }
  });
});

describe("leavesFields", () => {
  it.each([
    ['{"a":1}', [["b"]], true],
    ['{"b":1}', [["b"]], false],
    ['{"b":null}', [["b"]], false],
    ['{"a":{"c":1}}', [["a", "b"]], true],
    ['{"a":{"b":1}}', [["a", "b"]], false],
    ['{"a":1}', [["a", "b"]], false],
    ['{"a":[]}', [["a", EVERY, "b"]], false],
    ['{"a":{},"a":1}', [["a", "b"]], false],
    ['{"a":1}', [], true],
  ])("[S7] a merge of %s leaves %j: %s", (patch, paths, expected) => {
    expect(leavesFields(patch, paths)).toBe(expected);
  });
});
