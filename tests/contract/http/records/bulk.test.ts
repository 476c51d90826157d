/** Tests creating many records at once (R8). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BULK_ITEMS_MAX } from "@/src/shared/streams/protocol";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

interface WireRecord {
  uniqueId: string;
  data: unknown;
  createdAt: string;
  updatedAt: string;
}

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
beforeEach(async () => {
  seed = await server.seed();
});
afterAll(() => server.close());

const post = (body: string, query = "&bulk=true", contentType = "application/json"): Promise<Response> =>
  fetch(`${server.origin}${seed.path}${query}`, { method: "POST", headers: { "Content-Type": contentType }, body });
const list = async (): Promise<string> => (await fetch(`${server.origin}${seed.path}&dataOnly=true`)).text();

describe("bulk=true", () => {
  it("[R8] stores one record per item, in order, and responds with 201 and all of them", async () => {
    const response = await post('[{"b":1.0, "a":2},"x",\n[1e400 , []], null]');
    expect([response.status, response.headers.get("content-type")]).toEqual([201, "application/json; charset=utf-8"]);
    const records = JSON.parse(await response.text()) as WireRecord[];
    expect(records.map(({ data }) => data)).toEqual([{ b: 1, a: 2 }, "x", [Number.POSITIVE_INFINITY, []], null]);
    expect(new Set(records.map(({ uniqueId }) => uniqueId)).size).toBe(4);
    expect(await (await fetch(`${server.origin}${seed.path}`)).json()).toEqual(records);
    expect(await list(), "as sent").toBe('[{"b":1.0, "a":2},"x",[1e400 , []],null]');
  });

  it("[R8] [W4] writes one change per item, in order", async () => {
    await post("[1,2,3]");
    const heard = server.published.filter(({ endpointId }) => endpointId === seed.endpointId);
    expect(heard.map(({ seq, type, record }) => [seq, type, record.data])).toEqual([
      [1, "POST", "1"],
      [2, "POST", "2"],
      [3, "POST", "3"],
    ]);
  });

  it("[R8] returns only data with dataOnly=true", async () => {
    expect(await (await post('[{"a": 1}, "b"]', "&bulk=true&dataOnly=true")).text()).toBe('[{"a": 1},"b"]');
  });

  it("[R8] of an empty array stores nothing, and returns an empty array", async () => {
    const response = await post(" [ ] ");
    expect([response.status, await response.text()]).toEqual([201, "[]"]);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R8] without it an array is one record", async () => {
    for (const query of ["", "&bulk=false"]) expect(await (await post("[1,2]", query)).json()).toHaveProperty("data", [1, 2]);
  });

  it.each([
    ["an object", '{"a":1}', "application/json"],
    ["a string of an array", '"[1]"', "application/json"],
    ["a text", "[1,2]", "text/plain"],
  ])("[R8] refuses %s", async (_what, body, contentType) => {
    await expectProblem(await post(body, "&bulk=true", contentType), "bulk_needs_array");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R8] stores nothing if an item cannot be stored", async () => {
    expect(await expectProblem(await post('[1,{"a":"x\\u0000"}]'), "body_invalid")).toMatch(/\[1\]\.a/);
    await expectProblem(await post("[1,2"), "body_invalid");
    await expectProblem(await post("[1]", "&bulk=maybe"), "parameter_invalid");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R8] [R10] stores nothing if an item does not match the schema, and names the item", async () => {
    await server.pool.query(`UPDATE "Endpoint" SET schema = '{"type":"integer"}' WHERE id = $1`, [seed.endpointId]);
    const answer = await post('[1,2,"three",4]');
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: "schema_mismatch", fields: { "/2": expect.any(String) } }]);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
    expect((await post("[1,2]")).status).toBe(201);
  });

  it("[R8] accepts up to the maximum number of items", async () => {
    const items = Array.from({ length: BULK_ITEMS_MAX }, (_, index) => index);
    const response = await post(JSON.stringify(items), "&bulk=true&dataOnly=true");
    expect([response.status, await response.json()]).toEqual([201, items]);
    expect(await list()).toBe(JSON.stringify(items));
    expect(await expectProblem(await post(JSON.stringify([...items, -1])), "body_too_large")).toMatch(String(BULK_ITEMS_MAX));
    expect(await server.count(seed)).toEqual({ records: BULK_ITEMS_MAX, changes: BULK_ITEMS_MAX });
  });

  it("[R8] [W4] keeps the records of each request together", async () => {
    const bodies = Array.from({ length: 12 }, (_, n) => Array.from({ length: 20 }, (_, item) => `${n}-${item}`));
    const answers = await Promise.all(bodies.map((body) => post(JSON.stringify(body), "&bulk=true&dataOnly=true")));
    for (const [n, answer] of answers.entries()) expect(await answer.json()).toEqual(bodies[n]);
    const listed = JSON.parse(await list()) as string[];
    const order = [...new Set(listed.map((text) => Number(text.split("-")[0])))];
    expect(listed).toEqual(order.flatMap((n) => bodies[n] ?? []));
  });
});
