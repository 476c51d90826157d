/** What streams get of changes that go out together: all of them in order, uploads as one message where the format wants that, and encoded once. */
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/ports";
import { readTexts } from "@/tests/support/read-frames";
import { createChangeBatch } from "./change-batch";
import { encodeChange } from "./encode";
import { CURSOR_FRAMES, PLAIN_FRAMES } from "./stream-format";

const EPOCH = "0".repeat(32);
/** `following`: of an upload. */
function toChange(seq: number, following?: number): Change {
  const record = { id: seq.toString(16).padStart(32, "0"), version: 1, data: String(seq), createdAt: "", updatedAt: "" };
  return { endpointId: "e", seq, type: "POST", record, owner: null, at: "", ...(following === undefined ? {} : { following }) };
}

/** Changes that follow on each other; those of an upload are encoded with those before them. */
function toBatch(...changes: Change[]) {
  let upload: Change[] = [];
  const encoded = changes.map((change) => {
    const current = [...upload, change];
    upload = change.following === undefined ? [] : current;
    return encodeChange(change, current);
  });
  return createChangeBatch(encoded, { epoch: EPOCH, seq: changes.at(-1)?.seq ?? 0 });
}

/** The data of each message. */
const read = (bytes: Buffer | undefined) =>
  readTexts(bytes ?? Buffer.alloc(0)).map((text) => [JSON.parse(text).record].flat().map((record: { data: unknown }) => record.data));

describe("createChangeBatch", () => {
  it("[W4] has all changes in order, a frame each", () => {
    const batch = toBatch(toChange(4), toChange(5), toChange(6));
    expect(read(batch.toBytes(CURSOR_FRAMES))).toEqual([[4], [5], [6]]);
    expect(read(batch.toBytes(PLAIN_FRAMES))).toEqual([[4], [5], [6]]);
    expect(batch.whole).toEqual({ epoch: EPOCH, seq: 6 });
    expect(batch.begun).toEqual([]);
  });

  it("[W2] an upload is one message, with its last change", () => {
    const batch = toBatch(toChange(1), toChange(2, 1), toChange(3));
    expect(read(batch.toBytes(PLAIN_FRAMES))).toEqual([[1], [2, 3]]);
    expect(read(batch.toBytes(CURSOR_FRAMES))).toEqual([[1], [2], [3]]);
    expect(batch.whole?.seq).toBe(3);
  });

  it("[W2] an upload whose last change is still to come is no message yet", () => {
    const batch = toBatch(toChange(1), toChange(2, 2), toChange(3, 1));
    expect(read(batch.toBytes(PLAIN_FRAMES))).toEqual([[1]]);
    expect(batch.whole?.seq).toBe(1);
    expect(batch.begun.map(({ change }) => change.seq)).toEqual([2, 3]);
    const parts = toBatch(toChange(2, 2), toChange(3, 1));
    expect(parts.toBytes(PLAIN_FRAMES)).toBeUndefined();
    expect(parts.whole).toBeUndefined();
    expect(read(parts.toBytes(CURSOR_FRAMES))).toEqual([[2], [3]]);
  });

  it("[W7] is encoded once for all that have the same format", () => {
    const batch = toBatch(toChange(1), toChange(2));
    expect(batch.toBytes(PLAIN_FRAMES)).toBe(batch.toBytes(PLAIN_FRAMES));
    expect(batch.toBytes(CURSOR_FRAMES)).not.toBe(batch.toBytes(PLAIN_FRAMES));
  });
});
