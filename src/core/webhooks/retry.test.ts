import { describe, expect, it } from "vitest";
import { parseRetryAfter, toRetryMs } from "./retry";

const now = new Date("2030-01-01T12:00:00Z");
const retry = (attempts: number, options: { retryAfter?: string; random?: number } = {}) =>
  toRetryMs({ attempts, firstMs: 5_000, retryAfter: options.retryAfter, now, random: options.random ?? 0.5 });

describe("toRetryMs", () => {
  it("[H4] doubles with each try, up to an hour", () => {
    expect([1, 2, 3, 4, 10, 11, 200].map((attempts) => retry(attempts))).toEqual([
      5_000, 10_000, 20_000, 40_000, 2_560_000, 3_600_000, 3_600_000,
    ]);
  });

  it("[H4] varies by a fifth in both directions", () => {
    expect([0, 0.25, 0.75, 1].map((random) => retry(1, { random }))).toEqual([4_000, 4_500, 5_500, 6_000]);
  });

  it("[H4] waits for Retry-After if that is longer, up to an hour", () => {
    expect(["1", "60", "7200", "nonsense", "-5"].map((retryAfter) => retry(1, { retryAfter }))).toEqual([
      5_000, 60_000, 3_600_000, 5_000, 5_000,
    ]);
  });
});

it("[H4] a Retry-After is a number of seconds or a date", () => {
  const parse = (text: string | undefined) => parseRetryAfter(text, now);
  expect(["0", "120", " 5 ", "Tue, 01 Jan 2030 12:01:00 GMT", "Mon, 31 Dec 2029 12:00:00 GMT"].map(parse)).toEqual([
    0, 120_000, 5_000, 60_000, 0,
  ]);
  expect([undefined, "", "soon"].map(parse)).toEqual([undefined, undefined, undefined]);
});
