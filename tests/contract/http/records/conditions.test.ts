/** Tests ETag, If-Match and If-None-Match (R7). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const JSON_TYPE = "application/json";
const UNKNOWN_ID = "0".repeat(32);

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer();
});
beforeEach(async () => {
  seed = await server.seed();
});
afterAll(() => server.close());

function send(method: string, query: string, { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {}) {
  const init = body === undefined ? { headers } : { body, headers: { "Content-Type": JSON_TYPE, ...headers } };
  return fetch(`${server.origin}${seed.path}${query}`, { method, ...init });
}

async function create(body: string): Promise<string> {
  return ((await (await send("POST", "", { body })).json()) as { uniqueId: string }).uniqueId;
}

const put = (id: string, body: string, ifMatch?: string, strategy = "force") =>
  send("PUT", `&uniqueId=${id}&strategy=${strategy}`, { body, headers: ifMatch === undefined ? {} : { "If-Match": ifMatch } });
const remove = (id: string, ifMatch: string) => send("DELETE", `&uniqueId=${id}`, { headers: { "If-Match": ifMatch } });
const read = async (id: string): Promise<string> => (await send("GET", `&dataOnly=true&uniqueId=${id}`)).text();

describe("ETag", () => {
  it("[R7] is the version of the single returned record, with or without dataOnly", async () => {
    const created = await send("POST", "", { body: "1" });
    expect(created.headers.get("etag")).toBe('"1"');
    const { uniqueId } = (await created.json()) as { uniqueId: string };
    expect((await put(uniqueId, '{"a":1}')).headers.get("etag")).toBe('"2"');
    expect((await put(uniqueId, '{"b":1}', undefined, "merge")).headers.get("etag")).toBe('"3"');
    for (const query of ["", "&dataOnly=true"]) {
      expect((await send("GET", `&uniqueId=${uniqueId}${query}`)).headers.get("etag")).toBe('"3"');
      expect((await send("HEAD", `&uniqueId=${uniqueId}${query}`)).headers.get("etag")).toBe('"3"');
    }
    expect((await send("DELETE", `&uniqueId=${uniqueId}`)).headers.get("etag")).toBe('"3"');
  });

  it("[R7] is absent from lists, errors, and results of expressions", async () => {
    const [a, b] = [await create("1"), await create("2")];
    for (const query of [
      "",
      `&uniqueId=${a},${b}`,
      `&uniqueId=${UNKNOWN_ID}`,
      "&limit=1",
      `&uniqueId=${a}&jsonata=$now()`,
      "&uniqueId=x",
    ]) {
      expect((await send("GET", query)).headers.get("etag")).toBeNull();
    }
    expect((await send("POST", "&bulk=true", { body: "[1]" })).headers.get("etag")).toBeNull();
  });

  it("[R7] [U5] can be read and sent by browsers", async () => {
    const answer = await send("GET", "", { headers: { Origin: "https://app.example" } });
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/\bETag\b.*\bIdempotent-Replayed\b.*\bLink\b/);
    const preflight = await send("OPTIONS", "", { headers: { Origin: "https://app.example", "Access-Control-Request-Method": "PUT" } });
    expect(preflight.headers.get("access-control-allow-headers")).toMatch(/\bIf-Match\b.*\bIf-None-Match\b.*\bIdempotency-Key\b/);
  });
});

describe("If-None-Match", () => {
  it("[R7] of the current version: 304, without a body", async () => {
    const id = await create('{"a":1}');
    for (const header of ['"1"', 'W/"1"', '"7", "1"', "*"]) {
      const answer = await send("GET", `&uniqueId=${id}`, { headers: { "If-None-Match": header } });
      expect([answer.status, await answer.text(), answer.headers.get("etag")]).toEqual([304, "", '"1"']);
      expect(answer.headers.get("vary")).toBe("Origin");
    }
    await put(id, "2");
    const answer = await send("GET", `&uniqueId=${id}&dataOnly=true`, { headers: { "If-None-Match": '"1"' } });
    expect([answer.status, await answer.text(), answer.headers.get("etag")]).toEqual([200, "[2]", '"2"']);
  });

  it("[R7] has no effect on missing records and on lists", async () => {
    await create("1");
    for (const query of [`&uniqueId=${UNKNOWN_ID}`, ""]) {
      expect((await send("GET", query, { headers: { "If-None-Match": "*" } })).status).toBe(200);
    }
  });
});

describe("If-Match", () => {
  it.each(["force", "replace", "merge"])("[R7] allows a PUT with strategy=%s only at that version", async (strategy) => {
    const id = await create('{"a":1}');
    const refused = await put(id, '{"b":2}', '"2"', strategy);
    await expectProblem(refused, "version_conflict");
    expect([await read(id), await server.count(seed)]).toEqual(['[{"a":1}]', { records: 1, changes: 1 }]);
    const done = await put(id, '{"b":2}', '"1"', strategy);
    expect([done.status, done.headers.get("etag")]).toEqual([200, '"2"']);
    await expectProblem(await put(id, '{"b":2}', '"1"', strategy), "version_conflict");
    expect(await server.count(seed)).toEqual({ records: 1, changes: 2 });
  });

  it("[R7] allows a DELETE only at that version", async () => {
    const id = await create("1");
    await put(id, "2");
    await expectProblem(await remove(id, '"1"'), "version_conflict");
    expect(await server.count(seed)).toEqual({ records: 1, changes: 2 });
    expect((await remove(id, '"2"')).status).toBe(200);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 3 });
  });

  it("[R7] accepts tags that a compressing proxy weakened or renamed, because versions are exact", async () => {
    const id = await create('{"a":1}');
    expect((await put(id, "2", 'W/"1"')).headers.get("etag")).toBe('"2"');
    await expectProblem(await put(id, "3", 'W/"1"'), "version_conflict");
    expect((await put(id, "3", '"2-gzip"')).headers.get("etag")).toBe('"3"');
    const unchanged = await send("GET", `&uniqueId=${id}`, { headers: { "If-None-Match": 'W/"3-br"' } });
    expect([unchanged.status, unchanged.headers.get("etag")]).toEqual([304, '"3"']);
    expect((await remove(id, 'W/"9", W/"3"')).status).toBe(200);
  });

  it("[R7] accepts a list of tags, and a star for any version", async () => {
    const id = await create('{"a":1}');
    await expectProblem(await put(id, "2", '"2", "3"'), "version_conflict");
    expect((await put(id, "2", '"7", "1"')).status).toBe(200);
    expect((await put(id, "3", "*")).status).toBe(200);
    expect((await remove(id, '"2","3"')).status).toBe(200);
  });

  it.each([
    ["a weak tag of another version", 'W/"2"'],
    ["a tag without quotes", "1"],
    ["a tag of something else", '"abc"'],
    ["an open quote", '"1'],
  ])("[R7] matches nothing with %s", async (_what, header) => {
    const id = await create('{"a":1}');
    for (const strategy of ["force", "replace", "merge"]) await expectProblem(await put(id, "{}", header, strategy), "version_conflict");
    await expectProblem(await remove(id, header), "version_conflict");
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[R7] [R5] a missing record is not found, whatever the condition", async () => {
    for (const header of ['"1"', '"1", "2"', "*", "rubbish"]) {
      for (const strategy of ["force", "replace", "merge"])
        await expectProblem(await put(UNKNOWN_ID, "{}", header, strategy), "record_not_found");
      await expectProblem(await remove(UNKNOWN_ID, header), "record_not_found");
    }
  });

  it.each(["force", "replace", "merge"])(
    "[R7] of many writers with strategy=%s at the same version, one gets through",
    async (strategy) => {
      const id = await create("{}");
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => put(id, `{"n${n}":true}`, '"1"', strategy)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(412)]);
      const written = await Promise.all(answers.filter(({ status }) => status === 200).map((answer) => answer.json()));
      expect(JSON.parse(await read(id))).toEqual(written.map(({ data }: { data: unknown }) => data));
      expect(await server.count(seed)).toEqual({ records: 1, changes: 2 });
    },
  );

  it("[R7] of writers that allow several versions, as many succeed as there are versions", async () => {
    const id = await create("{}");
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => put(id, `{"n${n}":true}`, '"1", "2", "3"', "merge")));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, ...Array(9).fill(412)]);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 4 });
  });
});
