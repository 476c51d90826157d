/**
 * Measures how long writers of an endpoint wait while records are imported into it. Four writers send one POST after the other, before and during
 * each import. The server is the production build (`npm start` builds it) with its default limits. Prints the time of each import, and the
 * writers' median, p99 and longest wait.
 * Run: npm run bench -- imports [--records=100000] [--imports=5]
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { json, send } from "./hostile/send";
import { startServer } from "./hostile/server";
import { addEndpoint, createWorld, importRecords } from "./hostile/world";
import { toPercentiles } from "./load/percentiles";

const WRITERS = 4;
const QUIET_MS = 3_000;

const { values } = parseArgs({ options: { records: { type: "string", default: "100000" }, imports: { type: "string", default: "5" } } });

const server = await startServer();
try {
  const { neighbour } = await createWorld(server.origin, server.setupUrl);
  const key = new URL(neighbour.data.url).searchParams.get("key") ?? "";
  for (let turn = 1; turn <= Number(values.imports); turn += 1) {
    const target = await addEndpoint(server.origin, neighbour, neighbour.projectId, key, { name: `bench/import-${turn}` });
    const quiet = startWriters(target.url);
    await delay(QUIET_MS);
    console.log(`import ${turn}, before: ${toLine(await quiet())}`);
    const beside = startWriters(target.url);
    const startedAt = performance.now();
    const status = await importRecords(server.origin, neighbour, target, Number(values.records));
    const seconds = (performance.now() - startedAt) / 1_000;
    console.log(`import ${turn}: ${status} after ${seconds.toFixed(1)} s; writers: ${toLine(await beside())}`);
  }
} finally {
  await server.stop();
}

/** Starts writers, and returns what stops them and tells the time of each write in milliseconds, and the number of those that failed. */
function startWriters(url: string): () => Promise<{ times: number[]; failed: number }> {
  const result = { times: [] as number[], failed: 0 };
  let isRunning = true;
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    while (isRunning) {
      const startedAt = performance.now();
      const { status } = await send(url, { method: "POST", ...json({ writer, note: "x".repeat(100) }), address: "10.1.0.1" });
      result.times.push(performance.now() - startedAt);
      if (status !== 201) result.failed += 1;
    }
  });
  return async () => {
    isRunning = false;
    await Promise.all(writers);
    return result;
  };
}

function toLine({ times, failed }: { times: number[]; failed: number }): string {
  const { p50, p99 } = toPercentiles(times);
  return `${times.length} writes, ${failed} failed, median ${p50.toFixed(1)} ms, p99 ${p99.toFixed(0)} ms, longest ${Math.max(...times).toFixed(0)} ms`;
}
