import { describe, expect, it } from "vitest";
import { findDuplicateKey } from "@/src/core/json/duplicates";

describe("findDuplicateKey", () => {
  it.each([
    ['{"role":"admin","role":"user"}', "/role"],
    ['{"a":1,"\\u0061":2}', "/a"],
    ['[1,{"a":{}},{"a":{"b":1,"c":["b",{"b":2}],"b":3}}]', "/2/a/b"],
    ['{ "x~/y" : [ ] , "x~/y" : { } }', "/x~0~1y"],
    ['{"":1,"":2}', "/"],
    ['{"__proto__":1,"__proto__":2}', "/__proto__"],
    ['{"\\"a":1,"b":"}","\\"a":2}', '/"a'],
  ])("[R10] in %s it is %s", (text, pointer) => {
    expect(findDuplicateKey(text)).toBe(pointer);
  });

  it.each([
    ["{}"],
    ['"a,a"'],
    ["1"],
    ['{"a":1,"A":2}'],
    ['{"a":{"a":{"a":1}},"b":["a","a","a"]}'],
    ['[{"a":1},{"a":1}]'],
    ['{"a":"a","b":"\\\\","c":"{\\"c\\":1,\\"c\\":2}"}'],
  ])("[R10] finds none in %s", (text) => {
    expect(findDuplicateKey(text)).toBeUndefined();
  });

  it("[R10] nesting does not exhaust the stack", () => {
    const nested = `${'{"a":['.repeat(100_000)}1${"]}".repeat(100_000)}`;
    expect(findDuplicateKey(nested)).toBeUndefined();
  });
});
