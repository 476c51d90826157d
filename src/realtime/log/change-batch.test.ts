/** Batches of changes: all messages in order, uploads as one message if the format joins them, and encoded once. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { readTexts } from "@/tests/support/clients/read-frames";
import { encodeChange } from "../wire/encode";
import { limitFormat } from "../wire/message-limit";
import { CURSOR_EVENTS, CURSOR_FRAMES, PLAIN_EVENTS, PLAIN_FRAMES } from "../wire/stream-format";
import { createChangeBatch } from "./change-batch";

const EPOCH = "0".repeat(32);
/** `remainingInUpload`: how many more changes of the upload follow. */
function toChange(seq: number, remainingInUpload?: number): Change {
  const record = { id: seq.toString(16).padStart(32, "0"), version: 1, data: String(seq), createdAt: "", updatedAt: "" };
  return {
    endpointId: "e",
    seq,
    type: "POST",
    record,
    owner: null,
    at: "",
    ...(remainingInUpload === undefined ? {} : { remainingInUpload }),
  };
}

/** Encodes consecutive changes, those of an upload with the earlier ones of it. */
function toBatch(...changes: Change[]) {
  let upload: Change[] = [];
  const encoded = changes.map((change) => {
    const current = [...upload, change];
    upload = change.remainingInUpload === undefined ? [] : current;
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
  });

  it("[W2] an upload is one message, with its last change", () => {
    const batch = toBatch(toChange(1), toChange(2, 1), toChange(3));
    expect(read(batch.toBytes(PLAIN_FRAMES))).toEqual([[1], [2, 3]]);
    expect(read(batch.toBytes(CURSOR_FRAMES))).toEqual([[1], [2], [3]]);
  });

  it("[W2] an incomplete upload is not a message yet", () => {
    const batch = toBatch(toChange(1), toChange(2, 2), toChange(3, 1));
    expect(read(batch.toBytes(PLAIN_FRAMES))).toEqual([[1]]);
    const parts = toBatch(toChange(2, 2), toChange(3, 1));
    expect(parts.toBytes(PLAIN_FRAMES)).toBeUndefined();
    expect(read(parts.toBytes(CURSOR_FRAMES))).toEqual([[2], [3]]);
  });

  it("[W7] is encoded once for all streams with the same format", () => {
    const batch = toBatch(toChange(1), toChange(2));
    expect(batch.toBytes(PLAIN_FRAMES)).toBe(batch.toBytes(PLAIN_FRAMES));
    expect(batch.toBytes(CURSOR_FRAMES)).not.toBe(batch.toBytes(PLAIN_FRAMES));
  });
});

describe("a batch for clients with limits (W27)", () => {
  it("[W27] has the messages that fit and a notice for each other one, whatever limits other clients have", () => {
    const sizes = fc.array(fc.record({ length: fc.integer({ min: 0, max: 6_000 }), isPart: fc.boolean() }), { minLength: 1, maxLength: 8 });
    const limits = fc.array(fc.integer({ min: 2_048, max: 8_000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, limits, fc.constantFrom(CURSOR_FRAMES, PLAIN_FRAMES, CURSOR_EVENTS, PLAIN_EVENTS), (each, bytesMaxs, whole) => {
        const changes = each.map(({ length, isPart }, index) => {
          const change = toChange(index + 1, isPart && index < each.length - 1 ? 1 : undefined);
          return { ...change, record: { ...change.record, data: JSON.stringify("x".repeat(length)) } };
        });
        const batch = toBatch(...changes);
        for (const bytesMax of [...bytesMaxs, 100_000]) {
          const format = limitFormat(whole, { bytesMax, path: "/api/1/ce/orders" });
          const messages = whole.joinsUploads
            ? batch.encoded.filter(({ change }) => change.remainingInUpload === undefined)
            : batch.encoded;
          const expected = messages.map((message) => format.change(message, EPOCH));
          expect(batch.toBytes(format)?.equals(Buffer.concat(expected))).toBe(true);
          for (const message of expected) expect(whole.messageBytes(message)).toBeLessThanOrEqual(bytesMax);
        }
        expect(batch.toBytes(limitFormat(whole, { bytesMax: 100_000, path: "" }))).toBe(batch.toBytes(whole));
      }),
    );
  });
});
