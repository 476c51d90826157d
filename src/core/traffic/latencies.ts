/** Fixed buckets of latencies, from which percentiles are estimated. Counts of several processes and minutes can be added up. */

/** The upper bounds of the buckets in ms, each at most half as much again as the one before. A last bucket without a bound follows. */
export const LATENCY_BOUNDS_MS = [
  0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16_384, 32_768,
] as const;

export const LATENCY_BUCKETS = LATENCY_BOUNDS_MS.length + 1;

/** The index of the bucket that counts `ms`. */
export function toLatencyBucket(ms: number): number {
  let from = 0;
  let to: number = LATENCY_BOUNDS_MS.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ms <= (LATENCY_BOUNDS_MS[middle] ?? Number.POSITIVE_INFINITY)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * The latency in ms that the share `part` (0 to 1) of the requests does not exceed, interpolated within its bucket. In the last bucket it is that bucket's
 * lower bound. Null: nothing was counted.
 */
export function toPercentile(counts: readonly number[], part: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = part * total;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && left <= count) {
      const lower = LATENCY_BOUNDS_MS[index - 1] ?? 0;
      const upper = LATENCY_BOUNDS_MS[index];
      if (upper === undefined) return lower;
      return round(lower + ((upper - lower) * left) / count);
    }
    left -= count;
  }
  return LATENCY_BOUNDS_MS.at(-1) ?? null;
}

/** Three digits say as much as the buckets know. */
function round(ms: number): number {
  return Number(ms.toPrecision(3));
}
