/** Tests uploads with an Idempotency-Key (R9): a replay returns the records of the first request and keeps no bytes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { FORM_TYPE, type FormPart, filePart, toForm } from "@/tests/support/clients/form";
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
  await server.pool.query(`DELETE FROM "Record"`);
  await server.folder.files.sweep();
  seed = await server.seed();
});

const PARTS = [filePart("one"), filePart("two", { filename: "b.bin" }), { name: "album", body: "summer" }];

function upload(key: string, parts: readonly FormPart[] = PARTS, query = ""): Promise<Response> {
  const headers = { "Content-Type": FORM_TYPE, "Idempotency-Key": key };
  return fetch(`${server.origin}${seed.path}${query}`, { method: "POST", headers, body: toForm(parts) });
}

/** The numbers of files on the disk, of files in the database, and of records. */
async function counts(): Promise<[number, number, number]> {
  const { rows } = await server.pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM "StoredFile"`);
  return [(await server.folder.list()).length, rows[0]?.count ?? -1, (await server.count(seed)).records];
}

/** Waits until the bytes of a replay are removed, which happens after its response. */
async function expectCounts(expected: [number, number, number]): Promise<void> {
  await until("nothing more is kept", async () => (await counts()).every((count, index) => count === expected[index]));
}

describe("uploads with an Idempotency-Key", () => {
  it.each([
    ["several files", PARTS],
    ["one file", [filePart("one")]],
  ])("[R9] [F1] a replay of %s returns the first response, and keeps nothing", async (_what, parts) => {
    const first = await upload("key", parts);
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([201, null]);
    const before = await counts();
    const second = await upload("key", parts);
    expect([second.status, second.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(second.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(await second.text()).toBe(await first.text());
    await expectCounts(before);
  });

  it("[R9] [F1] one of many concurrent requests is stored, and all get the same response", async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => upload("key")));
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
    expect(answers.map(({ headers }) => headers.get("idempotent-replayed")).filter((mark) => mark === null)).toHaveLength(1);
    await expectCounts([2, 2, 2]);
  });

  it.each<[string, readonly FormPart[]]>([
    ["other bytes", [filePart("One"), filePart("two", { filename: "b.bin" }), { name: "album", body: "summer" }]],
    ["another name", [filePart("one"), filePart("two", { filename: "c.bin" }), { name: "album", body: "summer" }]],
    ["another type", [filePart("one", { type: "text/css" }), filePart("two", { filename: "b.bin" }), { name: "album", body: "summer" }]],
    ["other fields", [filePart("one"), filePart("two", { filename: "b.bin" }), { name: "album", body: "winter" }]],
    ["fewer files", [filePart("one"), { name: "album", body: "summer" }]],
    ["another order", [filePart("two", { filename: "b.bin" }), filePart("one"), { name: "album", body: "summer" }]],
  ])("[R9] [F1] an upload of %s with the same key is refused, and keeps nothing", async (_what, parts) => {
    await upload("key");
    const before = await counts();
    await expectProblem(await upload("key", parts), "idempotency_key_reused");
    await expectCounts(before);
  });

  it("[R9] [F1] JSON with the key of an upload is a different request, and vice versa", async () => {
    const json = (key: string) =>
      fetch(`${server.origin}${seed.path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: "{}",
      });
    await upload("first");
    await expectProblem(await json("first"), "idempotency_key_reused");
    await json("second");
    await expectProblem(await upload("second"), "idempotency_key_reused");
  });

  it.each<[string, readonly FormPart[], ErrorCode]>([
    ["without a file", [{ name: "album", body: "x" }], "upload_invalid"],
    ["with 11 files", Array.from({ length: 11 }, () => filePart("x")), "too_many_files"],
  ])("[R9] [F1] a failed upload %s is not stored", async (_what, parts, code) => {
    await expectProblem(await upload("key", parts), code);
    expect((await upload("key")).status).toBe(201);
  });

  it("[R9] [F1] an invalid key is refused before a byte is read", async () => {
    await expectProblem(await upload("x".repeat(256)), "idempotency_key_invalid");
    await expectCounts([0, 0, 0]);
  });
});
