/** Who is carried out when, and who is counted as whom. */
import { describe, expect, it } from "vitest";
import { createManagementLimits } from "@/src/core/management-limits";

function setUp(perMinute = 8) {
  const counts = new Map<string, number>();
  const limiter = {
    take: async (id: string, limit: number) => {
      const count = (counts.get(id) ?? 0) + 1;
      counts.set(id, count);
      return { allowed: count <= limit, limit, remaining: Math.max(0, limit - count), resetSeconds: 60 };
    },
  };
  return createManagementLimits({ limiter, perMinute });
}

/** How many of `count` have their turn; the rest waits. */
async function enterMany(enter: () => Promise<() => void>, count: number) {
  const entered: (() => void)[] = [];
  const refused: unknown[] = [];
  for (let n = 0; n < count; n++)
    enter().then(
      (leave) => entered.push(leave),
      (error) => refused.push(error),
    );
  await new Promise(setImmediate);
  return { entered, refused };
}

describe("createManagementLimits", () => {
  it.each([
    ["request", 8],
    ["heavy", 2],
    ["export", 2],
    ["import", 2],
    ["upload", 4],
    ["page", 16],
  ] as const)("[G23] %s: %i of one account at once; the next begins when one ends, and others don't wait", async (kind, atOnce) => {
    const limits = setUp();
    const { entered } = await enterMany(() => limits.enter(kind, { account: "ada" }), atOnce + 3);
    expect(entered).toHaveLength(atOnce);
    (await limits.enter(kind, { account: "bob" }))();
    entered[0]?.();
    await new Promise(setImmediate);
    expect(entered).toHaveLength(atOnce + 1);
  });

  it("[G23] refuses an account with server_busy when 100 of its requests wait", async () => {
    const limits = setUp();
    const { entered, refused } = await enterMany(() => limits.enter("heavy", { account: "ada" }), 105);
    expect([entered.length, refused.length]).toEqual([2, 3]);
    expect(refused[0]).toMatchObject({ code: "server_busy", retryAfterSeconds: 2 });
    (await limits.enter("heavy", { account: "bob" }))();
    for (let leave = entered.shift(); leave; leave = entered.shift()) {
      leave();
      await new Promise(setImmediate);
    }
  });

  it("[G23] counts an account, and a quarter as much for a network", async () => {
    const limits = setUp(8);
    const verdicts: object[] = [];
    const note = (verdict: object) => void verdicts.push(verdict);
    await limits.count({ account: "ada" }, note);
    await limits.count({ address: "2001:db8::1" }, note);
    await limits.count({ address: "2001:db8::2" }, note);
    await expect(limits.count({ address: "2001:db8::3" }, note)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 60 });
    await limits.count({ address: "192.0.2.1" });
    expect(verdicts).toMatchObject([
      { allowed: true, limit: 8, remaining: 7 },
      { allowed: true, limit: 2 },
      { allowed: true, limit: 2 },
      { allowed: false, limit: 2 },
    ]);
    await setUp(0).count({ account: "ada" }, () => expect.unreachable());
  });
});
