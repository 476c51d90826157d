import { expect, it } from "vitest";
import { until } from "@/tests/support/until";
import { createLoopDelay, type DelayMonitor, startLoopDelay } from "./loop-delay";

/** A monitor with constant readings, in milliseconds beyond its resolution of 10, until it is reset. */
function createMonitor(delay: { p50: number; p99: number; max: number }): DelayMonitor & { resets: number } {
  let current = delay;
  const toNanoseconds = (ms: number) => (ms + 10) * 1_000_000;
  return {
    resets: 0,
    get max() {
      return toNanoseconds(current.max);
    },
    percentile: (percentile) => toNanoseconds(percentile === 50 ? current.p50 : current.p99),
    reset() {
      this.resets += 1;
      current = { p50: 0, p99: 0, max: 0 };
    },
  };
}

function createWorld(older: DelayMonitor, newer: DelayMonitor) {
  const warnings: object[] = [];
  let now = 0;
  const delay = createLoopDelay({
    older,
    newer,
    log: { warn: (context) => void warnings.push(context) },
    clock: { now: () => new Date(now) },
  });
  const tick = async () => {
    now += delay.job.intervalMs;
    await delay.job.run();
  };
  return { delay, warnings, tick };
}

it("[E5] the window is the last 30 to 60 s: two monitors are reset in turn", async () => {
  const [first, second] = [createMonitor({ p50: 1, p99: 2, max: 3 }), createMonitor({ p50: 4, p99: 5, max: 6 })];
  const { delay, warnings, tick } = createWorld(first, second);
  expect(delay.read()).toEqual({ p50: 1, p99: 2, max: 3 });
  await tick();
  expect([delay.read(), first.resets, second.resets]).toEqual([{ p50: 4, p99: 5, max: 6 }, 1, 0]);
  await tick();
  expect([delay.read(), first.resets, second.resets]).toEqual([{ p50: 0, p99: 0, max: 0 }, 1, 1]);
  expect(warnings).toEqual([]);
});

it.each([
  { p50: 0, p99: 101, max: 101 },
  { p50: 0, p99: 0, max: 501 },
])("[E5] a late event loop is logged, once a minute at most: %j", async (late) => {
  const { warnings, tick } = createWorld(createMonitor(late), createMonitor(late));
  await tick();
  expect(warnings).toEqual([{ eventLoopDelayMs: late }]);
  // The same lateness, in the other monitor's window.
  await tick();
  expect(warnings).toHaveLength(1);
});

it("[E5] measures a blocked event loop", async () => {
  const delay = startLoopDelay({ log: { warn: () => undefined }, clock: { now: () => new Date() } });
  await until("a delay to be measured", () => delay.read().max > 0 || standStill());
  expect(delay.read().max).toBeGreaterThan(0);
  delay.stop();
});

/** For longer than the monitor's interval. */
function standStill(): false {
  const end = performance.now() + 100;
  while (performance.now() < end);
  return false;
}
