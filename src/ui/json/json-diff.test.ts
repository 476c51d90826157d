import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffJson } from "./json-diff";
import { toCompactText } from "./json-print";
import { parseStored } from "./json-tree";

const diff = (before: string, after: string, limit?: number) =>
  diffJson(parseStored(before), parseStored(after), limit).map((change) => {
    const old = "before" in change ? toCompactText(change.before) : "";
    const now = "after" in change ? toCompactText(change.after) : "";
    return `${change.op} ${change.path}: ${old} > ${now}`;
  });

describe("diffJson", () => {
  it("names the deepest paths that differ", () => {
    expect(diff('{"a":1,"b":{"c":[1,{"d":2}]},"e":true}', '{"a":1,"b":{"c":[1,{"d":3}]},"f":null}')).toEqual([
      "changed b.c[1].d: 2 > 3",
      "added f:  > null",
      "removed e: true > ",
    ]);
  });

  it("detects an inserted or removed item instead of changes to all following ones", () => {
    expect(diff("[1,2,3]", "[1,9,2,3]")).toEqual(["added [1]:  > 9"]);
    expect(diff("[1,2,3,4]", "[1,4]")).toEqual(["removed [1]: 2 > ", "removed [2]: 3 > "]);
    expect(diff("[1,2,3]", "[1,5,3]")).toEqual(["changed [1]: 2 > 5"]);
    expect(diff("[1,1]", "[1]")).toEqual(["removed [1]: 1 > "]);
  });

  it("reports a change of type, also at the root", () => {
    expect(diff('{"a":[1]}', '{"a":{"0":1}}')).toEqual(['changed a: [1] > {"0": 1}']);
    expect(diff('"x"', "1")).toEqual(['changed : "x" > 1']);
  });

  it("ignores the order of keys, but not digits", () => {
    expect(diff('{"a":1,"b":2}', '{"b":2,"a":1}')).toEqual([]);
    expect(diff("1.0", "1.00")).toEqual(["changed : 1.0 > 1.00"]);
    expect(diff("12345678901234567890", "12345678901234567891")).toHaveLength(1);
  });

  it("stops at its limit", () => {
    const keys = (value: number) => JSON.stringify(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, value])));
    expect(diff(keys(1), keys(2), 3)).toHaveLength(3);
  });

  it("finds no difference between a value and itself, and some between different values", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
        expect(diff(a, a)).toEqual([]);
        const sorted = (value: unknown): unknown =>
          Array.isArray(value)
            ? value.map(sorted)
            : value && typeof value === "object"
              ? Object.entries(value)
                  .toSorted()
                  .map(([key, inner]) => [key, sorted(inner)])
              : { value };
        expect(diff(a, b).length > 0).toBe(
          JSON.stringify(sorted(one)) !== JSON.stringify(sorted(other)) || Array.isArray(one) !== Array.isArray(other),
        );
      }),
    );
  });
});
