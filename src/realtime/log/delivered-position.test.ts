/** A position in the middle of an upload knows the place before the upload. */
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { encodeChange } from "../wire/encode";
import { advance, type DeliveredPosition, toUploadBoundary } from "./delivered-position";

const EPOCH = "0".repeat(32);

function advanceBy(before: DeliveredPosition, ...changes: [seq: number, remaining?: number][]): DeliveredPosition {
  const encoded = changes.map(([seq, remaining]) => {
    const record = { id: seq.toString(16).padStart(32, "0"), version: 1, data: "1", createdAt: "", updatedAt: "" };
    const change: Change = { endpointId: "e", seq, type: "POST", record, owner: null, at: "" };
    return encodeChange(remaining === undefined ? change : { ...change, remainingInUpload: remaining });
  });
  const to = encoded.at(-1)?.position(EPOCH) ?? { epoch: EPOCH, seq: before.seq + 1 };
  return advance(before, encoded, to);
}

describe("advance", () => {
  const start = { epoch: EPOCH, seq: 0 };

  it("[W9] between uploads is the place of the last change", () => {
    const position = advanceBy(start, [1], [2, 1], [3]);
    expect(position.seq).toBe(3);
    expect(toUploadBoundary(position)).toEqual(position);
  });

  it("[W16] in the middle of an upload keeps the place of the last change before it", () => {
    const begun = advanceBy(start, [1], [2, 2]);
    expect([begun.seq, toUploadBoundary(begun).seq]).toEqual([2, 1]);
    const goesOn = advanceBy(begun, [3, 1]);
    expect([goesOn.seq, toUploadBoundary(goesOn).seq]).toEqual([3, 1]);
    const complete = advanceBy(goesOn, [4]);
    expect([complete.seq, toUploadBoundary(complete).seq]).toEqual([4, 4]);
  });

  it("[W16] from the first change of an upload on keeps the place that it had before", () => {
    const begun = advanceBy(start, [1, 1]);
    expect([begun.seq, toUploadBoundary(begun).seq]).toEqual([1, 0]);
  });

  it("[W13] [W16] of changes that a filter left out stays in the upload, or between two", () => {
    const begun = advanceBy(start, [1, 1]);
    expect(toUploadBoundary(advanceBy(begun)).seq).toBe(0);
    expect(toUploadBoundary(advanceBy(start)).seq).toBe(1);
  });
});
