/** Tests the contract of every file storage, on a disk and with S3. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FileStorage } from "@/src/core/files/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createDiskStorage } from "@/src/storage/disk";
import { createS3Storage } from "@/src/storage/s3";
import { listFiles } from "@/tests/support/list-files";
import { type S3Server, startS3Server } from "@/tests/support/servers/s3-server";
import { until } from "@/tests/support/until";

const warned: string[] = [];
const log = { warn: (_context: object, message: string) => warned.push(message) };
const signal = new AbortController().signal;
const LARGE = 12_000_000;

interface Place {
  storage: FileStorage;
  /** The stored keys, and the remains of others. */
  list(): Promise<string[]>;
}

let dir: string;
let s3: S3Server;
let s3Storage: Awaited<ReturnType<typeof createS3Storage>>;

beforeAll(async () => {
  s3 = await startS3Server();
  s3Storage = await createS3Storage({ options: s3.options, log });
});
afterAll(async () => {
  s3Storage.close();
  await s3.close();
});
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "rested-storage-"));
  s3.requests.length = 0;
});
afterEach(async () => {
  s3.intercept = () => false;
  await rm(dir, { recursive: true, force: true });
});

const places: Record<string, () => Place> = {
  "a disk": () => ({ storage: createDiskStorage({ dir }), list: () => listFiles(dir) }),
  S3: () => ({ storage: s3Storage, list: () => s3.list() }),
};

async function* inChunks(bytes: Buffer, size = 70_000): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Yields this many bytes, then blocks until the reader stops. */
async function* stuck(bytes: number, onStuck: () => void): AsyncGenerator<Uint8Array, void> {
  yield Buffer.alloc(bytes);
  onStuck();
  await new Promise(() => undefined);
}

async function read(storage: FileStorage, key: string, start: number, end: number): Promise<Buffer | undefined> {
  const stream = await storage.read(key, { start, end });
  if (!stream) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.each(Object.entries(places))("files on %s", (_name, open) => {
  it("[F1] are read as they were stored, completely and in parts", async () => {
    const { storage } = open();
    const [key, bytes] = [createUniqueId(), randomBytes(200_000)];
    await storage.put(key, inChunks(bytes), { signal });
    for (const [start, end] of [
      [0, 199_999],
      [0, 99],
      [199_999, 199_999],
      [70_000, 139_999],
    ] as const) {
      const part = await read(storage, key, start, end);
      expect(part?.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
  });

  it("[F1] may be empty", async () => {
    const { storage } = open();
    const key = createUniqueId();
    await storage.put(key, inChunks(Buffer.alloc(0)), { signal });
    expect(await read(storage, key, 0, -1)).toEqual(Buffer.alloc(0));
  });

  it("[F1] may be larger than one part", async () => {
    const { storage } = open();
    const [key, bytes] = [createUniqueId(), randomBytes(LARGE)];
    await storage.put(key, inChunks(bytes), { signal });
    expect((await read(storage, key, 0, LARGE - 1))?.equals(bytes)).toBe(true);
    expect((await read(storage, key, LARGE - 5, LARGE - 1))?.equals(bytes.subarray(-5))).toBe(true);
  });

  it.each([100, LARGE])(
    "[F1] leave nothing when they are aborted after %i bytes, and settle then, however slow their source is",
    async (size) => {
      const { storage, list } = open();
      const before = await list();
      const giveUp = new AbortController();
      const reason = new Error("given up");
      const putting = storage.put(
        createUniqueId(),
        stuck(size, () => giveUp.abort(reason)),
        { signal: giveUp.signal },
      );
      await expect(putting).rejects.toBe(reason);
      expect(await list()).toEqual(before);
    },
  );

  it("[F1] are not started for an aborted request", async () => {
    const { storage, list } = open();
    const before = await list();
    const reason = new Error("over");
    await expect(storage.put(createUniqueId(), inChunks(randomBytes(10)), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await list()).toEqual(before);
  });

  it.each([100, LARGE])("[F1] leave nothing when their source fails after %i bytes, and throw its error", async (size) => {
    const { storage, list } = open();
    const before = await list();
    const failure = new Error("the source failed");
    async function* failing() {
      yield Buffer.alloc(size);
      throw failure;
    }
    await expect(storage.put(createUniqueId(), failing(), { signal })).rejects.toBe(failure);
    expect(await list()).toEqual(before);
  });

  it("[F2] that do not exist are undefined", async () => {
    const { storage } = open();
    expect(await storage.read(createUniqueId(), { start: 0, end: 9 })).toBeUndefined();
    expect(await storage.read(createUniqueId(), { start: 0, end: -1 })).toBeUndefined();
  });

  it("[F2] that are shorter than the requested range are an error, not a short response", async () => {
    const { storage } = open();
    const key = createUniqueId();
    await storage.put(key, inChunks(randomBytes(10)), { signal });
    await expect(storage.read(key, { start: 5, end: 10 })).rejects.toMatchObject({ code: "storage_unavailable" });
    await expect(storage.read(key, { start: 50, end: 60 })).rejects.toMatchObject({ code: "storage_unavailable" });
  });

  it("[F3] can be removed more than once", async () => {
    const { storage } = open();
    const key = createUniqueId();
    await storage.put(key, inChunks(randomBytes(10)), { signal });
    await storage.remove(key);
    await storage.remove(key);
    expect(await storage.read(key, { start: 0, end: 9 })).toBeUndefined();
  });

  it.each(["", "..", "../../etc/passwd", "A".repeat(32), `${"a".repeat(32)}/x`, "a".repeat(33), `${"a".repeat(32)}\n`])(
    "[F1] have no key like %j",
    async (key) => {
      const { storage } = open();
      await expect(storage.put(key, inChunks(randomBytes(1)), { signal })).rejects.toThrow("key");
      await expect(storage.read(key, { start: 0, end: 0 })).rejects.toThrow("key");
      await expect(storage.remove(key)).rejects.toThrow("key");
    },
  );
});

describe("a disk", () => {
  it("[F1] that cannot be written or read is storage_unavailable", async () => {
    const file = path.join(dir, "no-folder");
    await writeFile(file, "");
    const storage = createDiskStorage({ dir: file });
    const expected = { code: "storage_unavailable" };
    await expect(storage.put(createUniqueId(), inChunks(randomBytes(1)), { signal })).rejects.toMatchObject(expected);
    await expect(storage.read(createUniqueId(), { start: 0, end: 0 })).rejects.toMatchObject(expected);
  });
});

describe("S3", () => {
  it("[F1] drops the parts of a failed upload", async () => {
    const { storage } = { storage: s3Storage };
    const giveUp = new AbortController();
    const key = createUniqueId();
    await expect(
      storage.put(
        key,
        stuck(LARGE, () => giveUp.abort()),
        { signal: giveUp.signal },
      ),
    ).rejects.toThrow();
    await until("the parts are dropped", () => s3.requests.some((one) => one.startsWith(`DELETE /rested-test/files/${key}?uploadId=`)));
  });

  it("[F1] deletes an upload that is aborted while its last request is in progress", async () => {
    const giveUp = new AbortController();
    const reason = new Error("given up");
    const key = createUniqueId();
    s3.intercept = (request) => {
      if (request.method === "PUT") giveUp.abort(reason);
      return false;
    };
    await expect(s3Storage.put(key, inChunks(randomBytes(100)), { signal: giveUp.signal })).rejects.toBe(reason);
    expect(s3.requests.some((one) => one.startsWith("PUT "))).toBe(true);
    expect(await s3.list()).not.toContain(key);
  });

  it("[F3] drops the parts that a crash left when the file is removed", async () => {
    const key = createUniqueId();
    const other = createUniqueId();
    const upload = (name: string, id: string) => `<Upload><Key>files/${name}</Key><UploadId>${id}</UploadId></Upload>`;
    s3.intercept = (request, response) => {
      if (request.method !== "GET" || !request.url?.includes("uploads")) return false;
      response.setHeader("Content-Type", "application/xml");
      response.end(`<ListMultipartUploadsResult>${upload(key, "left-behind")}${upload(other, "other")}</ListMultipartUploadsResult>`);
      return true;
    };
    await s3Storage.remove(key);
    const dropped = s3.requests.filter((one) => one.includes("uploadId="));
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toContain(`DELETE /rested-test/files/${key}?uploadId=left-behind`);
  });

  it("[F3] warns once if it cannot list parts", async () => {
    const storage = await createS3Storage({ options: s3.options, log });
    warned.length = 0;
    await storage.remove(createUniqueId());
    await storage.remove(createUniqueId());
    storage.close();
    expect(warned).toHaveLength(1);
  });

  it("[F2] ends the read when the reader stops", async () => {
    const key = createUniqueId();
    await s3Storage.put(key, inChunks(randomBytes(LARGE)), { signal });
    let isClosed = false;
    s3.intercept = (request, response) => {
      if (request.method === "GET") response.on("close", () => (isClosed = !response.writableFinished));
      return false;
    };
    const stream = await s3Storage.read(key, { start: 0, end: LARGE - 1 });
    if (!stream) throw new Error("There is no such file.");
    for await (const chunk of stream) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    await until("the store to be notified", () => isClosed);
  });

  it.each([500, 503, 403])("[F1] that responds with %i is storage_unavailable", async (status) => {
    s3.intercept = (request, response) => {
      request.resume();
      response.writeHead(status).end();
      return true;
    };
    const expected = { code: "storage_unavailable" };
    await expect(s3Storage.put(createUniqueId(), inChunks(randomBytes(LARGE)), { signal })).rejects.toMatchObject(expected);
    await expect(s3Storage.put(createUniqueId(), inChunks(randomBytes(9)), { signal })).rejects.toMatchObject(expected);
    await expect(s3Storage.read(createUniqueId(), { start: 0, end: 9 })).rejects.toMatchObject(expected);
    await expect(s3Storage.remove(createUniqueId())).rejects.toMatchObject(expected);
  });

  it("[F1] that is unavailable, or has no such bucket, is storage_unavailable", async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const port = typeof address === "object" ? address?.port : undefined;
    for (const change of [{ endpoint: `http://127.0.0.1:${port}` }, { bucket: "no-such-bucket" }]) {
      const storage = await createS3Storage({ options: { ...s3.options, ...change }, log });
      const expected = { code: "storage_unavailable" };
      await expect(storage.put(createUniqueId(), inChunks(randomBytes(9)), { signal })).rejects.toMatchObject(expected);
      await expect(storage.read(createUniqueId(), { start: 0, end: 9 })).rejects.toMatchObject(expected);
      storage.close();
    }
  });
});
