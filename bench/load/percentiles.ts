/** Collects latencies, and returns their percentiles. */

export interface Percentiles {
  count: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  max: number;
}

export interface Samples {
  /** Milliseconds. */
  add(value: number): void;
  toPercentiles(): Percentiles;
}

const FIRST_CAPACITY = 1 << 16;

/** The percentiles of values in milliseconds. */
export function toPercentiles(values: readonly number[]): Percentiles {
  const samples = createSamples();
  for (const value of values) samples.add(value);
  return samples.toPercentiles();
}

/** Keeps every sample, so that percentiles are exact. */
export function createSamples(): Samples {
  let values = new Float64Array(FIRST_CAPACITY);
  let count = 0;
  return {
    add(value) {
      if (count === values.length) {
        const larger = new Float64Array(values.length * 2);
        larger.set(values);
        values = larger;
      }
      values[count++] = value;
    },
    toPercentiles() {
      const sorted = values.slice(0, count).sort();
      const at = (share: number) => sorted[Math.max(0, Math.ceil(count * share) - 1)] ?? 0;
      return { count, p50: at(0.5), p99: at(0.99), max: at(1) };
    },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
