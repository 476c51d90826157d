import { mkdtempSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findImportWorkerScript } from "@/src/sandbox/worker-script";
import { createImporter, type Importer } from "./importer";
import type { ImportedItem } from "./read-items";

let dir: string;
let importer: Importer;
const logged: object[] = [];

beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "rested-importer-"));
  importer = createImporter({ dir, findScript: findImportWorkerScript, log: { warn: (context) => void logged.push(context) } });
});
afterEach(async () => {
  await importer.close();
  expect(await readdir(dir)).toEqual([]);
  rmSync(dir, { recursive: true });
});

async function* bodyOf(...chunks: string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** A body that ends only on request. */
function createOpenBody() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  async function* body() {
    yield Buffer.from("1\n");
    await ended;
  }
  return { body: body(), end };
}

const all = async (batches: AsyncIterable<ImportedItem[]>) => {
  const items: ImportedItem[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
};
const file = (accountId: string, body: AsyncIterable<Uint8Array>) => ({ accountId, kind: "ndjson", body, recordBytesMax: 1000 }) as const;

it("[G14] an account has two imports under way at most; others are not kept from theirs", async () => {
  const bodies = [createOpenBody(), createOpenBody()];
  const running = bodies.map(({ body }) => importer.run(file("greedy", body), all));
  await expect(importer.run(file("greedy", bodyOf("1")), all)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 10 });
  expect(await importer.run(file("modest", bodyOf("2")), all)).toEqual([{ data: "2", line: 1 }]);
  for (const { end } of bodies) end();
  expect(await Promise.all(running)).toEqual([[{ data: "1", line: 1 }], [{ data: "1", line: 1 }]]);
  expect(await importer.run(file("greedy", bodyOf("3")), all)).toHaveLength(1);
});

it("[G14] there are so many imports in all", async () => {
  const bodies = Array.from({ length: 32 }, createOpenBody);
  const running = bodies.map(({ body }, index) => importer.run(file(`account ${index}`, body), async () => "read"));
  await expect(importer.run(file("late", bodyOf("1")), all)).rejects.toMatchObject({ code: "server_busy", retryAfterSeconds: 10 });
  for (const { end } of bodies) end();
  await Promise.all(running);
});

it("[G14] an account that reads two files leaves a worker to the others", async () => {
  const order: string[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const use = (name: string, until?: Promise<void>) => async () => {
    order.push(name);
    await until;
  };
  const first = importer.run(file("greedy", bodyOf("1")), use("greedy 1", released));
  const second = importer.run(file("greedy", bodyOf("1")), use("greedy 2"));
  await importer.run(file("modest", bodyOf("1")), use("modest"));
  release();
  await Promise.all([first, second]);
  expect(order.sort()).toEqual(["greedy 1", "greedy 2", "modest"]);
});

it("[G14] the server goes on while a file is read, and holds a batch of it at a time", async () => {
  const rows = Array.from({ length: 5000 }, (_, row) => Array.from({ length: 100 }, (_, column) => row * column).join(","));
  const header = Array.from({ length: 100 }, (_, column) => `column${column}`).join(",");
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  const turnsBetween: number[] = [];
  const records = await importer.run(
    { ...file("ada", bodyOf(header, "\n", rows.join("\n"))), kind: "csv", recordBytesMax: 10_000 },
    async (batches) => {
      count();
      let sum = 0;
      let last = turns;
      for await (const batch of batches) {
        sum += batch.length;
        turnsBetween.push(turns - last);
        last = turns;
      }
      return sum;
    },
  );
  isDone = true;
  expect(records).toBe(5000);
  expect(turnsBetween.length).toBeGreaterThanOrEqual(5);
  // Reading in this thread would take one or two turns of the event loop for each chunk of 64 KiB, 20 to 40 in all.
  expect(turns).toBeGreaterThan(200);
});

it("[G14] a client that goes ends its import", async () => {
  const controller = new AbortController();
  const result = importer.run({ ...file("ada", bodyOf("1\n2\n")), signal: controller.signal }, async (batches) => {
    controller.abort();
    return all(batches);
  });
  await expect(result).rejects.toMatchObject({ code: "request_invalid" });
});

it("[G14] an import that is given up in the middle of a file ends its worker", async () => {
  const result = importer.run(file("ada", bodyOf("1\n".repeat(50_000))), async (batches) => {
    for await (const batch of batches) throw new Error(`stopped after ${batch.length}`);
  });
  await expect(result).rejects.toThrow("stopped after 1000");
});

it("[G14] a worker that dies is an error", async () => {
  const dead = createImporter({
    dir,
    findScript: async () => path.join(dir, "missing.mjs"),
    log: { warn: (context) => void logged.push(context) },
  });
  await expect(dead.run(file("ada", bodyOf("1")), all)).rejects.toMatchObject({ code: "body_too_large" });
  expect(logged.at(-1)).toMatchObject({ code: 1 });
});
