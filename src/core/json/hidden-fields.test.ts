import { describe, expect, it } from "vitest";
import { keepFields, leavesFields } from "@/src/core/json/hidden-fields";
import { createRedaction } from "@/src/core/json/redact";

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
      [["a", "b"]],
      '{ "a": [{"b":1,"c":2}] }',
    ],
    ["a list stays if it is left out", '{"a":[{"b":1,"c":2}]}', '{"d":1}', [["a", "b"]], '{"d":1,"a":[{"b":1,"c":2}]}'],
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
    ["one in a list", "{}", '{"a":[{"b":1}]}', [["a", "b"]]],
    ["the object of a nested one", '{"a":{"b":1}}', '{"a":2}', [["a", "b"]]],
    ["an object that may have one", '{"a":{}}', '{"a":null}', [["a", "b"]]],
    ["one of two", '{"a":{}}', '{"a":{},"a":1}', [["a", "b"]]],
    ["a list that may have one", '{"a":[{}]}', '{"a":[]}', [["a", "b"]]],
    ["the whole record", '{"b":1}', '"a text"', [["b"]]],
    ["a list of records", '[{"b":1}]', "[]", [["b"]]],
  ])("[S7] refuses to change %s", (_, stored, body, paths) => {
    expect(keepFields(stored, body, paths)).toBeUndefined();
  });

  it("[S7] the verdict does not depend on hidden values", () => {
    const paths = [["a", "b"], ["c"]];
    const seen = ['{"a":{"x":1},"d":1}', '{"a":{"x":1,"b":7},"d":1}', '{"a":{"x":1},"c":7,"d":1}'];
    for (const body of ["{}", '{"a":{}}', '{"a":1}', '{"c":7}', '{"a":{"b":7}}', "[]", "1"]) {
      const results = seen.map((stored) => keepFields(stored, body, paths)).map((text) => text && createRedaction(paths)(text));
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
    ['{"a":[]}', [["a", "b"]], false],
    ['{"a":{},"a":1}', [["a", "b"]], false],
    ['{"a":1}', [], true],
  ])("[S7] a merge of %s leaves %j: %s", (patch, paths, expected) => {
    for (const stored of ["{}", '{"a":{"b":2}}', '{"a":2}']) expect(leavesFields(stored, patch, paths)).toBe(expected);
  });

  it.each([
    ['{"a":[{"b":1}]}', '{"a":{"c":1}}', [["a", "b"]], false],
    ['{"a":[{}]}', '{"a":{"c":1}}', [["a", "b"]], false],
    ['{"a":[{"b":1}]}', '{"a":{"0":{}}}', [["a", "b"]], false],
    ['{"a":[],"a":{"b":1}}', '{"a":{"c":1}}', [["a", "b"]], false],
    ['{"x":{"a":[{"b":1}]}}', '{"x":{"a":{}}}', [["x", "a", "b"]], false],
    ['{"a":[1],"x":[2]}', '{"x":{"c":1}}', [["a", "b"]], true],
  ])("[S7] in %s, a merge of %s leaves %j: %s, because an object replaces a list", (stored, patch, paths, expected) => {
    expect(leavesFields(stored, patch, paths)).toBe(expected);
  });
});
