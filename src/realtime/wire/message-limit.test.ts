/** The notice that replaces a message that is too large (W27) always fits the limit. */
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { encodeChange } from "./encode";
import { limitFormat, parseMaxMessage } from "./message-limit";
import { CURSOR_EVENTS, CURSOR_FRAMES, PLAIN_EVENTS, PLAIN_FRAMES } from "./stream-format";

const LEAST = 2_048;
const EPOCH = "f".repeat(32);

function toChange(index: number): Change {
  const record = {
    id: index.toString(16).padStart(32, "0"),
    version: 2 ** 31 - 1,
    data: `"${"x".repeat(1_000_000)}"`,
    createdAt: "",
    updatedAt: "",
  };
  return { endpointId: "e", seq: Number.MAX_SAFE_INTEGER, type: "POST", record, owner: null, at: "" };
}

describe("limitFormat", () => {
  it.each([
    ["CURSOR_FRAMES", CURSOR_FRAMES],
    ["PLAIN_FRAMES", PLAIN_FRAMES],
    ["CURSOR_EVENTS", CURSOR_EVENTS],
    ["PLAIN_EVENTS", PLAIN_EVENTS],
  ])("[W27] %s: of ten files at the longest name of an endpoint, the notice fits the smallest limit", (_name, whole) => {
    const upload = Array.from({ length: 10 }, (_, index) => toChange(index));
    const last = upload.at(-1) ?? toChange(0);
    const format = limitFormat(whole, { bytesMax: LEAST, path: `/api/1/ce/${"e".repeat(254)}` });
    const notice = format.change(encodeChange(last, upload), EPOCH);
    expect(notice.toString()).toContain("OMITTED");
    expect(whole.messageBytes(notice)).toBeLessThanOrEqual(LEAST);
  });

  it("[W27] accepts the smallest limit, and no smaller one", () => {
    expect(parseMaxMessage(new URLSearchParams(`maxMessage=${LEAST}`))).toBe(LEAST);
    expect(() => parseMaxMessage(new URLSearchParams(`maxMessage=${LEAST - 1}`))).toThrow(/2048 or more/);
    expect(parseMaxMessage(new URLSearchParams(""))).toBeUndefined();
  });
});
