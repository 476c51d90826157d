import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ShortLivedMap } from "./short-lived-map";

const listed = <Key, Value extends object | string | number | true>(map: ShortLivedMap<Key, Value>) => [...map.entries()];

describe("a map for short-lived entries", () => {
  test("behaves like Map, whatever is set and deleted", () => {
    const key = fc.integer({ min: 0, max: 60 });
    const act = fc.oneof(fc.record({ kind: fc.constant("set" as const), key }), fc.record({ kind: fc.constant("delete" as const), key }));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 400 }), (acts) => {
        const map = new ShortLivedMap<number, number>();
        const model = new Map<number, number>();
        acts.forEach(({ kind, key }, value) => {
          if (kind === "delete") expect(map.delete(key)).toBe(model.delete(key));
          else {
            map.set(key, value);
            model.set(key, value);
          }
          expect(map.size).toBe(model.size);
          expect(map.get(key)).toBe(model.get(key));
        });
        expect(listed(map)).toEqual([...model]);
      }),
      { numRuns: 200 },
    );
  });

  test("accepts 0 and the empty text as values", () => {
    const map = new ShortLivedMap<string, number | string>();
    map.set("a", 0);
    map.set("b", "");
    expect([map.size, map.get("a"), map.get("b"), map.delete("a"), map.delete("a")]).toEqual([2, 0, "", true, false]);
  });

  test("an entry may be deleted while it is the current one of an iteration", () => {
    const map = new ShortLivedMap<number, true>();
    for (let key = 0; key < 100; key += 1) map.set(key, true);
    const seen: number[] = [];
    for (const [key] of map.entries()) {
      seen.push(key);
      map.delete(key);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, key) => key));
    expect(map.size).toBe(0);
  });
});
