/** Tests idempotency keys and stored responses (R9). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIdempotencyHeader, toIdempotencyKey, toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";

const KEY_1 = { master: false, keyId: "1", user: null };

describe("an Idempotency-Key", () => {
  it.each([["a"], ["~ !"], ["x".repeat(255)], ['"quoted"']])("[R9] may be %s", (header) => {
    expect(parseIdempotencyHeader(header)).toBe(header);
  });

  it.each([[""], ["x".repeat(256)], ["naïve"], ["a\tb"], ["a\u007f"]])("[R9] may not be %j", (header) => {
    expect(() => parseIdempotencyHeader(header)).toThrow(expect.objectContaining({ code: "idempotency_key_invalid" }));
  });

  it("[R9] differs for another caller", () => {
    const callers = [
      KEY_1,
      { ...KEY_1, keyId: "2" },
      { ...KEY_1, user: { id: "1" } },
      { ...KEY_1, user: { id: "2" } },
      { ...KEY_1, master: true },
    ];
    const hashes = callers.map((caller) => Buffer.from(toIdempotencyKey({ header: "k", caller, request: [] }).hash).toString("hex"));
    expect(new Set(hashes).size).toBe(callers.length);
    const byOtherKey = toIdempotencyKey({ header: "k", caller: { master: false, keyId: "2", user: { id: "1" } }, request: [] });
    expect(Buffer.from(byOtherKey.hash).toString("hex"), "the same user, with another key").toBe(hashes[2]);
  });

  it("[R9] distinguishes requests regardless of where their parts begin and end", () => {
    const print = (...request: string[]) =>
      Buffer.from(toIdempotencyKey({ header: "k", caller: KEY_1, request }).fingerprint).toString("hex");
    expect(print("a", "b")).toBe(print("a", "b"));
    const others = [print("a", "b"), print("ab", ""), print("", "ab"), print("ab"), print("a", "b", ""), print("b", "a"), print("1:a1:b")];
    expect(new Set(others).size).toBe(others.length);
  });
});

describe("a stored response", () => {
  it("[R9] is read as it was written, whatever the data", () => {
    const record = fc.record({
      id: fc.constant("0".repeat(32)),
      version: fc.constant(1),
      data: fc.oneof(
        fc.json(),
        fc.constantFrom("1e400", "-0", '"]},{\\""', '{"uniqueId":"x","data":[1, 2]}', '[ 1 ,\n{ "a" : "," } ]', '"\\ud800"'),
      ),
      createdAt: fc.constant("2026-11-24T00:00:00.000Z"),
      updatedAt: fc.constant("2026-11-24T00:00:00.001Z"),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), (records) => {
        expect(toReplay({ outcome: "replayed", response: writeStoredResponse(records) })).toEqual({ records, isReplay: true });
      }),
    );
  });
});
