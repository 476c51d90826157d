/** Tests that the management API stores an endpoint's access function (S8) only if it is one function. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { accessCheckedSchema, accessPreviewedSchema } from "@/src/shared/management/access";
import { ACCESS_FUNCTION_BYTES_MAX } from "@/src/shared/text/access-function";
import { unlessBusy } from "@/tests/support/unless-busy";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let project: { id: string };
let endpoint: { id: string };
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Chat" } })).body;
  endpoint = (await create({ name: "messages" })).body;
});

const create = (body: object) => ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body });
const patch = (body: object) => ada.call("PATCH", path(), { body });
const path = () => `/api/manage/endpoints/${endpoint.id}`;

const SOURCES = [
  "() => true",
  "\n\nexport default async ({ user, record }) => record.owner === user?.uniqueId;\n",
  "function may() { return false }",
];

const INVALID: [name: string, source: unknown, why: RegExp][] = [
  ["cannot be parsed", "() => {\n  return tru e;\n}", /^Line 2, column 14: SyntaxError/],
  ["cannot be parsed and is a module", "export default () => {\n\n  retur n true;\n}", /^Line 3, column 9: SyntaxError/],
  ["is no function", "42", /not one function/],
  ["is two functions", "function a() {}\nfunction b() {}", /^Line 2/],
  ["exports something else", "export const a = () => true;", /not one function/],
  ["imports", "import fs from 'fs';\nexport default () => true;", /./],
  ["throws", "export default nothing;", /^Line 1.*ReferenceError/],
  ["is empty", "", /Enter a function/],
  ["is white space", " \n ", /Enter a function/],
  ["is too large", `() => true // ${"x".repeat(ACCESS_FUNCTION_BYTES_MAX)}`, /64 KiB/],
  ["is too large in UTF-8", `() => true // ${"ü".repeat(ACCESS_FUNCTION_BYTES_MAX / 2)}`, /64 KiB/],
  ["has a NUL", "() => '\0'", /NUL/],
  ["has half of a surrogate pair", "() => '\ud800'", /surrogates/],
  ["is not a text", { source: "() => true" }, /string/],
  ["is a list", ["() => true"], /string/],
];

describe("saving an access function", () => {
  it.each(SOURCES)("[S8] POST and PATCH store it as it was sent: %j", async (accessFunction) => {
    const made = await create({ name: "with/function", accessFunction });
    expect([made.status, made.body.accessFunction]).toEqual([201, accessFunction]);
    expect((await ada.call("GET", `/api/manage/endpoints/${made.body.id}`)).body.accessFunction).toBe(accessFunction);
    const patched = await patch({ accessFunction, description: "with it" });
    expect(patched.body).toMatchObject({ accessFunction, description: "with it" });
    expect((await ada.call("GET", path())).body).toEqual(patched.body);
    expect((await ada.call("GET", `/api/manage/projects/${project.id}/endpoints`)).body).toMatchObject([
      { accessFunction },
      { accessFunction },
    ]);
  });

  it("[S8] PATCH without it keeps it, with null removes it, and each change raises the project's revision", async () => {
    const readRevision = async () => (await server.runtime.db.project.findUniqueOrThrow({ where: { id: project.id } })).revision;
    await patch({ accessFunction: SOURCES[0] });
    expect((await patch({ description: "words" })).body.accessFunction).toBe(SOURCES[0]);
    const before = await readRevision();
    expect((await patch({ accessFunction: null })).body.accessFunction).toBeNull();
    expect(await readRevision()).toBeGreaterThan(before);
  });

  it.each(INVALID)("[S8] a source that %s is refused, and nothing is stored", async (_, accessFunction, why) => {
    for (const answer of [await patch({ accessFunction, description: "x" }), await create({ name: "other", accessFunction })])
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "fields_invalid", fields: { accessFunction: expect.stringMatching(why) } },
      });
    expect((await ada.call("GET", path())).body).toMatchObject({ accessFunction: null, description: "" });
    expect((await ada.call("GET", `/api/manage/projects/${project.id}/endpoints`)).body).toHaveLength(1);
  });

  it("[S8] others cannot read or change it", async () => {
    await patch({ accessFunction: SOURCES[0] });
    const bob = await server.createPerson(`Bob${count}`);
    expect((await bob.call("PATCH", path(), { body: { accessFunction: null } })).status).toBe(404);
    expect((await bob.call("GET", path())).status).toBe(404);
    expect((await ada.call("GET", path())).body.accessFunction).toBe(SOURCES[0]);
  });
});

describe("access-check", () => {
  const check = (body: object) =>
    ada.call("POST", `${path()}/access-check`, { body: { user: null, operation: "read", record: { data: { n: 1 } }, ...body } });

  it("[S8] responds with the verdict, the reason and the time of the stored function", async () => {
    await patch({ accessFunction: "({ record }) => ({ allow: record.data.n > 1, reason: 'n is too small' })" });
    const refused = await check({});
    expect(refused.body).toMatchObject({
      allowed: false,
      decidedBy: { kind: "function", verdict: "false", rule: null, line: null, reason: "n is too small" },
      function: { outcome: "refused", reason: "n is too small", cause: null, millis: expect.any(Number) },
    });
    expect(accessCheckedSchema.parse(refused.body)).toEqual(refused.body);
    expect((await check({ record: { data: { n: 2 } } })).body).toMatchObject({
      allowed: true,
      decidedBy: { kind: "function", verdict: "true" },
      function: { outcome: "allowed" },
    });
  });

  it("[S8] responds with the cause, the message and the line of a failure", async () => {
    await patch({ accessFunction: "({ record }) => {\n  return record.data.a.b;\n}" });
    expect((await check({})).body).toMatchObject({
      allowed: false,
      decidedBy: {
        kind: "function",
        verdict: null,
        line: 2,
        reason: expect.stringMatching(/^The access function fails, because it throws \(TypeError/),
      },
      function: { outcome: "failed", cause: "exception", message: expect.stringMatching(/^TypeError/), line: 2 },
    });
    expect((await check({ accessFunction: "() => 1" })).body.function).toMatchObject({ outcome: "failed", cause: "type" });
  });

  it("[S8] tries a function that is not saved, and refuses one that is not valid", async () => {
    const accessFunction = "({ request, operation, input }) => ({ allow: false, reason: JSON.stringify([request, operation, input]) })";
    const body = { accessFunction, operation: "update", input: { n: 2 }, origin: "https://a.example", keyName: "Web", keyScope: "write" };
    expect(JSON.parse((await check(body)).body.function.reason)).toEqual([
      { origin: "https://a.example", key: { name: "Web", scope: "write" } },
      "update",
      { n: 2 },
    ]);
    expect((await check({})).body.function).toBeNull();
    expect(await check({ accessFunction: "() => {\n tru e }" })).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { accessFunction: expect.stringMatching(/^Line 2/) } },
    });
    expect((await ada.call("GET", path())).body.accessFunction).toBeNull();
  });

  it("[S8] shows the function's verdict beside that of rules that refuse", async () => {
    await patch({ rules: { read: "n = 5" }, accessFunction: "() => true" });
    expect((await check({})).body).toMatchObject({ allowed: false, decidedBy: { kind: "rule" }, function: { outcome: "allowed" } });
    expect((await check({ record: { data: { n: 5 } } })).body).toMatchObject({ allowed: true, decidedBy: { kind: "function" } });
  });

  it("[S8] a stream needs read and subscribe, and finds are executed", async () => {
    await create({ name: "rooms" });
    await patch({ accessFunction: "async ({ operation, find }) => operation === 'subscribe' && (await find('rooms', {})).length === 0" });
    expect((await check({ operation: "subscribe" })).body).toMatchObject({ allowed: false, function: { outcome: "refused" } });
    await patch({ accessFunction: "async ({ find }) => (await find('rooms', {})).length === 0" });
    expect((await check({ operation: "subscribe" })).body).toMatchObject({ allowed: true, function: { outcome: "allowed" } });
  });
});

describe("access-preview", () => {
  const preview = (body: object) => ada.call("POST", `${path()}/access-preview`, { body: { users: [null], ...body } });
  const storeAll = (count: number) => {
    const writes = Array.from(
      { length: count },
      (_, n) => ({ type: "POST", id: createUniqueId(), contentType: "json", data: `{"n":${n}}` }) as const,
    );
    return server.runtime.records.commit(endpoint.id, writes);
  };

  it("[A6] [S8] asks the function about the newest records that the rules allow, and says how many", async () => {
    await storeAll(120);
    await patch({ accessFunction: "({ record }) => record.data.n % 2 === 0" });
    const stored = await preview({});
    expect(accessPreviewedSchema.parse(stored.body)).toEqual(stored.body);
    expect(stored.body).toMatchObject({ examined: 120, users: [{ readable: 120, sample: { asked: 50, allowed: 25, failed: 0 } }] });
    const tried = await preview({ rules: { read: "n < 10" }, accessFunction: "({ record }) => record.data.n === 3 || record.data.a.b" });
    expect(tried.body.users).toMatchObject([{ readable: 10, sample: { asked: 10, allowed: 1, failed: 9 } }]);
    expect((await preview({ accessFunction: null })).body.users).toMatchObject([{ readable: 120, sample: null }]);
    expect((await preview({ rules: { read: "false" } })).body.users).toMatchObject([{ readable: 0, sample: { asked: 0, allowed: 0 } }]);
    expect((await ada.call("GET", path())).body.accessFunction).toContain("% 2");
  });

  it("[A6] [S8] a function that exceeds its limits does not hold the preview up", async () => {
    await storeAll(50);
    const { status, body } = await unlessBusy(
      () => preview({ accessFunction: "() => { for (;;); }" }),
      (answer) => answer.status === 503,
    );
    expect([status, body.users]).toEqual([200, [{ user: null, readable: 50, redacted: 0, sample: { asked: 50, allowed: 0, failed: 50 } }]]);
  }, 120_000);

  it("[A6] [S8] a function that is not valid is refused with its line", async () => {
    const answer = await preview({ accessFunction: "() => {\n  return tru e;\n}" });
    expect(answer).toMatchObject({ status: 400, body: { fields: { accessFunction: expect.stringMatching(/^Line 2, column 14/) } } });
    const large = await preview({ accessFunction: `() => true // ${"x".repeat(ACCESS_FUNCTION_BYTES_MAX - 20)}` });
    expect(large.status).toBe(200);
  });

  it("[A6] [S8] simultaneous trials of other users and other functions have verdicts of their own", async () => {
    const check = (accessFunction: string, data: unknown) =>
      ada.call("POST", `${path()}/access-check`, { body: { user: null, operation: "read", record: { data }, accessFunction } });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => check(`({ record }) => ({ allow: ${n % 2 === 0}, reason: "${n}" })`, { n: 1 })),
    );
    expect(answers.map(({ body }) => [body.allowed, body.function.reason])).toEqual(
      Array.from({ length: 12 }, (_, n) => [n % 2 === 0, String(n)]),
    );
  });
});
