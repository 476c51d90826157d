/** Tests merging of JSON texts against merging of their values. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeJsonObjects } from "@/src/core/json/merge";
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";
import { isObject, mergeValues } from "@/tests/support/merge-values";

describe("mergeJsonObjects", () => {
  it.each([
    ["adds and replaces", '{"a":1,"b":2}', '{"b":3,"c":4}', '{"a":1,"b":3,"c":4}'],
    ["merges objects in objects", '{"a":{"x":1,"y":{"z":1}}}', '{"a":{"y":{"w":2}}}', '{"a":{"x":1,"y":{"z":1,"w":2}}}'],
    ["replaces arrays", '{"a":[1,2,3]}', '{"a":[9]}', '{"a":[9]}'],
    ["replaces an object by a scalar", '{"a":{"b":1}}', '{"a":null}', '{"a":null}'],
    ["replaces a scalar by an object", '{"a":1}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
    ["keeps the digits of numbers", '{"a":1.0,"b":12345678901234567890}', '{"c":1e400}', '{"a":1.0,"b":12345678901234567890,"c":1e400}'],
    ["keeps key order, integer-like keys too", '{"b":1,"10":2,"a":3}', '{"2":4,"b":5}', '{"b":5,"10":2,"a":3,"2":4}'],
    ["takes the last of duplicate keys", '{"a":1,"b":0,"a":{"x":1}}', '{"a":{"y":1},"a":{"z":2}}', '{"a":{"x":1,"z":2},"b":0}'],
    ["knows a key however it is escaped", '{"\\u0061":1}', '{"a":2}', '{"\\u0061":2}'],
    ["keeps __proto__ as a plain key", '{"__proto__":{"a":1}}', '{"__proto__":{"b":2}}', '{"__proto__":{"a":1,"b":2}}'],
    ["takes brackets, quotes and commas in strings", '{"a":"}\\",{","b":["]"]}', '{"c":"\\\\"}', '{"a":"}\\",{","b":["]"],"c":"\\\\"}'],
    ["merges into an empty object", "{}", '{"a":1}', '{"a":1}'],
    ["merges an empty object", '{ "a" : { "b" : [ 1 , 2 ] } }', "{}", '{"a":{ "b" : [ 1 , 2 ] }}'],
    ["merges two empty objects", " { } ", "{\n}", "{}"],
    [
      "reads white space anywhere",
      ' { "a" : 1 , "b" : { "c" : true } } ',
      '\t{\n"b"\r: { "d" : null } }',
      '{"a":1,"b":{"c":true,"d":null}}',
    ],
    ["keeps lone surrogates", '{"\\ud800":"\\udc00"}', '{"\\ud800x":1}', '{"\\ud800":"\\udc00","\\ud800x":1}'],
  ])("[R4] %s", async (_what, target, patch, merged) => {
    expect(await mergeJsonObjects(target, patch)).toBe(merged);
  });

  it("[R4] equals the deep merge of the values for any texts", async () => {
    const object = fc.jsonValue({ depthSize: "medium", noUnicodeString: false }).filter(isObject);
    await fc.assert(
      fc.asyncProperty(object, object, fc.constantFrom(undefined, 1, "\t"), async (target, patch, space) => {
        const merged = await mergeJsonObjects(JSON.stringify(target, null, space), JSON.stringify(patch, null, space));
        expect(JSON.parse(merged)).toEqual(mergeValues(JSON.parse(JSON.stringify(target)), JSON.parse(JSON.stringify(patch))));
      }),
      { numRuns: 300 },
    );
  });

  it("[R4] equals the deep merge of values that share keys", async () => {
    const key = fc.constantFrom("a", "b", "1", "0", "__proto__", 'q"', "");
    const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
      leaf: fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constant("}{][\\")),
      tree: fc.oneof({ maxDepth: 5 }, tie("leaf"), fc.dictionary(key, tie("tree"), { noNullPrototype: true })),
    }));
    const object = tree.filter(isObject);
    await fc.assert(
      fc.asyncProperty(object, object, async (target, patch) => {
        const [left, right] = [JSON.stringify(target), JSON.stringify(patch)];
        const expected: unknown = mergeValues(JSON.parse(left), JSON.parse(right));
        expect(JSON.parse(await mergeJsonObjects(left, right))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("[R4] merges at the greatest depth and handles deeper values", async () => {
    const deep = (depth: number, leaf: string): string => '{"a":'.repeat(depth) + leaf + "}".repeat(depth);
    expect(await mergeJsonObjects(deep(JSON_DEPTH_MAX, '1,"b":1'), deep(JSON_DEPTH_MAX, "2"))).toBe(deep(JSON_DEPTH_MAX, '2,"b":1'));
    const stored = deep(100_000, "1");
    expect(await mergeJsonObjects(stored, '{"b":2}')).toBe(`${stored.slice(0, -1)},"b":2}`);
  });

  it("throws for anything but objects", async () => {
    const long = `"${"x".repeat(20_000)}"`;
    expect(() => mergeJsonObjects("[]", "{}")).toThrow(TypeError);
    expect(() => mergeJsonObjects("{}", "1")).toThrow(TypeError);
    await expect(mergeJsonObjects("{}", long)).rejects.toThrow(TypeError);
    await expect(mergeJsonObjects(`[${long}]`, "{}")).rejects.toThrow(TypeError);
  });

  it("[R4] lets other work run while two large objects are merged", async () => {
    const entries = Array.from({ length: 50_000 }, (_, index) => [`k${index}`, {}]);
    const text = JSON.stringify(Object.fromEntries(entries));
    let ticks = 0;
    let isDone = false;
    const count = () => {
      ticks += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    expect(await mergeJsonObjects(text, text)).toBe(text);
    isDone = true;
    expect(ticks).toBeGreaterThan(100);
  });
});
