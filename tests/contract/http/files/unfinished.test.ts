/** Tests uploads that never finish: their stored bytes count against the quota (G24), and their number is limited. */
import { readdir, stat } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

const FILE_BYTES_MAX = 1_000_000;

let server: DataServer;
let seed: Seed;
const requests: http.ClientRequest[] = [];

beforeAll(async () => {
  server = await createDataServer({ fileBytesMax: FILE_BYTES_MAX, uploadTimeoutMs: 600_000 });
});
beforeEach(async () => {
  seed = await server.seed();
});
afterEach(async () => {
  for (const request of requests.splice(0)) request.destroy();
  await until("nothing is left", async () => {
    const { rows } = await server.pool.query(`SELECT id FROM "StoredFile" WHERE "recordId" IS NULL`);
    return rows.length === 0;
  });
});
afterAll(() => server.close());

/** Sends the beginning of a form without its end. */
function begin(size: number, headers: http.OutgoingHttpHeaders = {}): { status: Promise<number | undefined> } {
  const url = `${server.origin}${seed.path}`;
  const request = http.request(url, { method: "POST", agent: false, headers: { "Content-Type": FORM_TYPE, ...headers } });
  requests.push(request);
  const status = new Promise<number | undefined>((resolve) => {
    request.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    request.on("error", () => resolve(undefined));
  });
  request.write(toForm([filePart("x".repeat(size))], { isCut: true }));
  return { status };
}

const upload = (size: number, headers: Record<string, string> = {}) =>
  fetch(`${server.origin}${seed.path}`, {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE, ...headers },
    body: toForm([filePart("x".repeat(size))]),
  });

const countParts = async () => (await server.folder.list()).filter((name) => name.endsWith(".part")).length;

async function measureParts(): Promise<number> {
  const names = (await readdir(server.folder.dir, { recursive: true })).filter((name) => name.endsWith(".part"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(server.folder.dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("uploads that never finish", () => {
  it.each([["without", {}] as const, ["with", { "Idempotency-Key": "one" }] as const])(
    "[G24] %s Idempotency-Key are refused as soon as more than the quota has arrived",
    async (_, headers) => {
      expect(await begin(4 * FILE_BYTES_MAX, headers).status).toBe(403);
    },
  );

  it("[G24] reduce the quota that is left for others in the project, and release it at their end", async () => {
    begin(900_000);
    await until("most of the first has arrived", async () => (await measureParts()) > FILE_BYTES_MAX - 200_000);
    await expectProblem(await upload(200_000), "quota_exceeded");
    for (const request of requests.splice(0)) request.destroy();
    await until("it is given back", async () => (await upload(FILE_BYTES_MAX)).status === 201);
    await expectProblem(await upload(1), "quota_exceeded");
  });

  it("[G24] are limited to 8 of a key from an address; one more is 503 with Retry-After", async () => {
    for (let count = 0; count < 8; count += 1) begin(1_000);
    await until("they are under way", async () => (await countParts()) === 8);
    const answer = await upload(1);
    expect(answer.headers.get("retry-after")).toBe("5");
    await expectProblem(answer, "server_busy");
    const own = seed;
    seed = await server.seed();
    expect((await upload(1)).status).toBe(201);
    seed = own;
    requests.pop()?.destroy();
    await until("one has gone", async () => (await upload(1)).status === 201);
  });
});

describe("a replay", () => {
  it("[G24] [R9] succeeds even if the quota is used up", async () => {
    const headers = { "Idempotency-Key": "two" };
    const first = await upload(FILE_BYTES_MAX, headers);
    expect(first.status).toBe(201);
    const repeat = await upload(FILE_BYTES_MAX, headers);
    expect([repeat.status, await repeat.text()]).toEqual([201, await first.text()]);
  });
});
