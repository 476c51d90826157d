/** Tests the access rules of endpoints in the management API: they are stored only if they parse, have versions, and can be tried before. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { previewAccess } from "@/src/management/access/preview-access";
import { ACCESS_VERSIONS_MAX, accessCheckedSchema, accessPreviewedSchema, accessVersionsSchema } from "@/src/shared/management/access";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

const CALLER = ["account", "project", "caller"] as const;
const NO_RECORD = "0".repeat(32);

let server: ManageServer;
let ada: Person;
let projectId: string;
let endpointId: string;
let usersId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  projectId = (await ada.call("POST", "/api/manage/projects", { body: { name: "Chat" } })).body.id;
  endpointId = (await create({ name: "messages" })).body.id;
  usersId = (await create({ name: "people", kind: "authentication" })).body.id;
});

const create = (body: object) => ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body });
const path = (rest = "") => `/api/manage/endpoints/${endpointId}${rest}`;
const patch = (body: object) => ada.call("PATCH", path(), { body });
const post = (rest: string, body: object) => ada.call("POST", path(rest), { body });
const versions = async () => (await ada.call("GET", path("/access-versions"))).body.versions;

async function register(name: string, more: object = {}): Promise<string> {
  const endpoint = { endpointId: usersId, projectId, schema: null };
  const body = { contentType: "json", data: JSON.stringify({ username: name, password: "correct horse", ...more }) } as const;
  return (await server.runtime.users.register({ endpoint, body, caller: CALLER, address: null, isTrusted: true })).id;
}

async function store(data: string, owner: string | null = null): Promise<string> {
  const id = createUniqueId();
  await server.runtime.records.commit(endpointId, [{ type: "POST", id, contentType: "json", data, ...(owner === null ? {} : { owner }) }]);
  return id;
}

const RULES = { read: "members ~ @user.id", create: null, update: null, delete: "false", hide: ['phone unless @user.data.role = "admin"'] };

describe("saving rules", () => {
  it("[A5] POST and PATCH store and return them, PATCH without them keeps them, with null removes them", async () => {
    const made = await create({ name: "with/rules", rules: RULES });
    expect([made.status, made.body.rules]).toEqual([201, RULES]);
    const patched = await patch({ rules: { read: "true" } });
    expect(patched.body.rules).toEqual({ read: "true", create: null, update: null, delete: null, hide: [] });
    expect((await ada.call("GET", path())).body).toEqual(patched.body);
    expect((await patch({ description: "words" })).body.rules).toMatchObject({ read: "true" });
    expect((await patch({ rules: null })).body.rules).toBeNull();
    expect((await patch({ rules: { read: null, hide: [] } })).body.rules).toBeNull();
    const stored = await server.runtime.db.$queryRaw`SELECT "rules" IS NULL AS "isNull" FROM "Endpoint" WHERE "id" = ${endpointId}::uuid`;
    expect(stored).toEqual([{ isNull: true }]);
  });

  it("[A5] the endpoint shows what its switches mean as rules", async () => {
    await patch({ secure: true, othersCanRead: true });
    const own = "@owner = @user.id";
    expect((await ada.call("GET", path())).body.defaultRules).toEqual({ read: "true", create: "true", update: own, delete: own });
  });

  it.each<[string, object, string, string]>([
    ["of unknown grammar", { read: "a = 1 ||\nb = 2" }, "rules.read", "Line 1, column 7: Use | instead of ||."],
    ["on a later line", { update: "a = 1 |\n  b == 2" }, "rules.update", "Line 2, column 5: Use = instead of ==."],
    [
      "with an unknown variable",
      { read: "@usr.id = 1" },
      "rules.read",
      "Line 1, column 1: There is no variable @usr.id. Do you mean @user.id?",
    ],
    ["with @input where there is none", { delete: "@input.a = 1" }, "rules.delete", "Only the rules create and update"],
    ["in hide", { hide: ["a", "b unless"] }, "rules.hide.1", "Line 1, column 9: After unless"],
    ["of another type", { read: 1 }, "rules.read", "Use a text with a rule"],
    ["of an unknown operation", { list: "true" }, "rules.list", "Unknown field."],
    ["with a long text", { read: `a = "${"x".repeat(3000)}"` }, "rules.read", "2000 characters at most"],
    [
      "with much text",
      { hide: Array.from({ length: 50 }, () => `a unless b = "${"x".repeat(400)}"`) },
      "rules",
      "16000 characters at most",
    ],
    ["with many entries", { hide: Array.from({ length: 51 }, () => "a") }, "rules.hide", "50 entries at most"],
  ])("[A5] rules %s fail with 400, the field and the place", async (_, rules, field, message) => {
    const answer = await patch({ rules });
    expect(answer).toMatchObject({ status: 400, body: { code: "fields_invalid" } });
    expect(answer.body.fields[field]).toContain(message);
    expect(answer.body.detail).toContain(field);
    expect((await ada.call("GET", path())).body.rules).toBeNull();
  });

  it("[A5] 10,000 rules' worth of text is refused before it is parsed", async () => {
    const hide = Array.from({ length: 10_000 }, (_, index) => `a${index}`);
    expect(await patch({ rules: { hide } })).toMatchObject({
      status: 400,
      body: { fields: { "rules.hide": expect.stringContaining("50 entries") } },
    });
    const long = Array.from({ length: 10_000 }, () => `a unless b = "${"x".repeat(100)}"`);
    expect((await patch({ rules: { hide: long } })).status).toBe(413);
  });

  it("[A5] the data plane's definition carries the compiled rules at once", async () => {
    const key = (await ada.call("GET", `/api/manage/projects/${projectId}/keys`)).body[0].key;
    expect((await server.runtime.definitions.find(key, "messages"))?.endpoint.rules).toBeUndefined();
    await patch({ rules: { read: "a = 1" } });
    const found = await server.runtime.definitions.find(key, "messages");
    expect(found?.endpoint.rules?.rules.read?.text).toBe("a = 1");
    await patch({ rules: null });
    expect((await server.runtime.definitions.find(key, "messages"))?.endpoint.rules).toBeUndefined();
  });
});

describe("versions of rules", () => {
  it("[A5] keep each change with time and author, newest first; an equal save is no change", async () => {
    await patch({ rules: { read: "true" } });
    await patch({ rules: { read: "true" }, description: "words" });
    await patch({ description: "other words" });
    await patch({ rules: RULES });
    await patch({ rules: null });
    const answer = await ada.call("GET", path("/access-versions"));
    expect(accessVersionsSchema.safeParse(answer.body).success).toBe(true);
    expect(answer.body.versions).toMatchObject([
      { number: 3, rules: null, accessFunction: null, author: { id: ada.id, name: `Ada${count}` } },
      { number: 2, rules: RULES },
      { number: 1, rules: { read: "true" } },
    ]);
    const made = await create({ name: "with/rules", rules: RULES });
    const created = await ada.call("GET", `/api/manage/endpoints/${made.body.id}/access-versions`);
    expect(created.body.versions).toMatchObject([{ number: 1, rules: RULES }]);
  });

  it("[A5] POST restores one, which becomes the newest", async () => {
    await patch({ rules: RULES });
    await patch({ rules: { read: "false" } });
    const answer = await post("/access-versions", { number: 1 });
    expect([answer.status, answer.body.rules]).toEqual([200, RULES]);
    expect((await versions()).map(({ number, rules }: { number: number; rules: unknown }) => [number, rules])).toEqual([
      [3, RULES],
      [2, expect.objectContaining({ read: "false" })],
      [1, RULES],
    ]);
    const missing = await post("/access-versions", { number: 9 });
    expect(missing).toMatchObject({ status: 400, body: { fields: { number: expect.stringContaining("no such version") } } });
  });

  it("[A5] a version whose rules do not parse any more is not restored", async () => {
    await patch({ rules: RULES });
    await server.runtime.db.accessVersion.updateMany({ where: { endpointId }, data: { rules: { read: "a ? b" } } });
    const answer = await post("/access-versions", { number: 1 });
    expect(answer).toMatchObject({ status: 400, body: { fields: { number: expect.stringContaining("not valid any more") } } });
  });

  it("[A5] [S8] contain the access function, which is restored with the rules", async () => {
    const accessFunction = "({ user }) => user !== null";
    await patch({ rules: RULES, accessFunction });
    await patch({ accessFunction: null });
    await patch({ accessFunction: null });
    expect(await versions()).toMatchObject([
      { number: 2, rules: RULES, accessFunction: null },
      { number: 1, rules: RULES, accessFunction },
    ]);
    expect((await post("/access-versions", { number: 1 })).body).toMatchObject({ rules: RULES, accessFunction });
    expect(await versions()).toHaveLength(3);
  });

  it("[A5] the newest 50 are kept", async () => {
    for (let index = 0; index < ACCESS_VERSIONS_MAX + 3; index += 1) await patch({ rules: { read: `a = ${index}` } });
    const numbers = (await versions()).map(({ number }: { number: number }) => number);
    expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([ACCESS_VERSIONS_MAX, ACCESS_VERSIONS_MAX + 3, 4]);
  });

  it("[A5] concurrent changes have versions of their own", async () => {
    await Promise.all(Array.from({ length: 8 }, (_, index) => patch({ rules: { read: `a = ${index}` } })));
    const found = await versions();
    expect(found.map(({ number }: { number: number }) => number)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect((await ada.call("GET", path())).body.rules).toEqual(found[0].rules);
  });
});

describe("checking access", () => {
  const check = (body: object) => post("/access-check", body);

  it("[A6] names the rule and the part that decides", async () => {
    const [zoe, bob] = [await register("zoe"), await register("bob", { role: "admin" })];
    await patch({ rules: { ...RULES, read: 'members ~ @user.id\n| @user.data.role = "admin"' } });
    const uniqueId = await store(JSON.stringify({ members: [zoe], phone: 1 }));
    const mine = await check({ user: zoe, operation: "read", uniqueId });
    expect(accessCheckedSchema.safeParse(mine.body).success).toBe(true);
    expect(mine.body).toMatchObject({
      allowed: true,
      decidedBy: { kind: "rule", part: "members ~ @user.id", verdict: "true", line: 1, column: 1 },
      hidden: RULES.hide,
    });
    const admin = await check({ user: bob, operation: "subscribe", uniqueId });
    expect(admin.body).toMatchObject({ allowed: true, decidedBy: { part: '@user.data.role = "admin"', line: 2, column: 3 }, hidden: [] });
    const nobody = await check({ user: null, operation: "read", uniqueId });
    expect(nobody.body).toMatchObject({ allowed: false, decidedBy: { verdict: "undecided", part: "members ~ @user.id" } });
    expect(nobody.body.decidedBy.reason).toContain("missing, null or of another type");
    expect((await check({ user: zoe, operation: "delete", uniqueId })).body).toMatchObject({
      allowed: false,
      decidedBy: { rule: "false", part: "false", verdict: "false" },
    });
  });

  it.each([
    ["n = 12345678901234567890", "12345678901234567890", "12345678901234567891"],
    ["n ~ 1e2 | n = 1e400", "1e400", "1e401"],
    ["n = 0.30000000000000004", "0.300000000000000040", "0.3000000000000000444"],
  ])("[A6] numbers count by their digits: %s is true for %s, and not for %s", async (rule, right, wrong) => {
    const send = async (body: string) =>
      (await ada.call("POST", `${path()}/access-check`, { raw: { contentType: "application/json", bytes: body } })).body.allowed;
    const rules = JSON.stringify({ read: rule, create: rule, update: rule.replaceAll("n ", "@input.n ") });
    for (const [n, isAllowed] of [
      [right, true],
      [wrong, false],
    ] as const) {
      expect(await send(`{"user":null,"operation":"read","rules":${rules},"record":{"data":{"n":${n}}}}`)).toBe(isAllowed);
      expect(await send(`{"user":null,"operation":"create","rules":${rules},"input":{"n":${n}}}`)).toBe(isAllowed);
      expect(await send(`{"user":null,"operation":"update","rules":${rules},"record":{"data":{}},"input":{"n":${n}}}`)).toBe(isAllowed);
    }
  });

  it("[A6] [S2] names the default where there is no rule, and the endpoint where it needs a token", async () => {
    const zoe = await register("zoe");
    await patch({ secure: true });
    const uniqueId = await store("1", zoe);
    expect((await check({ user: zoe, operation: "update", uniqueId, input: 2 })).body).toMatchObject({
      allowed: true,
      decidedBy: { kind: "default", rule: "@owner = @user.id" },
    });
    expect((await check({ user: null, operation: "update", uniqueId })).body).toMatchObject({
      allowed: false,
      decidedBy: { kind: "endpoint", rule: null, reason: expect.stringContaining("access_token_missing") },
    });
  });

  it("[A6] tries records and rules that are not stored", async () => {
    const zoe = await register("zoe");
    const record = { data: { author: zoe }, owner: zoe };
    const rules = {
      read: "author = @user.id",
      update: "@owner = @user.id & @input.author missing",
      create: '@owner = @user.id & title = "x"',
    };
    expect((await check({ user: zoe, operation: "read", record, rules })).body).toMatchObject({ allowed: true });
    expect((await check({ user: zoe, operation: "update", record, rules, input: { author: 1 } })).body).toMatchObject({
      allowed: false,
      decidedBy: { part: "@input.author missing", column: 21 },
    });
    expect((await check({ user: zoe, operation: "create", input: { title: "x" }, rules })).body).toMatchObject({ allowed: true });
    expect((await check({ user: zoe, operation: "create", record: { data: { title: "x" }, owner: null }, rules })).body.allowed).toBe(
      false,
    );
    expect(
      (await check({ user: null, operation: "read", record, rules: { read: '@key.scope = "read"' }, keyScope: "read" })).body.allowed,
    ).toBe(true);
    expect((await ada.call("GET", path())).body.rules).toBeNull();
  });

  it("[A6] [S8] asks the access function after the rules, and names the line where it fails", async () => {
    const zoe = await register("zoe");
    const record = { data: { n: 1 }, owner: zoe };
    const accessFunction =
      "({ record, user }) => {\n  if (record.data.n === 2) record.a.b;\n  return { allow: user !== null, reason: 'log in' };\n}";
    await patch({ accessFunction, rules: { read: "n < 3" } });
    const mine = await check({ user: zoe, operation: "read", record });
    expect(mine.body).toMatchObject({ allowed: true, decidedBy: { kind: "function", verdict: "true" } });
    const nobody = await check({ user: null, operation: "subscribe", record });
    expect(nobody.body).toMatchObject({ allowed: false, decidedBy: { kind: "function", verdict: "false", reason: "log in" } });
    const failed = await check({ user: zoe, operation: "read", record: { data: { n: 2 } } });
    expect(failed.body).toMatchObject({
      allowed: false,
      decidedBy: { kind: "function", line: 2, reason: expect.stringContaining("refused") },
    });
    const ruled = await check({ user: zoe, operation: "read", record: { data: { n: 3 } } });
    expect(ruled.body).toMatchObject({ allowed: false, decidedBy: { kind: "rule", part: "n < 3" } });
    const tried = await check({ user: null, operation: "read", record, accessFunction: "() => true" });
    expect(tried.body).toMatchObject({ allowed: true, decidedBy: { kind: "function" } });
    expect((await check({ user: null, operation: "read", record, accessFunction: null })).body).toMatchObject({
      decidedBy: { kind: "rule" },
    });
  });

  it.each<[object, string]>([
    [{ user: NO_RECORD, operation: "read", record: { data: 1 } }, "user"],
    [{ user: null, operation: "read", uniqueId: NO_RECORD }, "uniqueId"],
    [{ user: null, operation: "read" }, "uniqueId"],
    [{ user: null, operation: "read", uniqueId: NO_RECORD, record: { data: 1 } }, "record"],
    [{ user: null, operation: "read", record: {} }, "record.data"],
    [{ user: null, operation: "create" }, "record"],
    [{ user: null, operation: "create", uniqueId: NO_RECORD }, "uniqueId"],
    [{ user: null, operation: "list", record: { data: 1 } }, "operation"],
    [{ user: "x", operation: "read", record: { data: 1 } }, "user"],
    [{ user: null, operation: "read", record: { data: 1 }, rules: { read: "a" } }, "rules.read"],
    [{ operation: "read", record: { data: 1 } }, "user"],
  ])("[A6] %j fails with 400 and names %s", async (body, field) => {
    const answer = await check(body);
    expect(answer).toMatchObject({ status: 400, body: { code: "fields_invalid" } });
    expect(Object.keys(answer.body.fields)).toContain(field);
  });

  it("[A6] users and records of other projects do not exist", async () => {
    const zoe = await register("zoe");
    const uniqueId = await store("1");
    const other = (await ada.call("POST", "/api/manage/start", { body: { name: "Other" } })).body.endpoint.id;
    const elsewhere = (body: object) => ada.call("POST", `/api/manage/endpoints/${other}/access-check`, { body });
    expect((await elsewhere({ user: zoe, operation: "read", record: { data: 1 } })).body.fields).toHaveProperty("user");
    expect((await elsewhere({ user: null, operation: "read", uniqueId })).body.fields).toHaveProperty("uniqueId");
  });
});

describe("a preview of rules", () => {
  const preview = (body: object) => post("/access-preview", body);

  it("[A6] counts how many records each user could read, and stores nothing", async () => {
    const [zoe, bob] = [await register("zoe"), await register("bob", { role: "admin" })];
    for (const owner of [zoe, zoe, bob, null]) await store('{"public":false,"phone":1}', owner);
    await store('{"public":true}');
    const answer = await preview({ rules: { read: "@owner = @user.id | public = true", hide: RULES.hide }, users: [zoe, bob, null] });
    expect(accessPreviewedSchema.safeParse(answer.body).success).toBe(true);
    expect(answer.body).toMatchObject({
      examined: 5,
      complete: true,
      users: [
        { user: zoe, readable: 3, redacted: 2, sample: null },
        { user: bob, readable: 2, redacted: 0, sample: null },
        { user: null, readable: 1, redacted: 0, sample: null },
      ],
    });
    expect((await ada.call("GET", path())).body.rules).toBeNull();
    await patch({ rules: { read: "false" }, secure: true });
    expect((await preview({ users: [zoe] })).body.users).toMatchObject([{ readable: 0 }]);
    expect((await preview({ users: [zoe, null], rules: null })).body.users).toMatchObject([{ readable: 2 }, { readable: 0 }]);
  });

  it("[A6] examines 1,000 records at most, and stops when its time is over", async () => {
    const writes = Array.from({ length: 1_001 }, () => ({ type: "POST", id: createUniqueId(), contentType: "json", data: "1" }) as const);
    await server.runtime.records.commit(endpointId, writes);
    expect((await preview({ users: [null] })).body).toMatchObject({ examined: 1_000, complete: false, users: [{ readable: 1_000 }] });
    const { db, recordSearch: search, sandbox, functionVerdicts: verdicts, clock } = server.runtime;
    const input = { users: [null] };
    const parts = { db, search, sandbox, verdicts, clock, ownerId: ada.id, endpointId };
    const ended = await previewAccess({ ...parts, input, previewMs: 0 });
    expect(ended).toMatchObject({ examined: 20, complete: false });
  });

  it("[A6] names the user that does not exist", async () => {
    expect((await preview({ users: [null, NO_RECORD] })).body).toMatchObject({ fields: { "users.1": expect.stringContaining("no user") } });
    expect((await preview({ users: [] })).status).toBe(400);
    expect((await preview({ users: Array.from({ length: 21 }, () => null) })).status).toBe(400);
  });
});
