/**
 * Measures stream filters: how many records per second the sandbox evaluates with one expression, in batches and one at a time.
 * Run: npm run bench -- filters [expression]
 */
import { createSandbox } from "@/src/sandbox/sandbox";

const MEASURE_MS = 3_000;
const WARM_UP_MS = 1_000;
const SIZES = [1, 8, 32, 128, 256];

const expression = process.argv[2] ?? "data.room = 'r1' and data.price > 5";
const sandbox = createSandbox({ timeoutMs: 1_000, memoryBytesMax: 128 * 1024 * 1024, log: console });
const records = Array.from({ length: Math.max(...SIZES) }, (_, n) =>
  JSON.stringify({
    uniqueId: n.toString(16).padStart(32, "0"),
    data: { room: `r${n % 10}`, price: n, text: "x".repeat(60) },
    createdAt: "2026-11-27T00:00:00.000Z",
    updatedAt: "2026-11-27T00:00:00.000Z",
  }),
);

await measure(1, WARM_UP_MS);
console.log(expression);
const single = await measure(1, MEASURE_MS);
for (const size of SIZES) {
  const { rate, turnMs } = size === 1 ? single : await measure(size, MEASURE_MS);
  console.log(
    `${size} per batch: ${Math.round(rate).toLocaleString("en")} records/s, ${turnMs.toFixed(1)} ms per batch, ×${(rate / single.rate).toFixed(1)}`,
  );
}
await sandbox.close();

/** Evaluates one batch after the other, as a feed does. */
async function measure(size: number, ms: number): Promise<{ rate: number; turnMs: number }> {
  const inputs = records.slice(0, size);
  const startedAt = performance.now();
  let [judged, turns] = [0, 0];
  while (performance.now() - startedAt < ms) {
    judged += (await sandbox.filter(expression, inputs)).length;
    turns += 1;
  }
  const took = performance.now() - startedAt;
  return { rate: (judged / took) * 1_000, turnMs: took / turns };
}
