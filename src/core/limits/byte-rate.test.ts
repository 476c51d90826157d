/** How long work is held up that takes more bytes a second than it may. */
import { expect, it } from "vitest";
import { createByteRate } from "@/src/core/limits/byte-rate";

it("[R16] [G23] lets a second's bytes pass at once, and then as many a second; what was not used is not saved up", () => {
  let time = 0;
  const rate = createByteRate({ bytesPerSecond: 1_000, now: () => time });
  expect([rate.take(600), rate.take(400)]).toEqual([0, 0]);
  expect(rate.take(500)).toBe(500);
  expect(rate.readLeft()).toBe(-500);
  time = 500;
  expect(rate.readLeft()).toBe(0);
  expect(rate.take(1)).toBe(1);
  time = 60_000;
  expect(rate.take(1_000)).toBe(0);
  expect(rate.take(1_000)).toBe(1_000);
});
