/** Tests POST: the stored data, the response, and refusals (R1, R2). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const BODY_BYTES_MAX = 20_000;

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: BODY_BYTES_MAX });
});
beforeEach(async () => {
  seed = await server.seed();
});
afterEach(async () => {
  // Whatever a request was, the next one succeeds.
  expect((await post('"alive"')).status).toBe(201);
});
afterAll(() => server.close());

function post(body: string | Uint8Array | undefined, contentType: string | null = "application/json", query = ""): Promise<Response> {
  const headers: Record<string, string> = contentType === null ? {} : { "Content-Type": contentType };
  return fetch(`${server.origin}${seed.path}${query}`, {
    method: "POST",
    headers,
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  });
}

describe("POST", () => {
  it("[R1] [R2] responds with 201 and the record, stores it once and logs it once", async () => {
    const response = await post('{"b":1,"a":[true,null]}');
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("x-request-id")).toMatch(/^req-[0-9a-f]{12}$/);
    const text = await response.text();
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
    const record: Record<string, unknown> = JSON.parse(text);
    expect(Object.keys(record)).toEqual(["uniqueId", "data", "createdAt", "updatedAt"]);
    expect(record.uniqueId).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    expect(record.data).toEqual({ b: 1, a: [true, null] });
    expect(record.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(record.updatedAt).toBe(record.createdAt);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
    expect(server.published.filter(({ endpointId }) => endpointId === seed.endpointId)).toMatchObject([
      { seq: 1, type: "POST", record: { id: record.uniqueId } },
    ]);
  });

  it.each([
    ["numbers beyond double precision", '{"a":1e400,"b":1.0,"c":12345678901234567890123,"d":-0.0,"e":1E-7}'],
    ["key order, integer-like and duplicate keys", '{"b":1,"10":2,"a":3,"2":4,"b":5}'],
    ["__proto__ and constructor as plain keys", '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
    ["lone surrogates and escapes as written", '["\\ud800","\\u00e9\\/\\u2028"]'],
    ["an escaped backslash before u0000", '"\\\\u0000"'],
    ["white space inside", '{ "a" : [ 1 ,\n2 ] }'],
    ["the deepest nesting", "[".repeat(JSON_DEPTH_MAX) + "]".repeat(JSON_DEPTH_MAX)],
    ["null", "null"],
    ["false", "false"],
    ["zero", "0"],
    ["an empty string", '""'],
    ["characters beyond the first plane", '"😀 ü \u0001"'.replace("\u0001", "")],
  ])("[R1] keeps %s to the byte", async (_what, body) => {
    const created = await post(body);
    expect(created.status).toBe(201);
    const text = await created.text();
    expect(text).toContain(`"data":${body},"createdAt"`);
    const { uniqueId } = JSON.parse(text) as { uniqueId: string };
    expect(await (await fetch(`${server.origin}${seed.path}&uniqueId=${uniqueId}&dataOnly=true`)).text()).toBe(`[${body}]`);
    expect(await (await fetch(`${server.origin}${seed.path}`)).text()).toBe(`[${text}]`);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it("[R1] [R13] removes white space around the value, and a byte order mark", async () => {
    expect(await (await post(' \n{"a": 1}\r\n', "application/json", "&dataOnly=true")).text()).toBe('{"a": 1}');
    expect(await (await post("\ufeff[1]", "application/json", "&dataOnly=true")).text()).toBe("[1]");
  });

  it("[R1] returns only data with dataOnly=true, the record with false", async () => {
    const only = await post('{"a":1}', "application/json", "&dataOnly=true");
    expect([only.status, await only.text()]).toEqual([201, '{"a":1}']);
    expect(await (await post('{"a":1}', "application/json", "&dataOnly=false")).json()).toHaveProperty("uniqueId");
  });

  it("[R2] stores text as a string", async () => {
    const text = 'Not {"json"} \\ \n 😀';
    const record = (await (await post(text, "text/plain")).json()) as { data: unknown };
    expect(record.data).toBe(text);
    expect(await (await post('{"a":1}', "text/plain;charset=UTF-8", "&dataOnly=true")).json()).toBe('{"a":1}');
  });

  it("[R2] accepts a body of exactly the limit", async () => {
    const body = `"${"x".repeat(BODY_BYTES_MAX - 2)}"`;
    expect((await post(body)).status).toBe(201);
  });

  it.each<[string, string | Uint8Array | undefined, string | null, Parameters<typeof expectProblem>[1], RegExp]>([
    ["[R2] no body", undefined, null, "body_empty", /empty/],
    ["[R2] an empty JSON body", "", "application/json", "body_empty", /empty/],
    ["[R2] white space alone", " \r\n\t", "application/json", "body_empty", /empty/],
    ["[R2] white space alone as text", " \n", "text/plain", "body_empty", /empty/],
    ["[R2] no content type", "{}", null, "content_type_unsupported", /application\/json/],
    ["[R2] another content type", "<a/>", "application/xml", "content_type_unsupported", /application\/json/],
    ["[R2] a form", "a=1", "application/x-www-form-urlencoded", "content_type_unsupported", /application\/json/],
    ["[R11] another charset", "{}", "application/json; charset=iso-8859-1", "content_type_unsupported", /UTF-8/],
    ["[R2] broken JSON", '{\n  "a": tru\n}', "application/json", "body_invalid", /line 2, column 8 \(offset 9\): expected a value/],
    ["[R2] JSON that ends early", '{"a":[1,2', "application/json", "body_invalid", /line 1, column 10/],
    ["[R2] two values", "1 2", "application/json", "body_invalid", /unexpected text after the value/],
    ["[R1] a NUL character in a string", '{"a":[0,0,0,{"b":"\\u0000"}]}', "application/json", "body_invalid", /\$\.a\[3\]\.b/],
    ["[R1] a NUL character in a key", '{"a":{"x\\u0000":1}}', "application/json", "body_invalid", /a key of the object at \$\.a/],
    ["[R1] a bare NUL character in a string", '["\0"]', "application/json", "body_invalid", /\$\[0\]/],
    ["[R1] a NUL character in a text", "a\0", "text/plain", "body_invalid", /offset 1/],
    ["[R11] invalid UTF-8", Uint8Array.of(0x22, 0x61, 0xc3, 0x28, 0x22), "application/json", "body_invalid", /byte 2/],
    ["[R11] invalid UTF-8 in a text", Uint8Array.of(0x61, 0xff), "text/plain", "body_invalid", /byte 1/],
    [
      "[R11] too deep nesting",
      "[".repeat(JSON_DEPTH_MAX + 1) + "]".repeat(JSON_DEPTH_MAX + 1),
      "application/json",
      "body_invalid",
      /deeper than 1000/,
    ],
    ["[R11] 10,000-deep nesting", "[".repeat(10_000) + "]".repeat(10_000), "application/json", "body_invalid", /deeper than 1000/],
    ["[R2] a body over the limit", `"${"x".repeat(BODY_BYTES_MAX)}"`, "application/json", "body_too_large", /20000 bytes/],
  ])("%s", async (_rule, body, contentType, code, detail) => {
    expect(await expectProblem(await post(body, contentType), code)).toMatch(detail);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[R1] refuses a dataOnly that is neither true nor false", async () => {
    expect(await expectProblem(await post("1", "application/json", "&dataOnly=yes"), "parameter_invalid")).toMatch(/dataOnly/);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[U1] ignores unknown parameters", async () => {
    expect((await post("1", "application/json", "&strategy=nonsense&uniqueId=x&ticket=t&%00=%00&limit=-1")).status).toBe(201);
  });

  it("[R1] keeps concurrent creations separate", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => post(String(index))));
    const records = (await Promise.all(answers.map((answer) => answer.json()))) as { uniqueId: string; data: number }[];
    expect(new Set(records.map(({ uniqueId }) => uniqueId)).size).toBe(40);
    const listed = (await (await fetch(`${server.origin}${seed.path}`)).json()) as { uniqueId: string; data: number }[];
    expect(listed).toHaveLength(40);
    for (const { uniqueId, data } of records) expect(listed.find((record) => record.uniqueId === uniqueId)?.data).toBe(data);
    expect(await server.count(seed)).toEqual({ records: 40, changes: 40 });
  });
});
