/** Tests when management requests run, and whose limits they count against. */
import { describe, expect, it } from "vitest";
import { createManagementLimits } from "@/src/core/limits/management-limits";

function setUp(perMinute = 8, now: () => number = () => 0) {
  const counts = new Map<string, number>();
  const limiter = {
    giveBack: () => undefined,
    take: async (id: string, limit: number) => {
      const count = (counts.get(id) ?? 0) + 1;
      counts.set(id, count);
      return { allowed: count <= limit, limit, remaining: Math.max(0, limit - count), resetSeconds: 60 };
    },
  };
  return createManagementLimits({ limiter, perMinute, now });
}

/** How many of `count` requests run at once; the rest is queued. */
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

  it("[G23] refuses an account with server_busy when 100 of its requests are queued", async () => {
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

  it("[G23] limits an account, and a network to a quarter of that", async () => {
    const limits = setUp(8);
    const verdicts: object[] = [];
    const note = (verdict: object) => void verdicts.push(verdict);
    await limits.count({ account: "ada" }, { onVerdict: note });
    await limits.count({ address: "2001:db8::1" }, { onVerdict: note });
    await limits.count({ address: "2001:db8::2" }, { onVerdict: note });
    await expect(limits.count({ address: "2001:db8::3" }, { onVerdict: note })).rejects.toMatchObject({
      code: "rate_limited",
      retryAfterSeconds: 60,
    });
    await limits.count({ address: "192.0.2.1" });
    expect(verdicts).toMatchObject([
      { allowed: true, limit: 8, remaining: 7 },
      { allowed: true, limit: 2 },
      { allowed: true, limit: 2 },
      { allowed: false, limit: 2 },
    ]);
    await setUp(0).count({ account: "ada" }, { onVerdict: () => expect.unreachable() });
  });

  it("[G23] bars only the sign-in of an account that exceeds its rate, until its minute is over", async () => {
    let time = 0;
    const limits = setUp(1, () => time);
    const send = (headers: Record<string, string>, remoteAddress = "192.0.2.1") =>
      limits.refuseEarly({ headers, socket: { remoteAddress } });
    const ada = { authorization: "Bearer ada" };
    await limits.count({ account: "ada" }, { headers: new Headers(ada) });
    expect(send(ada)).toBeUndefined();
    await expect(limits.count({ account: "ada" }, { headers: new Headers(ada) })).rejects.toMatchObject({ code: "rate_limited" });
    time = 20_500;
    expect(send(ada)).toEqual({ allowed: false, limit: 1, remaining: 0, resetSeconds: 40 });
    expect(send({ authorization: "Bearer bob" })).toBeUndefined();
    expect(send({ cookie: "session=ada" })).toBeUndefined();
    expect(send({})).toBeUndefined();
    time = 60_000;
    expect(send(ada)).toBeUndefined();
  });

  it("[G23] bars a network that exceeds its rate without a sign-in, but not its signed-in users", async () => {
    const limits = setUp(4);
    const refuse = (headers: Record<string, string>, address: string) =>
      limits.count({ address }, { headers: new Headers(headers) }).then(
        () => expect.unreachable(),
        () => undefined,
      );
    const find = (headers: Record<string, string>, remoteAddress: string) => limits.refuseEarly({ headers, socket: { remoteAddress } });
    await limits.count({ address: "2001:db8::1" });
    await refuse({ cookie: "session=ada" }, "2001:db8::1");
    expect(find({}, "2001:db8::2")).toBeUndefined();
    expect(find({ cookie: "session=ada" }, "2001:db8::1")).toBeUndefined();
    await refuse({}, "2001:db8::1");
    expect(find({}, "2001:db8::2")).toMatchObject({ allowed: false, limit: 1 });
    expect(find({ cookie: "session=ada" }, "2001:db8::1")).toBeUndefined();
    expect(find({}, "2001:db8:1::1")).toBeUndefined();
  });

  it("[G23] lets a network without a sign-in send a burst, and then limits its rate", () => {
    let time = 0;
    const limits = setUp(1_200, () => time);
    const send = (remoteAddress: string, headers: Record<string, string> = {}) =>
      limits.refuseEarly({ headers, socket: { remoteAddress } });
    for (let n = 0; n < 20; n++) expect(send("2001:db8::1")).toBeUndefined();
    expect(send("2001:db8::2")).toEqual({ allowed: false, limit: 300, remaining: 0, resetSeconds: 1 });
    expect(send("2001:db8::1", { cookie: "session=ada" })).toBeUndefined();
    expect(send("192.0.2.1")).toBeUndefined();
    time = 200;
    expect([send("2001:db8::1"), send("2001:db8::1")?.allowed]).toEqual([undefined, false]);
    time = 60_000;
    for (let n = 0; n < 20; n++) expect(send("2001:db8::1")).toBeUndefined();
    expect(send("2001:db8::1")?.allowed).toBe(false);
    const unlimited = setUp(0, () => time);
    for (let n = 0; n < 100; n++) expect(unlimited.refuseEarly({ headers: {}, socket: {} })).toBeUndefined();
  });
});
