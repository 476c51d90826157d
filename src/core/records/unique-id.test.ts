import { describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { isUniqueId } from "@/src/shared/streams/protocol";

describe("createUniqueId", () => {
  it("[R1] creates a UUIDv7 of 32 lowercase hex digits that contains the time", () => {
    const before = Date.now();
    const id = createUniqueId();
    expect(isUniqueId(id)).toBe(true);
    expect(id[12]).toBe("7");
    expect(id[16]).toMatch(/[89ab]/);
    const at = Number.parseInt(id.slice(0, 12), 16);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now() + 1);
  });

  it("[R1] never repeats and always ascends, even within a millisecond and if the clock is set back", () => {
    const now = Date.now();
    const ids = Array.from({ length: 50_000 }, (_, i) => createUniqueId(i % 3 === 0 ? now : now - i));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual([...ids].sort());
    expect(ids.every((id) => isUniqueId(id) && id[12] === "7" && /[89ab]/.test(id.charAt(16)))).toBe(true);
  });
});
