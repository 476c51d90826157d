/** Tests PUT with strategy=merge on a file's record: the text fields change, the file never does. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

let server: DataServer;
let seed: Seed;
let id: string;
let stored: string;

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: 10_000 });
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed();
  const body = toForm([filePart("hello"), { name: "album", body: "summer" }, { name: "place", body: "Zürich" }]);
  const answer = await fetch(`${server.origin}${seed.path}`, {
    method: "POST",
    headers: { "Content-Type": FORM_TYPE },
    body,
  });
  expect(answer.status).toBe(201);
  const record: { uniqueId: string; data: unknown } = await answer.json();
  id = record.uniqueId;
  stored = JSON.stringify(record.data);
});

const url = (parameters = "") => `${server.origin}${seed.path}&dataOnly=true&uniqueId=${id}${parameters}`;

function merge(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url("&strategy=merge"), { method: "PUT", headers: { "Content-Type": "application/json", ...headers }, body });
}

describe("merging into a file's record", () => {
  it("[F4] changes and adds text fields, and keeps the file and the other fields", async () => {
    const answer = await merge('{"metadata":{"album":["a","b"],"__proto__":"x"}}');
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"2"');
    const merged = stored.replace('"album":"summer"', '"album":["a","b"]').replace('"Zürich"', '"Zürich","__proto__":"x"');
    expect(await answer.text()).toBe(merged);
    expect(await (await fetch(url())).text()).toBe(`[${merged}]`);
    expect(await (await fetch(url("&fileOnly=true"))).text()).toBe("hello");
    expect(server.published.at(-1)).toMatchObject({ type: "PUT", record: { id, version: 2, data: merged } });
  });

  it("[F4] [R7] respects If-Match", async () => {
    await merge('{"metadata":{"album":"first"}}');
    await expectProblem(await merge('{"metadata":{"album":"late"}}', { "If-Match": '"1"' }), "version_conflict");
    expect((await merge('{"metadata":{"album":"second"}}', { "If-Match": '"2"' })).status).toBe(200);
  });

  it.each<[string, ErrorCode]>([
    ['{"file":{"name":"other.txt"}}', "merge_needs_objects"],
    ['{"metadata":{"a":"b"},"file":{}}', "merge_needs_objects"],
    ['{"metadata":{"a":"b"},"more":1}', "merge_needs_objects"],
    ["{}", "merge_needs_objects"],
    ['{"metadata":"a text"}', "merge_needs_objects"],
    ['{"metadata":["a"]}', "merge_needs_objects"],
    ['{"metadata":null}', "merge_needs_objects"],
    ['{"metadata":{"a":1}}', "merge_needs_objects"],
    ['{"metadata":{"a":null}}', "merge_needs_objects"],
    ['{"metadata":{"a":["b",{}]}}', "merge_needs_objects"],
    ['{"metadata":{"__proto__":{"a":"b"}}}', "merge_needs_objects"],
    ['["metadata"]', "merge_needs_objects"],
    [`{"metadata":{"a":"${"x".repeat(9_900)}"}}`, "body_too_large"],
  ])("[F4] %# is refused if it is not a merge of text fields, and changes nothing", async (body, code) => {
    const published = server.published.length;
    await expectProblem(await merge(body), code);
    expect(await (await fetch(url())).text()).toBe(`[${stored}]`);
    expect(server.published).toHaveLength(published);
  });
});
