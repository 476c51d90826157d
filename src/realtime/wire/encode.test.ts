/** Frames, byte by byte. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { readTexts } from "@/tests/support/clients/read-frames";
import { encodeChange, toTextFrame } from "./encode";
import { CURSOR_FRAMES } from "./stream-format";

const EPOCH = "0123456789abcdef0123456789abcdef";

function toChange(data: string): Change {
  return {
    endpointId: "e",
    seq: 7,
    type: "PUT",
    record: { id: "0".repeat(32), version: 2, data, createdAt: "2026-01-02T03:04:05.006Z", updatedAt: "2026-01-02T03:04:05.007Z" },
    owner: null,
    at: "2026-01-02T03:04:05.007Z",
  };
}

describe("toTextFrame", () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])("writes a text of %d bytes so that it is read back", (length) => {
    const text = "x".repeat(length);
    expect(readTexts(toTextFrame(text))).toEqual([text]);
  });

  it("counts bytes, not characters", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 100 })), (texts) => {
        expect(readTexts(Buffer.concat(texts.map(toTextFrame)))).toEqual(texts);
      }),
    );
  });
});

describe("encodeChange", () => {
  it("[W2] is the type and the record, and nothing else", () => {
    expect(readTexts(encodeChange(toChange('{"a":1}')).plain())).toEqual([
      `{"type":"PUT","record":{"uniqueId":"${"0".repeat(32)}","data":{"a":1},"createdAt":"2026-01-02T03:04:05.006Z","updatedAt":"2026-01-02T03:04:05.007Z"}}`,
    ]);
  });

  it("[R1] keeps the order of keys and the digits of numbers", () => {
    const data = '{ "b": 1.10, "a": 123456789012345678901234567890,\n"2": 0, "1": 1e2 }';
    const [text] = readTexts(encodeChange(toChange(data)).plain());
    expect(text).toContain(`"data":${data},`);
  });

  it("[W9] carries the cursor in resumable mode", () => {
    const [text = ""] = readTexts(encodeChange(toChange('"text"')).withCursor(EPOCH));
    expect(JSON.parse(text)).toEqual({
      type: "PUT",
      record: { uniqueId: "0".repeat(32), data: "text", createdAt: "2026-01-02T03:04:05.006Z", updatedAt: "2026-01-02T03:04:05.007Z" },
      cursor: `${EPOCH}-7-2d1aeae5`,
    });
  });

  it("[W2] is one message with all records of an upload, in order; with a cursor each record is its own", () => {
    const [first, last] = [{ ...toChange("1"), remainingInUpload: 1 }, toChange("2")];
    const [plain = ""] = readTexts(encodeChange(last, [first, last]).plain());
    const record = (data: string) => JSON.stringify(JSON.parse(readTexts(encodeChange(toChange(data)).plain())[0] ?? "").record);
    expect(plain).toBe(`{"type":"PUT","record":[${record("1")},${record("2")}]}`);
    const [text = ""] = readTexts(encodeChange(last, [first, last]).withCursor(EPOCH));
    expect(JSON.parse(text)).toEqual({ ...JSON.parse(`{"type":"PUT","record":${record("2")}}`), cursor: `${EPOCH}-7-2d1aeae5` });
  });

  it("encodes each format once", () => {
    const encoded = encodeChange(toChange("null"));
    expect(encoded.plain()).toBe(encoded.plain());
    expect(encoded.withCursor(EPOCH)).toBe(encoded.withCursor(EPOCH));
  });
});

describe("control messages", () => {
  it("[W9] READY and BEAT carry a cursor", () => {
    expect(readTexts(CURSOR_FRAMES.ready({ epoch: EPOCH, seq: 3 }))).toEqual([`{"type":"READY","cursor":"${EPOCH}-3"}`]);
    expect(readTexts(CURSOR_FRAMES.heartbeat({ epoch: EPOCH, seq: 4 }))).toEqual([`{"type":"BEAT","cursor":"${EPOCH}-4"}`]);
  });

  it("[W10] GAP has its range, its reason, and the cursor from which the stream continues", () => {
    const frame = CURSOR_FRAMES.gap({ from: { epoch: EPOCH, seq: 3 }, to: { epoch: EPOCH, seq: 9 }, reason: "expired" });
    expect(readTexts(frame).map((text) => JSON.parse(text))).toEqual([
      { type: "GAP", from: `${EPOCH}-3`, to: `${EPOCH}-9`, reason: "expired", cursor: `${EPOCH}-9` },
    ]);
  });
});
