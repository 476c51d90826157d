/** Tests that the management API shows records as a user of the project reads them (A7). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { viewRecords } from "@/src/management/access/view-records";
import { parseRecordPageQuery } from "@/src/management/records/record-query";
import { viewedPageSchema } from "@/src/shared/management/schemas";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

const CALLER = ["account", "project", "caller"] as const;
const NOBODY = "anonymous";
const ORDERS = ["-created", "created", "-updated", "updated"] as const;

let server: ManageServer;
let ada: Person;
let projectId: string;
let endpointId: string;
let usersId: string;
/** Users of the project. */
let zoe: string;
let bob: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  projectId = (await ada.call("POST", "/api/manage/projects", { body: { name: "Chat" } })).body.id;
  endpointId = (await create({ name: "messages" })).id;
  usersId = (await create({ name: "people", kind: "authentication" })).id;
  [zoe, bob] = [await register("zoe"), await register("bob", { role: "admin" })];
});

const create = async (body: object) => (await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body })).body;
const patch = async (body: object) => expect((await ada.call("PATCH", `/api/manage/endpoints/${endpointId}`, { body })).status).toBe(200);

async function register(name: string, more: object = {}, place = { endpointId: usersId, projectId }): Promise<string> {
  const body = { contentType: "json", data: JSON.stringify({ username: name, password: "correct horse", ...more }) } as const;
  return (
    await server.runtime.users.register({ endpoint: { ...place, schema: null }, body, caller: CALLER, address: null, isTrusted: true })
  ).id;
}

async function store(data: unknown, owner: string | null = null): Promise<string> {
  const id = createUniqueId();
  const write = { type: "POST", id, contentType: "json", data: JSON.stringify(data), ...(owner === null ? {} : { owner }) } as const;
  await server.runtime.records.commit(endpointId, [write]);
  return id;
}

function view(viewAs: string, query: Record<string, string | string[]> = {}, id = endpointId) {
  const parameters = new URLSearchParams({ viewAs });
  for (const [name, values] of Object.entries(query)) for (const value of [values].flat()) parameters.append(name, value);
  return ada.call("GET", `/api/manage/endpoints/${id}/records?${parameters}`);
}

/** The data of the first page, in the order of creation. */
async function see(viewAs: string, query: Record<string, string | string[]> = {}, id = endpointId): Promise<unknown[]> {
  const { body, status } = await view(viewAs, { order: "created", ...query }, id);
  expect(status).toBe(200);
  return body.records.map(({ data }: { data: unknown }) => data);
}

/** The ids of each page. */
async function seePages(viewAs: string, query: Record<string, string> = {}): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | null = ""; next !== null; ) {
    const { body } = await view(viewAs, { ...query, ...(next === "" ? {} : { cursor: next }) });
    pages.push(body.records.map(({ uniqueId }: { uniqueId: string }) => uniqueId));
    next = body.next;
  }
  return pages;
}

describe("what is shown", () => {
  it("[A7] by rules: only what the user may read, without hidden fields", async () => {
    await patch({ rules: { read: "public = true | @owner = @user.id", hide: ['phone unless @user.data.role = "admin"'] } });
    const mine = await store({ n: 1, phone: "1" }, zoe);
    await store({ n: 2, phone: "2" }, bob);
    await store({ n: 3, public: true, phone: "3" });
    const page = await view(zoe, { order: "created" });
    expect(viewedPageSchema.parse(page.body)).toEqual(page.body);
    expect(page.body).toMatchObject({
      records: [{ uniqueId: mine, data: { n: 1 }, owner: zoe, version: 1, contentType: "json" }, { data: { n: 3, public: true } }],
      next: null,
      viewedAs: { user: { uniqueId: zoe, name: "zoe" }, refused: null },
    });
    expect(page.text).not.toContain("phone");
    expect(await see(bob)).toEqual([
      { n: 2, phone: "2" },
      { n: 3, public: true, phone: "3" },
    ]);
    const nobody = await view(NOBODY);
    expect(nobody.body).toMatchObject({ records: [{ data: { n: 3, public: true } }], viewedAs: { user: null, refused: null } });
    expect((await ada.call("GET", `/api/manage/endpoints/${endpointId}/records`)).body.records).toHaveLength(3);
  });

  it("[A7] by the access function: what it refuses, and where it fails, is left out", async () => {
    const rooms = (await create({ name: "rooms" })).id;
    const room = createUniqueId();
    const data = JSON.stringify({ members: [zoe] });
    await server.runtime.records.commit(rooms, [{ type: "POST", id: room, contentType: "json", data }]);
    await patch({
      accessFunction: `async ({ operation, user, record, request, find }) => {
        if (operation !== "read" || request.key.scope !== "read_write" || request.origin !== null) return false;
        const [room] = await find("rooms", { uniqueId: record.data.room });
        return room.data.members.includes(user.uniqueId);
      }`,
    });
    await store({ n: 1, room });
    await store({ n: 2, room: "0".repeat(32) });
    await store({ n: 3 });
    expect(await see(zoe)).toEqual([{ n: 1, room }]);
    expect(await see(bob)).toEqual([]);
    expect(await see(NOBODY)).toEqual([]);
  });

  it("[A7] by rules and the function: both must allow", async () => {
    await patch({ rules: { read: "n > 1" }, accessFunction: "({ record }) => record.data.n < 4" });
    for (const n of [1, 2, 3, 4]) await store({ n });
    expect(await see(zoe)).toEqual([{ n: 2 }, { n: 3 }]);
  });

  it("[A7] by ownership: the switches of an endpoint without rules", async () => {
    await store({ n: 1 }, zoe);
    await store({ n: 2 }, bob);
    await store({ n: 3 });
    expect(await see(NOBODY)).toHaveLength(3);
    await patch({ secure: true });
    expect(await see(zoe)).toEqual([{ n: 1 }]);
    const nobody = await view(NOBODY);
    expect(nobody.body).toMatchObject({ records: [], next: null, viewedAs: { refused: expect.stringContaining("access_token_missing") } });
    await patch({ othersCanRead: true });
    expect(await see(zoe)).toHaveLength(3);
  });

  it("[A7] at an authentication endpoint: the user's own record, unless a rule shows others; never to users of another one", async () => {
    const other = (await create({ name: "staff", kind: "authentication" })).id;
    const sue = await register("sue", {}, { endpointId: other, projectId });
    expect(await see(zoe, {}, usersId)).toEqual([{ username: "zoe" }]);
    expect((await view(sue, {}, usersId)).body).toMatchObject({ records: [], viewedAs: { refused: expect.stringContaining("another") } });
    await ada.call("PATCH", `/api/manage/endpoints/${usersId}`, { body: { rules: { read: "true", hide: ["role"] } } });
    expect(await see(zoe, {}, usersId)).toEqual([{ username: "zoe" }, { username: "bob" }]);
    expect((await view(sue, {}, usersId)).body.records).toEqual([]);
  });

  it("[A7] the user's own record counts as it is now", async () => {
    await patch({ rules: { read: '@user.data.role = "admin"' } });
    await store({ n: 1 });
    expect([await see(zoe), await see(bob)]).toEqual([[], [{ n: 1 }]]);
    await server.runtime.records.commit(usersId, [
      { type: "PUT", id: bob, contentType: "json", data: '{"username":"bob","role":"guest"}' },
    ]);
    expect(await see(bob)).toEqual([]);
  });
});

describe("pages", () => {
  it.each(ORDERS)("[A7] are full, in the order %s, and have each record once", async (order) => {
    for (const judged of [{ rules: { read: "n = 1" } }, { rules: null, accessFunction: "({ record }) => record.data.n === 1" }]) {
      await patch(judged);
      const ids: string[] = [];
      for (let n = 0; n < 15; n += 1) ids.push(await store({ n: n % 3 }));
      const readable = ids.filter((_, index) => index % 3 === 1);
      await server.runtime.records.commit(endpointId, [{ type: "PUT", id: readable[1] ?? "", contentType: "json", data: '{"n":1}' }]);
      const all = (await ada.call("GET", `/api/manage/endpoints/${endpointId}/records?order=${order}`)).body.records;
      const expected = all
        .filter(({ data }: { data: { n: number } }) => data.n === 1)
        .map(({ uniqueId }: { uniqueId: string }) => uniqueId);
      const pages = await seePages(zoe, { order, limit: "2" });
      expect(pages.flat()).toEqual(expected);
      expect(pages.slice(0, -1).every((page) => page.length === 2)).toBe(true);
    }
  });

  it.each(ORDERS)("[A7] end early in the order %s when many records are refused, and go on from there", async (order) => {
    await patch({ rules: { read: "n = 1" } });
    for (let n = 0; n < 10; n += 1) await store({ n: n === 4 ? 1 : 0 });
    const { db, changes, recordSearch: search, judges, definitions } = server.runtime;
    const pages: number[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const query = parseRecordPageQuery(new URLSearchParams({ order, ...(next === "" ? {} : { cursor: next }) }));
      const parts = { db, changes, search, judges, definitions, ownerId: ada.id, endpointId, query, viewAs: zoe };
      const page: { records: unknown[]; next: string | null } = JSON.parse(await viewRecords({ ...parts, limits: { examinedMax: 3 } }));
      pages.push(page.records.length);
      next = page.next;
    }
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.reduce((sum, length) => sum + length, 0)).toBe(1);
  });

  it("[A7] of large records are shorter, but never empty", async () => {
    await patch({ rules: { read: "true" }, accessFunction: "() => true" });
    for (const letter of ["a", "b", "c"]) await store(letter.repeat(3 * 1024 * 1024));
    expect((await seePages(zoe)).map((page) => page.length)).toEqual([2, 1]);
  });

  it("[A7] name records by uniqueId: those that the user may not read are left out", async () => {
    await patch({ rules: { read: "@owner = @user.id" } });
    const [first, second] = [await store({ n: 1 }, zoe), await store({ n: 2 }, bob)];
    expect(await see(zoe, { uniqueId: [first, second] })).toEqual([{ n: 1 }]);
  });
});

describe("search and filters", () => {
  const HIDE = { hide: ['phone, tags[0] unless @user.data.role = "admin"'] };

  it.each<[string, Record<string, string | string[]>, unknown[], unknown[]]>([
    ["finds no hidden value", { filter: 'phone = "555"' }, [], [1]],
    ["finds no hidden text", { search: "555" }, [], [1]],
    ["finds that a hidden field is missing", { filter: "phone missing" }, [1, 2], [2]],
    ["does not find that it exists", { filter: "phone exists" }, [], [1]],
    ["compares nothing hidden", { filter: 'phone != "555"' }, [1, 2], [2]],
    ["finds a hidden item as null", { filter: "tags[0] = null" }, [1], []],
    ["finds what is visible", { filter: ["n >= 1", 'tags ~ "b"'], search: "B" }, [1], [1]],
  ])("[A7] %s", async (_, query, ofZoe, ofBob) => {
    await patch({ rules: HIDE });
    await store({ n: 1, phone: "555", tags: ["a", "b"] });
    await store({ n: 2 });
    const toN = (records: unknown[]) => records.map((data) => (data as { n: number }).n);
    expect([toN(await see(zoe, query)), toN(await see(bob, query))]).toEqual([ofZoe, ofBob]);
  });

  it("[A7] narrow what the user may read, without hidden fields too", async () => {
    await patch({ rules: { read: "n > 1" } });
    for (const n of [1, 2, 3]) await store({ n, word: n === 3 ? "Käse" : "Brot" });
    expect(await see(zoe, { search: "brot" })).toEqual([{ n: 2, word: "Brot" }]);
    expect(await see(zoe, { filter: "n < 3" })).toEqual([{ n: 2, word: "Brot" }]);
  });
});

describe("who is viewed, and by whom", () => {
  it.each(["", "x", "ANONYMOUS", "0".repeat(32), "0".repeat(33)])("[A7] %j is not a user", async (viewAs) => {
    const answer = await view(viewAs);
    expect(answer).toMatchObject({ status: 400, body: { code: "parameter_invalid", fields: { viewAs: expect.any(String) } } });
  });

  it("[A7] a user of another project is unknown, and only the project's owner can view", async () => {
    const eve = await server.createPerson(`Eve${count}`);
    const foreign = (await eve.call("POST", "/api/manage/projects", { body: { name: "Other" } })).body.id;
    const people = (
      await eve.call("POST", `/api/manage/projects/${foreign}/endpoints`, { body: { name: "people", kind: "authentication" } })
    ).body;
    const stranger = await register("mallory", {}, { endpointId: people.id, projectId: foreign });
    expect(await view(stranger)).toMatchObject({ status: 400, body: { fields: { viewAs: expect.stringContaining("no user") } } });
    for (const viewAs of [zoe, stranger, NOBODY, "x"]) {
      const answer = await eve.call("GET", `/api/manage/endpoints/${endpointId}/records?viewAs=${viewAs}`);
      expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
    }
  });

  it("[A7] a deleted user is unknown", async () => {
    await ada.call("DELETE", `/api/manage/endpoints/${usersId}/users/${zoe}`);
    expect((await view(zoe)).status).toBe(400);
  });
});
