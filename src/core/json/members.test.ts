/** Tests reading members of objects as text against JSON.parse. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMembers, writeMembers } from "@/src/core/json/members";

describe("readMembers", () => {
  it("[R1] keeps every member as written, including duplicates", () => {
    const text = ' { "a" : 1.10 ,"b":[1, {"c":"}\\""}],\n"a":12345678901234567890,"\\u0063":"x,\\\\","":{ },"d":true } ';
    expect(readMembers(text)).toEqual([
      { key: "a", text: '"a" : 1.10', valueText: "1.10" },
      { key: "b", text: '"b":[1, {"c":"}\\""}]', valueText: '[1, {"c":"}\\""}]' },
      { key: "a", text: '"a":12345678901234567890', valueText: "12345678901234567890" },
      { key: "c", text: '"\\u0063":"x,\\\\"', valueText: '"x,\\\\"' },
      { key: "", text: '"":{ }', valueText: "{ }" },
      { key: "d", text: '"d":true', valueText: "true" },
    ]);
    expect(readMembers(" {\t} ")).toEqual([]);
  });

  it("[R1] agrees with JSON.parse for any indentation", () => {
    const objects = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });
    fc.assert(
      fc.property(objects, fc.constantFrom(0, 1, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const members = readMembers(text);
        expect(members.map(({ key }) => key)).toEqual(Object.keys(JSON.parse(text)));
        expect(members.map(({ valueText }) => JSON.parse(valueText))).toEqual(Object.values(JSON.parse(text)));
        expect(JSON.parse(writeMembers(members))).toEqual(JSON.parse(text));
      }),
    );
  });
});
