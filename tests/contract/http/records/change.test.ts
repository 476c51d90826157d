/** Tests PUT and DELETE (R4, R5). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

interface WireRecord {
  uniqueId: string;
  data: unknown;
  createdAt: string;
  updatedAt: string;
}

const UNKNOWN_ID = "0".repeat(32);
const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: 10_000 });
});
beforeEach(async () => {
  seed = await server.seed();
});
afterAll(() => server.close());

function send(method: string, query: string, body?: string, contentType = JSON_TYPE): Promise<Response> {
  const init = body === undefined ? {} : { body, headers: { "Content-Type": contentType } };
  return fetch(`${server.origin}${seed.path}${query}`, { method, ...init });
}

async function create(body: string, contentType = JSON_TYPE): Promise<WireRecord> {
  return (await send("POST", "", body, contentType)).json() as Promise<WireRecord>;
}

const read = async (uniqueId: string): Promise<string> => (await send("GET", `&dataOnly=true&uniqueId=${uniqueId}`)).text();

describe("PUT", () => {
  it("[R4] replaces by default, and responds with 200 and the record", async () => {
    const created = await create('{"a":1,"b":2}');
    const response = await send("PUT", `&uniqueId=${created.uniqueId}`, '{"c": 3.0}');
    expect(response.status).toBe(200);
    const text = await response.text();
    const updated = JSON.parse(text) as WireRecord;
    expect(text).toBe(
      `{"uniqueId":"${created.uniqueId}","data":{"c": 3.0},"createdAt":"${created.createdAt}","updatedAt":"${updated.updatedAt}"}`,
    );
    expect(updated.updatedAt >= created.updatedAt).toBe(true);
    expect(await read(created.uniqueId)).toBe('[{"c": 3.0}]');
    expect(await server.count(seed)).toEqual({ records: 1, changes: 2 });
    expect(server.published.filter(({ endpointId }) => endpointId === seed.endpointId).map(({ seq, type }) => [seq, type])).toEqual([
      [1, "POST"],
      [2, "PUT"],
    ]);
  });

  it("[R4] returns only data with dataOnly=true", async () => {
    const { uniqueId } = await create("1");
    expect(await (await send("PUT", `&uniqueId=${uniqueId}&dataOnly=true`, "2")).text()).toBe("2");
    expect(await (await send("PUT", `&uniqueId=${uniqueId}&dataOnly=true&strategy=merge`, "{}")).json()).toHaveProperty(
      "code",
      "merge_needs_objects",
    );
  });

  it.each([
    ["force", '{"a":1}', JSON_TYPE, '{"b":2}', JSON_TYPE, '{"b":2}'],
    ["force", '{"a":1}', JSON_TYPE, "text", TEXT_TYPE, '"text"'],
    ["force", "text", TEXT_TYPE, "[1]", JSON_TYPE, "[1]"],
    ["replace", '{"a":1}', JSON_TYPE, "[2]", JSON_TYPE, "[2]"],
    ["replace", "one", TEXT_TYPE, "two", TEXT_TYPE, '"two"'],
    [
      "merge",
      '{"z":1.0,"a":{"x":1,"l":[1]}}',
      JSON_TYPE,
      '{"a":{"y":12345678901234567890,"l":[]},"b":null}',
      JSON_TYPE,
      '{"z":1.0,"a":{"x":1,"l":[],"y":12345678901234567890},"b":null}',
    ],
    ["merge", '{"__proto__":{"a":1}}', JSON_TYPE, '{"__proto__":{"b":2}}', JSON_TYPE, '{"__proto__":{"a":1,"b":2}}'],
  ])("[R4] strategy=%s turns %s (%s) with %s (%s) into %s", async (strategy, before, beforeType, body, bodyType, after) => {
    const { uniqueId } = await create(before, beforeType);
    const response = await send("PUT", `&uniqueId=${uniqueId}&strategy=${strategy}&dataOnly=true`, body, bodyType);
    expect([response.status, await response.text()]).toEqual([200, after]);
    expect(await read(uniqueId)).toBe(`[${after}]`);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 2 });
    expect(Reflect.get({}, "a")).toBeUndefined();
  });

  it.each<[string, string, string, string, string, ErrorCode]>([
    ["replace", '{"a":1}', JSON_TYPE, "text", TEXT_TYPE, "type_mismatch"],
    ["replace", "text", TEXT_TYPE, '"text"', JSON_TYPE, "type_mismatch"],
    ["merge", '{"a":1}', JSON_TYPE, "[1]", JSON_TYPE, "merge_needs_objects"],
    ["merge", '{"a":1}', JSON_TYPE, '{"b":2}', TEXT_TYPE, "merge_needs_objects"],
    ["merge", "[1]", JSON_TYPE, '{"b":2}', JSON_TYPE, "merge_needs_objects"],
    ["merge", '{"a":1}', TEXT_TYPE, '{"b":2}', JSON_TYPE, "merge_needs_objects"],
    ["merge", "null", JSON_TYPE, '{"b":2}', JSON_TYPE, "merge_needs_objects"],
    ["upsert", '{"a":1}', JSON_TYPE, '{"b":2}', JSON_TYPE, "parameter_invalid"],
    ["", '{"a":1}', JSON_TYPE, '{"b":2}', JSON_TYPE, "parameter_invalid"],
    ["FORCE", '{"a":1}', JSON_TYPE, '{"b":2}', JSON_TYPE, "parameter_invalid"],
  ])("[R4] strategy=%s refuses %s (%s) with %s (%s)", async (strategy, before, beforeType, body, bodyType, code) => {
    const { uniqueId } = await create(before, beforeType);
    const kept = await read(uniqueId);
    await expectProblem(await send("PUT", `&uniqueId=${uniqueId}&strategy=${strategy}`, body, bodyType), code);
    expect(await read(uniqueId)).toBe(kept);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it.each<[string, string, string | undefined, string, ErrorCode]>([
    ["[R5] no uniqueId", "", "1", JSON_TYPE, "unique_id_missing"],
    ["[R5] an empty uniqueId", "&uniqueId=", "1", JSON_TYPE, "unique_id_missing"],
    ["[R5] a malformed uniqueId", "&uniqueId=abc", "1", JSON_TYPE, "unique_id_invalid"],
    ["[R5] [R13] several uniqueIds", `&uniqueId=${UNKNOWN_ID},${"1".repeat(32)}`, "1", JSON_TYPE, "parameter_invalid"],
    ["[R5] an unknown uniqueId", `&uniqueId=${UNKNOWN_ID}`, "1", JSON_TYPE, "record_not_found"],
    ["[R5] an unknown uniqueId, merging", `&uniqueId=${UNKNOWN_ID}&strategy=merge`, "{}", JSON_TYPE, "record_not_found"],
    ["[R5] an unknown uniqueId, replacing", `&uniqueId=${UNKNOWN_ID}&strategy=replace`, "1", JSON_TYPE, "record_not_found"],
    ["[R2] no body", `&uniqueId=${UNKNOWN_ID}`, undefined, JSON_TYPE, "body_empty"],
    ["[R2] broken JSON", `&uniqueId=${UNKNOWN_ID}`, "{", JSON_TYPE, "body_invalid"],
    ["[R2] another content type", `&uniqueId=${UNKNOWN_ID}`, "{}", "application/xml", "content_type_unsupported"],
  ])("%s", async (_rule, query, body, contentType, code) => {
    await expectProblem(await send("PUT", query, body, contentType), code);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R5] does not change a record of another endpoint", async () => {
    const { uniqueId } = await create('{"a":1}');
    const other = await server.seed();
    for (const strategy of ["force", "merge", "replace"]) {
      const init = { method: "PUT", headers: { "Content-Type": JSON_TYPE }, body: "{}" };
      await expectProblem(await fetch(`${server.origin}${other.path}&uniqueId=${uniqueId}&strategy=${strategy}`, init), "record_not_found");
    }
    expect(await read(uniqueId)).toBe('[{"a":1}]');
  });

  it("[R4] loses none of many concurrent merges", async () => {
    const { uniqueId } = await create("{}");
    const keys = Array.from({ length: 30 }, (_, index) => `key${index}`);
    const answers = await Promise.all(
      keys.map((key) => send("PUT", `&uniqueId=${uniqueId}&strategy=merge`, JSON.stringify({ [key]: true }))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const [merged] = JSON.parse(await read(uniqueId)) as [Record<string, unknown>];
    expect(Object.keys(merged).sort()).toEqual(keys.sort());
    expect(await server.count(seed)).toEqual({ records: 1, changes: 31 });
  });

  it("[R4] limits the size of a merged record", async () => {
    const { uniqueId } = await create(JSON.stringify({ a: "x".repeat(6_000) }));
    const response = await send("PUT", `&uniqueId=${uniqueId}&strategy=merge`, JSON.stringify({ b: "x".repeat(6_000) }));
    expect(await expectProblem(response, "body_too_large")).toMatch(/merged/);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });
});

describe("DELETE", () => {
  it("[R5] returns the deleted record, once", async () => {
    const created = await create('{"a":1e400}');
    const text = await (await send("GET", `&uniqueId=${created.uniqueId}`)).text();
    const response = await send("DELETE", `&uniqueId=${created.uniqueId}`);
    expect([response.status, `[${await response.text()}]`]).toEqual([200, text]);
    expect(await read(created.uniqueId)).toBe("[]");
    await expectProblem(await send("DELETE", `&uniqueId=${created.uniqueId}`), "record_not_found");
    await expectProblem(await send("PUT", `&uniqueId=${created.uniqueId}`, "1"), "record_not_found");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 2 });
  });

  it("[R5] returns only data with dataOnly=true", async () => {
    const { uniqueId } = await create("text", TEXT_TYPE);
    expect(await (await send("DELETE", `&uniqueId=${uniqueId}&dataOnly=true`)).text()).toBe('"text"');
  });

  it.each<[string, ErrorCode]>([
    ["", "unique_id_missing"],
    ["&uniqueId=", "unique_id_missing"],
    ["&uniqueId=*", "unique_id_invalid"],
    [`&uniqueId=${UNKNOWN_ID}&uniqueId=${"1".repeat(32)}`, "parameter_invalid"],
    [`&uniqueId=${UNKNOWN_ID}`, "record_not_found"],
    [`&uniqueId=${UNKNOWN_ID}&dataOnly=1`, "parameter_invalid"],
  ])("[R5] %j deletes nothing", async (query, code) => {
    await create("1");
    await expectProblem(await send("DELETE", query), code);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[R5] does not delete a record of another endpoint", async () => {
    const { uniqueId } = await create("1");
    const other = await server.seed();
    await expectProblem(await fetch(`${server.origin}${other.path}&uniqueId=${uniqueId}`, { method: "DELETE" }), "record_not_found");
    expect(await read(uniqueId)).toBe("[1]");
  });
});
