import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { BOUNDARY, FORM_TYPE, type FormPart, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed();
});

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function send(body: BodyInit, { path = "", headers = {} }: { path?: string; headers?: Record<string, string> } = {}): Promise<Response> {
  return fetch(`${server.origin}${seed.path}${path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE, ...headers }, body });
}

const upload = (parts: readonly FormPart[], path?: string) => send(toForm(parts), path === undefined ? {} : { path });

/** Expects no record, change, row or byte. */
async function expectNothingLeft(): Promise<void> {
  expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  await until("no bytes are left", async () => (await server.folder.list()).length === 0);
  const { rows } = await server.pool.query(`SELECT id FROM "StoredFile" WHERE "recordId" IS NULL`);
  expect(rows).toEqual([]);
}

async function removeAll(): Promise<void> {
  await server.pool.query(`DELETE FROM "Record"`);
  await server.folder.files.sweep();
}

describe("an upload", () => {
  it("[F1] one file is one record, with its name, type, size, hash and the text fields", async () => {
    const answer = await upload([{ name: "album", body: "summer" }, filePart("hello"), { name: "place", body: "Zürich" }]);
    expect(answer.status).toBe(201);
    const record = await answer.json();
    expect(record).toEqual({
      uniqueId: expect.stringMatching(/^[0-9a-f]{32}$/),
      data: {
        file: { name: "a.txt", type: "text/plain", size: 5, sha256: sha256("hello") },
        metadata: { album: "summer", place: "Zürich" },
      },
      createdAt: expect.any(String),
      updatedAt: record.createdAt,
    });
    expect(answer.headers.get("etag")).toBe('"1"');
    await removeAll();
  });

  it("[F1] several files become as many records, in order, all with the same fields", async () => {
    const answer = await upload(
      [filePart("one"), filePart("two", { filename: "b.bin", type: "no type" }), { name: "album", body: "x" }],
      "&dataOnly=true",
    );
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual([
      { file: { name: "a.txt", type: "text/plain", size: 3, sha256: sha256("one") }, metadata: { album: "x" } },
      { file: { name: "b.bin", type: "application/octet-stream", size: 3, sha256: sha256("two") }, metadata: { album: "x" } },
    ]);
    expect(await server.folder.list()).toHaveLength(2);
    await removeAll();
  });

  it("[F1] keeps every byte of a large file, and of an empty one", async () => {
    const bytes = randomBytes(20_000_000);
    const answer = await upload([filePart(bytes, { filename: "large" }), filePart("", { filename: "empty" })], "&dataOnly=true");
    expect(await answer.json()).toMatchObject([
      { file: { size: 20_000_000, sha256: sha256(bytes) } },
      { file: { size: 0, sha256: sha256("") } },
    ]);
    await removeAll();
  });

  it("[F1] repeated fields are lists, and no field name is special", async () => {
    const parts = [filePart("x"), ...["a", "b"].map((body) => ({ name: "tag", body })), { name: "__proto__", body: "p" }];
    const text = await (await upload(parts, "&dataOnly=true")).text();
    expect(text).toContain(`"metadata":{"tag":["a","b"],"__proto__":"p"}`);
    await removeAll();
  });

  it.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\me\\photo.png", "photo.png"],
    ["..", "file"],
    ["", "file"],
    ["naïve 你好.txt", "naïve 你好.txt"],
    ["a\tb\u202egnp.exe", "abgnp.exe"],
    [`${"x".repeat(1000)}.jpeg`, `${"x".repeat(250)}.jpeg`],
  ])("[F1] the name %j becomes %j, and never a path", async (filename, name) => {
    const answer = await upload([filePart("x", { filename })], "&dataOnly=true");
    expect((await answer.json()).file.name).toBe(name);
    for (const stored of await server.folder.list()) expect(stored).toMatch(/^[0-9a-f]{32}$/);
    await removeAll();
  });

  it("[F1] a file that the schema rejects leaves nothing behind", async () => {
    await server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [
      seed.endpointId,
      JSON.stringify({ properties: { file: { properties: { type: { const: "image/png" } } } } }),
    ]);
    server.definitions.invalidate(seed.projectId);
    const answer = await upload([filePart("x")]);
    expect(await answer.json()).toMatchObject({ code: "schema_mismatch", fields: { "/file/type": expect.any(String) } });
    await expectNothingLeft();
  });
});

describe("a refused upload leaves nothing behind", () => {
  const files = (count: number) => Array.from({ length: count }, (_, index) => filePart(`file ${index}`));
  it.each<[string, ErrorCode, Buffer<ArrayBuffer> | string]>([
    ["eleven files", "too_many_files", toForm(files(11))],
    ["no file", "upload_invalid", toForm([{ name: "album", body: "x" }])],
    ["a file part without a name", "upload_invalid", toForm([filePart("x"), { name: undefined, filename: "b.txt", body: "x" }])],
    ["a field without a name", "upload_invalid", toForm([filePart("x"), { name: undefined, body: "x" }])],
    ["a file under another name", "upload_invalid", toForm([filePart("x"), { name: "photo", filename: "b.txt", body: "x" }])],
    ["a file without a file name", "upload_invalid", toForm([{ name: "file", body: "x" }])],
    ["a form that is cut off", "upload_invalid", toForm([filePart("x"), filePart("y".repeat(100_000))], { isCut: true })],
    ["no form at all", "upload_invalid", "{}"],
    ["an empty body", "upload_invalid", ""],
    ["a NUL in a field", "upload_invalid", toForm([filePart("x"), { name: "a", body: "x\0" }])],
    ["a field that is too long", "upload_invalid", toForm([filePart("x"), { name: "a", body: "x".repeat(65_537) }])],
    [
      "101 fields",
      "upload_invalid",
      toForm([filePart("x"), ...Array.from({ length: 101 }, (_, index) => ({ name: `f${index}`, body: "" }))]),
    ],
    ["headers without end", "upload_invalid", `--${BOUNDARY}\r\n${"X-A: b\r\n".repeat(50_000)}`],
  ])("[F1] %s", async (_, code, body) => {
    await expectProblem(await send(body), code);
    await expectNothingLeft();
  });

  it("[F1] a content type without a boundary", async () => {
    await expectProblem(await send(toForm([filePart("x")]), { headers: { "Content-Type": "multipart/form-data" } }), "upload_invalid");
    await expectNothingLeft();
  });

  it("[F1] a file of 101 MB", async () => {
    await expectProblem(await upload([filePart("first"), filePart(Buffer.alloc(101_000_000))]), "file_too_large");
    await expectNothingLeft();
  });

  it("[F1] more than the limit of all files together, before a byte is read", async () => {
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const headers = { "Content-Type": FORM_TYPE, "Content-Length": 1_100_000_000, Expect: "100-continue" };
      const request = http.request(`${server.origin}${seed.path}`, { method: "POST", headers }, resolve);
      request.on("continue", () => reject(new Error("the body was asked for")));
      request.on("error", reject);
      request.flushHeaders();
    });
    expect(answer.statusCode).toBe(413);
    answer.destroy();
    await expectNothingLeft();
  });

  it("[F1] a client that disconnects in the middle", async () => {
    const form = toForm([filePart("whole"), filePart(randomBytes(2_000_000))]);
    const request = http.request(`${server.origin}${seed.path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE } });
    request.on("error", () => undefined);
    request.write(form.subarray(0, 1_500_000));
    await until("the second file is on its way", async () => (await server.folder.list()).some((name) => name.endsWith(".part")));
    request.destroy();
    await until("no row is left", async () => {
      const { rows } = await server.pool.query(`SELECT id FROM "StoredFile"`);
      return rows.length === 0;
    });
    await expectNothingLeft();
  });

  it("[F1] an upload that does not arrive in time", async () => {
    const slow = await createDataServer({ uploadTimeoutMs: 200 });
    try {
      const { path } = await slow.seed();
      const request = http.request(`${slow.origin}${path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE } });
      request.write(toForm([filePart("x")]).subarray(0, 60));
      const answer = await new Promise<http.IncomingMessage>((resolve) => request.on("response", resolve));
      expect(answer.statusCode).toBe(408);
      request.destroy();
      await until("no bytes are left", async () => (await slow.folder.list()).length === 0);
    } finally {
      await slow.close();
    }
  });
});
