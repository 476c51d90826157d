/** Hashing in turn: what waits is bounded, and nobody's turn is lost. */
import { describe, expect, it } from "vitest";
import { hashPassword, isPassword, WAITING_MAX } from "@/src/core/passwords";

describe("passwords", () => {
  it("[L1] are hashed with argon2id and a salt of their own", async () => {
    const [one, other] = await Promise.all([hashPassword("correct horse"), hashPassword("correct horse")]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(other).not.toBe(one);
    expect(await isPassword(one, "correct horse")).toBe(true);
    expect(await isPassword(one, "Correct horse")).toBe(false);
    expect(await isPassword(null, "correct horse")).toBe(false);
  });

  it("are the same however the keyboard composes letters", async () => {
    expect(await isPassword(await hashPassword("caf\u00e9 noir"), "cafe\u0301 noir")).toBe(true);
  });

  it("go on after one that fails", async () => {
    await expect(isPassword("no hash", "x")).rejects.toThrow();
    await expect(isPassword("no hash", "x")).rejects.toThrow();
    expect(await isPassword(null, "x")).toBe(false);
  });

  it("[L6] raise server_busy rather than queue without end", async () => {
    const results = await Promise.allSettled(Array.from({ length: WAITING_MAX + 50 }, () => isPassword(null, "x")));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(50);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "server_busy" });
    expect(await isPassword(null, "x")).toBe(false);
  });
});
