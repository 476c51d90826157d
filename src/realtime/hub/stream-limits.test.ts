/** Open streams are counted and released. */
import { describe, expect, it } from "vitest";
import { isAppError } from "@/src/shared/errors";
import { createStreamLimits } from "./stream-limits";

function outcomeOf(act: () => unknown): string {
  try {
    act();
    return "taken";
  } catch (error) {
    return isAppError(error) ? `${error.code}: ${error.message}` : String(error);
  }
}

describe("streams", () => {
  it.each([
    ["this server", { total: 2, perAccount: 0, perKey: 0, perAddress: 0 }, { ownerId: "o", keyId: "c", address: "10.0.0.3" }],
    ["this account", { total: 0, perAccount: 2, perKey: 0, perAddress: 0 }, { ownerId: "o", keyId: "c", address: "10.0.0.3" }],
    ["this key", { total: 0, perAccount: 0, perKey: 2, perAddress: 0 }, { ownerId: "o", keyId: "a", address: "10.0.0.3" }],
    ["this address", { total: 0, perAccount: 0, perKey: 0, perAddress: 2 }, { ownerId: "o", keyId: "c", address: "10.0.0.1" }],
  ])("[W21] of %s are limited; releasing a stream frees one place, once", (what, config, third) => {
    const limits = createStreamLimits(config);
    const first = limits.take({ ownerId: "o", keyId: "a", address: "10.0.0.1" });
    limits.take({ ownerId: "o", keyId: "a", address: "10.0.0.1" });
    const message = `too_many_streams: Too many open streams: the limit for ${what} is 2. Close some, then connect again.`;
    expect(outcomeOf(() => limits.take(third))).toBe(message);
    first();
    first();
    expect(outcomeOf(() => limits.take(third))).toBe("taken");
    expect(outcomeOf(() => limits.take(third))).toBe(message);
  });

  it("[W21] of one IPv6 network count together", () => {
    const limits = createStreamLimits({ total: 0, perAccount: 0, perKey: 0, perAddress: 1 });
    limits.take({ ownerId: "o", keyId: "a", address: "2001:db8:1:2::1" });
    expect(outcomeOf(() => limits.take({ ownerId: "o", keyId: "b", address: "2001:db8:1:2:ffff::1" }))).toContain("too_many_streams");
    expect(outcomeOf(() => limits.take({ ownerId: "o", keyId: "b", address: "2001:db8:1:3::1" }))).toBe("taken");
  });

  it("[W21] are not limited without a limit", () => {
    const limits = createStreamLimits({ total: 0, perAccount: 0, perKey: 0, perAddress: 0 });
    for (let count = 0; count < 1_000; count++)
      expect(outcomeOf(() => limits.take({ ownerId: "o", keyId: "a", address: "10.0.0.1" }))).toBe("taken");
  });
});
