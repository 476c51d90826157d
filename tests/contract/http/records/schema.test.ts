/** Tests that an endpoint's JSON Schema applies to every write (R10). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode, Problem } from "@/src/shared/errors";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { unlessBusy } from "@/tests/support/unless-busy";

const SCHEMA = {
  type: "object",
  required: ["name"],
  properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } }, count: { type: "integer", maximum: 100 } },
  additionalProperties: false,
};

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ sandboxTimeoutMs: 4_000 });
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed();
  await use(SCHEMA);
});

async function use(schema: unknown): Promise<void> {
  await server.pool.query(`UPDATE "Endpoint" SET "schema" = $2::json WHERE "id" = $1`, [seed.endpointId, JSON.stringify(schema)]);
  server.definitions.invalidate(seed.projectId);
}

const send = (method: string, data: unknown, query = ""): Promise<Response> =>
  fetch(`${server.origin}${seed.path}${query}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(data),
  });

async function create(data: unknown): Promise<string> {
  const answer = await send("POST", data);
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { uniqueId: string }).uniqueId;
}

async function expectRefused(answer: Response, code: ErrorCode): Promise<Problem> {
  const problem = (await answer.json()) as Problem;
  expect([answer.status, problem.code]).toEqual([400, code]);
  return problem;
}

describe("a schema", () => {
  it("[R10] accepts bodies that match", async () => {
    await create({ name: "ada", tags: ["x"], count: 3 });
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[R10] refuses bodies that do not match, with the paths, and writes nothing", async () => {
    const problem = await expectRefused(await send("POST", { tags: ["x", 1], count: 101, more: true }), "schema_mismatch");
    expect(problem.fields).toEqual({
      "/name": "This property is required.",
      "/more": "This property is not allowed.",
      "/tags/1": "Must be a string.",
      "/count": "Must be at most 100.",
    });
    expect(problem.detail).toMatch(/^The body does not match the endpoint's schema\. \/name: .* And 1 more\.$/);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R10] sees a text as a JSON string", async () => {
    const text = (): Promise<Response> =>
      fetch(`${server.origin}${seed.path}`, { method: "POST", headers: { "Content-Type": "text/plain" }, body: "hello" });
    expect((await expectRefused(await text(), "schema_mismatch")).fields).toEqual({ "": "Must be an object." });
    await use({ type: "string", minLength: 5 });
    expect((await text()).status).toBe(201);
  });

  it("[R10] applies to each item of a bulk: all are stored, or none, and the position begins with the item", async () => {
    const refused = await expectRefused(
      await send("POST", [{ name: "ada" }, { name: "bob" }, { name: 3 }], "&bulk=true"),
      "schema_mismatch",
    );
    expect(refused.fields).toEqual({ "/2/name": "Must be a string." });
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
    expect((await send("POST", [{ name: "ada" }, { name: "bob" }], "&bulk=true")).status).toBe(201);
  });

  it("[R10] applies to the data of files", async () => {
    const form = new FormData();
    form.append("file", new Blob(["bytes"]), "a.txt");
    const upload = () => fetch(`${server.origin}${seed.path}`, { method: "POST", body: form });
    await expectRefused(await upload(), "schema_mismatch");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
    await use({ type: "object", properties: { file: { type: "object", properties: { size: { maximum: 5 } } } }, required: ["file"] });
    expect((await upload()).status).toBe(201);
  });

  it.each(["force", "replace"])("[R10] applies to PUT with strategy=%s", async (strategy) => {
    const id = await create({ name: "ada" });
    await expectRefused(await send("PUT", { count: 1 }, `&uniqueId=${id}&strategy=${strategy}`), "schema_mismatch");
    expect((await send("PUT", { name: "bob" }, `&uniqueId=${id}&strategy=${strategy}`)).status).toBe(200);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 2 });
  });

  it("[R10] applies to the merged record, not to the sent part", async () => {
    const id = await create({ name: "ada", count: 1 });
    expect((await send("PUT", { count: 2 }, `&uniqueId=${id}&strategy=merge`)).status).toBe(200);
    const refused = await expectRefused(await send("PUT", { tags: [1] }, `&uniqueId=${id}&strategy=merge`), "schema_mismatch");
    expect(refused.fields).toEqual({ "/tags/0": "Must be a string." });
    expect(await (await fetch(`${server.origin}${seed.path}&dataOnly=true`)).json()).toEqual([{ name: "ada", count: 2 }]);
  });

  it("[R10] loses none of concurrent merges, and checks each as it is written", async () => {
    await use({ type: "object", maxProperties: 30 });
    const id = await create({});
    const writes = Array.from({ length: 40 }, (_, n) => send("PUT", { [`k${n}`]: n }, `&uniqueId=${id}&strategy=merge`));
    const statuses = (await Promise.all(writes)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    expect(statuses.filter((status) => status === 400)).toHaveLength(10);
    const [data] = (await (await fetch(`${server.origin}${seed.path}&dataOnly=true`)).json()) as object[];
    expect(Object.keys(data ?? {})).toHaveLength(30);
  });

  it("[R10] loses no update if a PUT comes between a merge's read and write", async () => {
    await use({ type: "object" });
    const id = await create({ merged: 0 });
    const writes = Array.from({ length: 30 }, (_, n) =>
      n % 3 === 0 ? send("PUT", { forced: n }, `&uniqueId=${id}`) : send("PUT", { [`merged${n}`]: n }, `&uniqueId=${id}&strategy=merge`),
    );
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
    expect((await server.count(seed)).changes).toBe(31);
  });

  it("[R10] older records stay, and can be read and deleted", async () => {
    await use(true);
    const id = await create({ old: true });
    await use(SCHEMA);
    expect(await (await fetch(`${server.origin}${seed.path}&dataOnly=true`)).json()).toEqual([{ old: true }]);
    await expectRefused(await send("PUT", { count: 1 }, `&uniqueId=${id}&strategy=merge`), "schema_mismatch");
    expect((await fetch(`${server.origin}${seed.path}&uniqueId=${id}`, { method: "DELETE" })).status).toBe(200);
  });

  it("[R10] refuses duplicate keys, which parsers treat differently, in every way to write", async () => {
    await use({ properties: { role: { const: "user" } } });
    const twice = '{"role":"admin","role":"user"}';
    const text = (method: string, body: string, query = "") =>
      fetch(`${server.origin}${seed.path}${query}`, { method, headers: { "Content-Type": "application/json" }, body });
    const id = await create({ role: "user" });
    const refusals = [
      await text("POST", twice),
      await text("POST", `[{"role":"user"},${twice}]`, "&bulk=true"),
      await text("PUT", twice, `&uniqueId=${id}`),
      await text("PUT", `{"more":[${twice}]}`, `&uniqueId=${id}&strategy=merge`),
    ];
    const fields = await Promise.all(refusals.map(async (answer) => (await expectRefused(answer, "schema_mismatch")).fields));
    const why = "This key occurs twice.";
    expect(fields).toEqual([{ "/role": why }, { "/1/role": why }, { "/role": why }, { "/more/0/role": why }]);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
    await server.pool.query(`UPDATE "Endpoint" SET "schema" = NULL WHERE "id" = $1`, [seed.endpointId]);
    server.definitions.invalidate(seed.projectId);
    expect((await text("POST", twice)).status).toBe(201);
  });

  it("[R10] false accepts nothing", async () => {
    await use(false);
    expect((await expectRefused(await send("POST", {}), "schema_mismatch")).fields).toEqual({ "": "Nothing is allowed here." });
  });

  it("[R10] a check that exceeds a limit is 400 schema_limit, and the next one is not affected", async () => {
    await use({ properties: { name: { pattern: "^(?=a)(a+)+$" } } });
    const slow = () => send("POST", { name: `${"a".repeat(40)}b` });
    await expectRefused(await unlessBusy(slow, ({ status }) => status === 503), "schema_limit");
    await create({ name: "aaa" });
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
    // Four seconds of CPU time take long on a busy machine.
  }, 60_000);
});
