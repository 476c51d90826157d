/** Tests the cursors of lists (R3). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPageCursor, parsePageCursor } from "@/src/core/records/page-cursor";

const A = "0193a5b0-0000-7000-8000-00000000000a";
const B = "0193a5b0-0000-7000-8000-00000000000b";
const INVALID = { code: "parameter_invalid" };

describe("a page cursor", () => {
  it("[R3] is read as it was written, for its endpoint and both orders", () => {
    fc.assert(
      fc.property(fc.constantFrom("asc" as const, "desc" as const), fc.nat(Number.MAX_SAFE_INTEGER), (order, seq) => {
        const text = formatPageCursor({ endpointId: A, order, seq });
        expect(text).toMatch(/^[\w-]+$/);
        for (const requested of [order, undefined])
          expect(parsePageCursor(text, { endpointId: A, order: requested })).toEqual({ order, seq });
      }),
    );
  });

  it("[R3] is rejected at another endpoint and for the other order", () => {
    const text = formatPageCursor({ endpointId: A, order: "asc", seq: 5 });
    expect(() => parsePageCursor(text, { endpointId: B, order: "asc" })).toThrow(expect.objectContaining(INVALID));
    expect(() => parsePageCursor(text, { endpointId: A, order: "desc" })).toThrow(expect.objectContaining(INVALID));
    expect(() => parsePageCursor(text, { endpointId: A, order: "desc" })).toThrow(/order=asc/);
  });

  it("[R3] has exactly one spelling", () => {
    const text = formatPageCursor({ endpointId: A, order: "asc", seq: 5 });
    for (const other of [
      "",
      "0",
      text.slice(1),
      text.slice(0, -1),
      `${text} `,
      `x${text.slice(1)}`,
      `${text}\0`,
      `${text.slice(0, 9)}zzzzzzzzzzz`,
    ]) {
      expect(() => parsePageCursor(other, { endpointId: A, order: undefined })).toThrow(expect.objectContaining(INVALID));
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 24 }), (other) => {
        expect(() => parsePageCursor(other, { endpointId: A, order: undefined })).toThrow(expect.objectContaining(INVALID));
      }),
    );
  });
});
