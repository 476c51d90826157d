import { describe, expect, it } from "vitest";
import { LATENCY_BOUNDS_MS, LATENCY_BUCKETS, toLatencyBucket, toPercentile } from "./latencies";

const count = (...latencies: number[]) => {
  const counts = new Array<number>(LATENCY_BUCKETS).fill(0);
  for (const ms of latencies) counts[toLatencyBucket(ms)] = (counts[toLatencyBucket(ms)] ?? 0) + 1;
  return counts;
};

describe("the buckets of latencies", () => {
  it("[G31] count each latency in the first bucket whose bound it does not exceed", () => {
    for (const [index, bound] of LATENCY_BOUNDS_MS.entries()) {
      expect(toLatencyBucket(bound), `${bound} ms`).toBe(index);
      expect(toLatencyBucket(bound * 1.0001), `just above ${bound} ms`).toBe(index + 1);
    }
    expect(toLatencyBucket(0)).toBe(0);
    expect(toLatencyBucket(1e9)).toBe(LATENCY_BUCKETS - 1);
  });

  it("[G31] give percentiles within the bucket of the true one", () => {
    const latencies = Array.from({ length: 1_000 }, (_, index) => 1 + index / 10);
    const counts = count(...latencies);
    for (const part of [0.5, 0.9, 0.99]) {
      const exact = 1 + part * 100;
      const found = toPercentile(counts, part) ?? 0;
      expect(Math.abs(found - exact) / exact, `p${part * 100}: ${found} for ${exact}`).toBeLessThan(0.25);
    }
    expect(toPercentile(count(...new Array<number>(98).fill(3), 900, 900), 0.5)).toBeLessThanOrEqual(3);
    expect(toPercentile(count(...new Array<number>(98).fill(3), 900, 900), 0.99)).toBeGreaterThan(768);
  });

  it("[G31] give no percentile without requests, and the last bound for what exceeds it", () => {
    expect(toPercentile(count(), 0.5)).toBeNull();
    expect(toPercentile([], 0.99)).toBeNull();
    expect(toPercentile(count(1e9), 0.5)).toBe(LATENCY_BOUNDS_MS.at(-1));
  });
});
