/** Tests the proof of a change (W26): it is the same on every server and differs for different changes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "@/src/shared/streams/cursor";
import { toProof } from "./change-proof";

const recordId = "0189a0e5c0de7000800000000000000a";
const at = "2026-01-02T03:04:05.678Z";

const parts = fc.record({
  recordId: fc.uuid().map((uuid) => uuid.replaceAll("-", "")),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  at: fc.date({ min: new Date("2020-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }).map((date) => date.toISOString()),
});

describe("toProof", () => {
  it("[W26] is the same in every version and on every server", () => {
    expect(toProof({ recordId, seq: 42, at })).toBe("42c4e447");
  });

  it("[W26] depends on the record, on the time in milliseconds, and on the seq", () => {
    const others = [
      { recordId: recordId.replace("a", "b"), seq: 42, at },
      { recordId, seq: 43, at },
      { recordId, seq: 42 + 2 ** 32, at },
      { recordId, seq: 42, at: "2026-01-02T03:04:05.679Z" },
    ];
    expect(new Set([toProof({ recordId, seq: 42, at }), ...others.map(toProof)]).size).toBe(5);
  });

  it("[W26] collides no more often than chance for changes of one record a millisecond apart", () => {
    const proofs = Array.from({ length: 10_000 }, (_, ms) =>
      toProof({ recordId, seq: 42, at: new Date(1_767_322_000_000 + ms).toISOString() }),
    );
    // By chance 0.01 of these pairs would collide.
    expect(new Set(proofs).size).toBeGreaterThan(9_997);
  });

  it("[W26] makes a cursor that is parsed as it was formatted", () => {
    fc.assert(
      fc.property(parts, ({ seq, ...rest }) => {
        const cursor = { epoch: recordId, seq, proof: toProof({ seq, ...rest }) };
        expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
      }),
    );
  });
});
