/** Tests how long work must wait when it exceeds a limit of bytes per second. */
import { expect, it } from "vitest";
import { createByteRate } from "@/src/core/limits/byte-rate";

it("[R16] [G23] lets one second's bytes pass at once, then limits the rate; unused bytes are not saved", () => {
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
