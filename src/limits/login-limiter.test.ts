/** Tests which login attempts count, at an endpoint and at the dashboard (L2, G10). */
import { describe, expect, it } from "vitest";
import { createLoginLimiter } from "@/src/limits/login-limiter";

const address = "203.0.113.7";
const PER_ADDRESS = 50;

const attempts = (count: number, scope?: string) =>
  Array.from({ length: count }, (_, n) => ({ account: `user ${n}`, address, ...(scope === undefined ? {} : { scope }) }));

const isRefused = (begin: Promise<void>) =>
  begin.then(
    () => false,
    () => true,
  );

describe("attempts of an address", () => {
  it("[L2] that were refused do not count: any number of concurrent correct passwords locks nobody out", async () => {
    const limiter = createLoginLimiter();
    const all = attempts(3 * PER_ADDRESS, "app");
    const refused = await Promise.all(all.map((attempt) => isRefused(limiter.begin(attempt))));
    expect(refused.filter(Boolean)).toHaveLength(2 * PER_ADDRESS);
    await Promise.all(all.filter((_, n) => !refused[n]).map((attempt) => limiter.succeed(attempt)));
    for (const attempt of all.slice(0, PER_ADDRESS)) await limiter.begin(attempt);
    await expect(limiter.begin({ account: "another", address, scope: "app" })).rejects.toMatchObject({ code: "rate_limited" });
  });

  it("[L2] that were refused for an account count neither for it nor for the address", async () => {
    const limiter = createLoginLimiter();
    const attempt = { account: "ada", address, scope: "app" };
    const refused = await Promise.all(Array.from({ length: 60 }, () => isRefused(limiter.begin(attempt))));
    expect(refused.filter(Boolean)).toHaveLength(55);
    for (let n = 0; n < 5; n++) await limiter.withdraw(attempt);
    await limiter.begin(attempt);
  });

  it("[L2] [G10] fifty failures at one application do not affect other applications or the dashboard", async () => {
    const limiter = createLoginLimiter();
    for (const attempt of attempts(PER_ADDRESS, "app")) await limiter.begin(attempt);
    await expect(limiter.begin({ account: "ada", address, scope: "app" })).rejects.toMatchObject({ code: "rate_limited" });
    await limiter.begin({ account: "ada", address, scope: "other" });
    for (const attempt of attempts(PER_ADDRESS)) await limiter.begin(attempt);
    await expect(limiter.begin({ account: "ada@example.com", address })).rejects.toMatchObject({ code: "rate_limited" });
  });
});
