/** Tests that files without a record are swept, and that files with a record, or in an upload, stay (F5). */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFiles } from "@/src/core/files/files";
import type { FileStorage } from "@/src/core/files/ports";
import { createRecordStore } from "@/src/db/records/record-store";
import { createFileStore } from "@/src/db/stores/files";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { AppError } from "@/src/shared/errors";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { createRecordsDatabase } from "@/tests/support/servers/records-database";
import { until } from "@/tests/support/until";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.pool.query(`DELETE FROM "Record"`);
  await server.folder.files.sweep();
  seed = await server.seed();
});

const url = (id?: string) => `${server.origin}${seed.path}${id === undefined ? "" : `&uniqueId=${id}&fileOnly=true`}`;

async function upload(text: string): Promise<string> {
  const body = toForm([filePart(text)]);
  const answer = await fetch(url(), { method: "POST", headers: { "Content-Type": FORM_TYPE }, body });
  expect(answer.status).toBe(201);
  const record: { uniqueId: string } = await answer.json();
  return record.uniqueId;
}

/** An upload whose last file ends only after `finish` is called. */
async function beginUpload(...texts: readonly string[]) {
  const form = toForm(texts.map((text, index) => filePart(text, { filename: `${index}.txt` })));
  const rowsBefore = await countRows();
  const request = http.request(url(), { method: "POST", headers: { "Content-Type": FORM_TYPE, "Content-Length": form.byteLength } });
  const answered = once(request, "response");
  request.write(form.subarray(0, form.byteLength - 100));
  await until("the bytes of its last file come", async () => {
    if ((await countRows()) < rowsBefore + texts.length) return false;
    return (await server.folder.list()).some((name) => name.endsWith(".part"));
  });
  return {
    finish: async (): Promise<Response> => {
      request.end(form.subarray(form.byteLength - 100));
      const [response]: http.IncomingMessage[] = await answered;
      if (!response) throw new Error("There was no answer.");
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(Buffer.from(chunk));
      const headers = Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]);
      return new Response(Buffer.concat(chunks), { status: response.statusCode ?? 0, headers });
    },
  };
}

async function countRows(): Promise<number> {
  const { rows } = await server.pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM "StoredFile"`);
  return rows[0]?.count ?? -1;
}

describe("the sweep keeps", () => {
  it("[F5] files of records, however old", async () => {
    const id = await upload("kept");
    await server.pool.query(`UPDATE "StoredFile" SET "createdAt" = now() - interval '10 years'`);
    await server.folder.files.sweep();
    expect(await (await fetch(url(id))).text()).toBe("kept");
  });

  it("[F5] a file of a record even if its row is due for the sweep", async () => {
    const id = await upload("kept");
    await server.pool.query(`UPDATE "StoredFile" SET "sweepAfter" = now() - interval '1 day'`);
    await server.folder.files.sweep();
    expect(await (await fetch(url(id))).text()).toBe("kept");
  });

  it("[F5] an upload in progress", async () => {
    const text = randomBytes(500_000).toString("hex");
    const running = await beginUpload(text);
    await server.folder.files.sweep();
    const answer = await running.finish();
    expect(answer.status).toBe(201);
    const record: { uniqueId: string } = await answer.json();
    expect(await (await fetch(url(record.uniqueId))).text()).toBe(text);
  });
});

describe("the sweep removes", () => {
  it.each([
    ["its record", (ids: Seed) => [`DELETE FROM "Record" WHERE "endpointId" = $1`, ids.endpointId]],
    ["its endpoint", (ids: Seed) => [`DELETE FROM "Endpoint" WHERE id = $1`, ids.endpointId]],
    ["its project", (ids: Seed) => [`DELETE FROM "Project" WHERE id = $1`, ids.projectId]],
  ])("[F3] [F5] a file when %s is deleted, in every way", async (_, statement) => {
    await upload("one");
    await upload("two");
    const [sql = "", id] = statement(seed);
    await server.pool.query(sql, [id]);
    await createEndpointPurge(server).run();
    await server.folder.files.sweep();
    expect([await server.folder.list(), await countRows()]).toEqual([[], 0]);
  });

  it("[F5] complete files, incomplete files, and rows without a file that a crash left behind", async () => {
    const keys = [randomBytes(16), randomBytes(16), randomBytes(16)].map((bytes) => bytes.toString("hex"));
    for (const key of keys) {
      await server.pool.query(`INSERT INTO "StoredFile" (id, name, type, "sweepAfter") VALUES ($1, 'a', 'text/plain', now())`, [key]);
    }
    for (const [index, name] of [keys[0] ?? "", `${keys[1]}.part`].entries()) {
      const folder = path.join(server.folder.dir, (keys[index] ?? "").slice(-2), (keys[index] ?? "").slice(-4, -2));
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, name), "bytes");
    }
    expect(await server.folder.list()).toHaveLength(2);
    await server.folder.files.sweep();
    expect([await server.folder.list(), await countRows()]).toEqual([[], 0]);
  });

  it.each([
    ["the file that comes", "1.txt", "storage_unavailable"],
    ["a file that has come", "0.txt", "body_timeout"],
  ] as const)("[F5] %s of an upload that takes too long: that is refused, and nothing is left", async (_, name, code) => {
    const running = await beginUpload("first", "x".repeat(1_000_000));
    await server.pool.query(`UPDATE "StoredFile" SET "sweepAfter" = now() - interval '1 second' WHERE name = $1`, [name]);
    await server.folder.files.sweep();
    expect(await countRows()).toBe(1);
    await expectProblem(await running.finish(), code);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
    await until("nothing is left", async () => (await server.folder.list()).length + (await countRows()) === 0);
  });
});

describe("sweeps", () => {
  /** Files of a database, with a storage that the test controls. */
  async function setUp() {
    const database = await createRecordsDatabase();
    const kept = new Map<string, Uint8Array[]>();
    const failing = new Set<string>();
    const removals: string[] = [];
    const storage: FileStorage = {
      heldBytesMax: 0,
      put: async (key, bytes) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of bytes) chunks.push(chunk);
        kept.set(key, chunks);
      },
      read: async () => undefined,
      remove: async (key) => {
        removals.push(key);
        if (failing.has(key)) throw new AppError("storage_unavailable");
        kept.delete(key);
      },
    };
    const { db, pool, queue } = database;
    const warned: string[] = [];
    const files = createFiles({
      store: createFileStore({ db, queue }),
      storage,
      records: createRecordStore({ db, pool, queue }),
      sandbox: { validate: async () => undefined },
      log: { warn: (_, message) => void warned.push(message), error: (_, message) => void warned.push(message) },
      uploadTimeoutMs: 10_000,
    });
    const endpoint = await database.createEndpoint();
    const upload = async (count: number) => {
      for (let index = 0; index < count; index++) {
        const caller = ["account", "project", "caller"] as const;
        const one = files.beginUpload({
          signal: new AbortController().signal,
          hold: { add: () => undefined, remove: () => undefined },
          target: { endpointId: endpoint.id, mayReplay: false },
          caller,
        });
        await one.add({ name: "a", type: "text/plain", bytes: toBytes("x") });
        await one.commit({
          endpointId: endpoint.id,
          schema: null,
          caller,
          owner: undefined,
          metadata: {},
        });
        await one.discard();
      }
    };
    const deleteAll = () => pool.query(`DELETE FROM "Record"`);
    return { database, files, kept, failing, removals, warned, upload, deleteAll };
  }

  it("[F5] two concurrent sweeps remove everything, without disturbing each other", async () => {
    const { database, files, kept, upload, deleteAll } = await setUp();
    try {
      await upload(230);
      await deleteAll();
      await Promise.all([files.sweep(), files.sweep()]);
      expect(kept.size).toBe(0);
      expect((await database.pool.query(`SELECT 1 FROM "StoredFile"`)).rows).toEqual([]);
    } finally {
      await database.close();
    }
  });

  it("[F5] retry files that the storage failed to remove, and remove the others; each file is tried once per sweep", async () => {
    const { database, files, kept, failing, removals, warned, upload, deleteAll } = await setUp();
    try {
      await upload(3);
      const [stuck = ""] = kept.keys();
      failing.add(stuck);
      await deleteAll();
      await files.sweep();
      expect([...kept.keys()]).toEqual([stuck]);
      expect(removals).toHaveLength(3);
      expect(warned).toEqual(["some files could not be removed; the next sweep tries again"]);
      failing.clear();
      await database.pool.query(`UPDATE "StoredFile" SET "sweepAfter" = now()`);
      await files.sweep();
      expect(kept.size).toBe(0);
      expect((await database.pool.query(`SELECT 1 FROM "StoredFile"`)).rows).toEqual([]);
    } finally {
      await database.close();
    }
  });

  it("[F5] try files that cannot be removed less and less often, without blocking others", async () => {
    const { database, files, kept, failing, upload, deleteAll } = await setUp();
    try {
      await upload(130);
      for (const key of [...kept.keys()].slice(0, 100)) failing.add(key);
      await deleteAll();
      await database.pool.query(`UPDATE "StoredFile" SET "sweepAfter" = now() - interval '1 hour' WHERE id = ANY ($1)`, [[...failing]]);
      await files.sweep();
      await files.sweep();
      expect(kept.size).toBe(100);
      const delays: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await database.pool.query(`UPDATE "StoredFile" SET "sweepAfter" = now()`);
        await files.sweep();
        const { rows } = await database.pool.query<{ delay: number }>(
          `SELECT min(extract(epoch FROM "sweepAfter" - now()))::int AS delay FROM "StoredFile"`,
        );
        delays.push(rows[0]?.delay ?? 0);
      }
      expect(delays.toSorted((a, b) => a - b)).toEqual(delays);
      expect(delays[2]).toBeGreaterThan(100);
    } finally {
      await database.close();
    }
  });

  it("[F5] several requests for a sweep during a sweep become one", async () => {
    const { database, files, kept, upload, deleteAll } = await setUp();
    try {
      await upload(2);
      files.sweepSoon();
      await deleteAll();
      files.sweepSoon();
      files.sweepSoon();
      await until("all is gone", () => kept.size === 0);
    } finally {
      await database.close();
    }
  });
});

async function* toBytes(text: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(text);
}
