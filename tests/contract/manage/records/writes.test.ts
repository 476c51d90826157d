/** Tests the owner's conditional writes, and writes to users of an application. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
});

const base = (of = endpointId) => `/api/manage/endpoints/${of}/records`;
const json = (bytes: string) => ({ contentType: "application/json", bytes });
const readData = async (id: string): Promise<unknown> => (await ada.call("GET", `${base()}/${id}`)).body.data;

describe("[R7] [G7] conditions", () => {
  let id: string;
  const put = (bytes: string, ifMatch: string, query = ""): Promise<Answer> =>
    ada.call("PUT", `${base()}/${id}${query}`, { raw: json(bytes), headers: { "if-match": ifMatch } });

  beforeEach(async () => {
    const posted = await ada.call("POST", base(), { raw: json('{"n":1}') });
    id = posted.body.uniqueId;
    expect(posted.headers.get("etag")).toBe('"1"');
  });

  it.each([[""], ["?strategy=merge"], ["?strategy=replace"]])(
    "a PUT%s of the version that was read is done, and answers the next one",
    async (query) => {
      const answer = await put('{"n":2}', '"1"', query);
      expect(answer).toMatchObject({ status: 200, body: { uniqueId: id, data: { n: 2 } } });
      expect(answer.headers.get("etag")).toBe('"2"');
    },
  );

  it.each([[""], ["?strategy=merge"], ["?strategy=replace"]])("a PUT%s of an older version changes nothing", async (query) => {
    await put('{"n":2}', "*");
    expect(await put('{"n":3}', '"1"', query)).toMatchObject({ status: 412, body: { code: "version_conflict" } });
    expect(await readData(id)).toEqual({ n: 2 });
  });

  it.each(['W/"1"', '"1-gzip"'])("a PUT with If-Match: %s, as changed by a compressing proxy, succeeds", async (ifMatch) => {
    expect(await put('{"n":2}', ifMatch)).toMatchObject({ status: 200 });
    expect(await put('{"n":3}', ifMatch)).toMatchObject({ status: 412, body: { code: "version_conflict" } });
    expect(await readData(id)).toEqual({ n: 2 });
  });

  it.each(['W/"2"', "1", '"x"', '"99999999999999999999"', ""])("a PUT with If-Match: %j changes nothing", async (ifMatch) => {
    expect(await put('{"n":3}', ifMatch)).toMatchObject({ status: 412, body: { code: "version_conflict" } });
    expect(await readData(id)).toEqual({ n: 1 });
  });

  it("of concurrent writers with one version exactly one succeeds", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => put(`{"n":${n}}`, '"1"')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  });

  it("a DELETE of an older version deletes nothing", async () => {
    await put('{"n":2}', '"1"');
    const remove = (ifMatch: string) => ada.call("DELETE", `${base()}/${id}`, { headers: { "if-match": ifMatch } });
    expect(await remove('"1"')).toMatchObject({ status: 412, body: { code: "version_conflict" } });
    expect(await remove('"2"')).toMatchObject({ status: 200, body: { data: { n: 2 } } });
  });
});

describe("[L1] [L4] [G7] at an authentication endpoint", () => {
  let people: string;
  const PASSWORD = "correct horse battery";

  beforeEach(async () => {
    const { projectId } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    const { body } = await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, {
      body: { name: "people", kind: "authentication" },
    });
    people = body.id;
  });
  const register = (username: string) =>
    ada.call("POST", base(people), { raw: json(JSON.stringify({ username, password: PASSWORD, role: "tester" })) });

  it("POST registers a user: only a hash of the password is stored", async () => {
    const answer = await register("grace");
    expect(answer).toMatchObject({ status: 201, body: { data: { username: "grace", role: "tester" } } });
    expect(answer.text).not.toContain(PASSWORD);
    const page = await ada.call("GET", base(people));
    expect(page.body.records).toMatchObject([{ data: { username: "grace" }, owner: answer.body.uniqueId }]);
    expect(page.text).not.toContain(PASSWORD);
    expect(await server.runtime.db.appUser.count({ where: { endpointId: people } })).toBe(1);
  });

  it("POST without a password, or with a taken name, stores nothing", async () => {
    await register("grace");
    expect(await register("GRACE")).toMatchObject({ status: 400, body: { code: "username_taken" } });
    expect(await ada.call("POST", base(people), { raw: json('{"username":"eve"}') })).toMatchObject({
      status: 400,
      body: { code: "credentials_missing" },
    });
    expect((await ada.call("GET", base(people))).body.records).toHaveLength(1);
  });

  it("PUT changes the data conditionally, and never stores a password", async () => {
    const { uniqueId } = (await register("grace")).body;
    const put = (bytes: string, ifMatch: string) =>
      ada.call("PUT", `${base(people)}/${uniqueId}`, { raw: json(bytes), headers: { "if-match": ifMatch } });
    const changed = await put('{"username":"grace","role":"admin","password":"another long one"}', '"1"');
    expect(changed).toMatchObject({ status: 200, body: { data: { username: "grace", role: "admin" } } });
    expect(changed.text).not.toContain("another long one");
    expect(await put('{"username":"grace"}', '"1"')).toMatchObject({ status: 412, body: { code: "version_conflict" } });
  });

  it("deleting one or several users deletes their credentials, and invalidates their tokens", async () => {
    const ids = [(await register("grace")).body.uniqueId, (await register("alan")).body.uniqueId, (await register("edsger")).body.uniqueId];
    const ended: string[] = [];
    server.runtime.tokens.onInvalidate((projectId) => ended.push(projectId));
    expect((await ada.call("DELETE", `${base(people)}/${ids[0]}`)).status).toBe(200);
    expect(ended).toHaveLength(1);
    expect(await ada.call("POST", `${base(people)}/delete`, { body: { uniqueIds: ids.slice(1) } })).toMatchObject({ body: { deleted: 2 } });
    expect(ended).toHaveLength(2);
    expect(await server.runtime.db.appUser.count({ where: { endpointId: people } })).toBe(0);
  });
});
