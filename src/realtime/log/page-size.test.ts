/** Sizes are bytes of UTF-8, whatever the script. */
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { toChangeSize, toNextPageLimit } from "./page-size";

function toChange(data: string): Change {
  const at = "2026-01-01T00:00:00.000Z";
  return { endpointId: "e", seq: 1, type: "POST", record: { id: "r", version: 1, data, createdAt: at, updatedAt: at }, owner: null, at };
}

describe("the size of a change", () => {
  it("[W7] counts bytes, not UTF-16 units", () => {
    const [latin, chinese] = [toChange(`"${"x".repeat(3_000)}"`), toChange(`"${"水".repeat(1_000)}"`)];
    expect(toChangeSize(chinese)).toBe(toChangeSize(latin));
    expect(toNextPageLimit([chinese], 512)).toBe(toNextPageLimit([latin], 512));
  });
});
