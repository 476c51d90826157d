/** Tests reading, changing and deleting users (L4). */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { createUser, logIn, PASSWORD, registerUser, type TestUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const CALLER = ["account", "project", "caller"] as const;
let server: DataServer;
let seed: Seed;
let ada: TestUser;
const MASTER = "m".repeat(43);
const NEW_PASSWORD = "another password";
const master = { "X-Master-Key": MASTER };

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: 4096 });
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed({ kind: "authentication", endpointName: "app/users", masterKey: MASTER });
  ada = await createUser(endpoint(), { username: "ada", data: { profile: { age: 36, tags: [1] }, n: 1 } });
});

const endpoint = () => ({ origin: server.origin, path: seed.path });
const url = (query = "") => `${server.origin}${seed.path}${query}`;
const get = (headers: Record<string, string> = {}, query = "") => fetch(url(query), { headers });
const put = (body: unknown, { headers = ada.headers, id = ada.id, query = "", type = "application/json" }: PutOptions = {}) =>
  fetch(url(`&uniqueId=${id}&dataOnly=true${query}`), {
    method: "PUT",
    headers: { "Content-Type": type, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const remove = (id: string, headers: Record<string, string> = {}) => fetch(url(`&uniqueId=${id}`), { method: "DELETE", headers });
const merge = (body: unknown, options: PutOptions = {}) => put(body, { query: "&strategy=merge", ...options });

interface PutOptions {
  headers?: Record<string, string>;
  id?: string;
  query?: string;
  type?: string;
}

/** The stored record of a user, and its last logged change. */
async function readStored(id = ada.id): Promise<{ data: string; name: string; changes: number }> {
  const { rows } = await server.pool.query<{ data: string; name: string; changes: number }>(
    `SELECT r.data::text AS data, u.name, (SELECT count(*)::int FROM "Change" WHERE "recordId" = r.id) AS changes
     FROM "Record" r JOIN "AppUser" u ON u.id = r.id WHERE r.id = $1`,
    [id],
  );
  return rows[0] ?? { data: "", name: "", changes: 0 };
}

describe("read", () => {
  it("[L4] a user sees only its own record, in lists and by name", async () => {
    const eve = await createUser(endpoint());
    expect(await (await get(ada.headers)).json()).toMatchObject([{ uniqueId: ada.id }]);
    expect(await (await get(ada.headers, `&uniqueId=${ada.id},${eve.id}`)).json()).toMatchObject([{ uniqueId: ada.id }]);
    expect(await (await get(master)).json()).toMatchObject([{ uniqueId: ada.id }, { uniqueId: eve.id }]);
  });

  it("[L4] nobody sees accounts without a token, whatever the endpoint's switches say", async () => {
    await server.pool.query(
      `UPDATE "Endpoint" SET secure = false, "othersCanRead" = true, "othersCanUpdate" = true, "othersCanDelete" = true WHERE id = $1`,
      [seed.endpointId],
    );
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await get(), "access_token_missing");
    const eve = await createUser(endpoint());
    expect(await (await get(eve.headers)).json()).toMatchObject([{ uniqueId: eve.id }]);
    await expectProblem(await put({ n: 2 }, { headers: eve.headers }), "access_denied");
    await expectProblem(await remove(ada.id, eve.headers), "access_denied");
  });
});

describe("change", () => {
  it.each([
    ["force", '{"a":1.0,"username":"ada"}', '{"a":1.0,"username":"ada"}'],
    ["force", '{"a":1.0}', '{"username":"ada","a":1.0}'],
    ["replace", '{"a":1.0}', '{"username":"ada","a":1.0}'],
    ["merge", '{"profile":{"age":37.50},"new":true}', '{"username":"ada","profile":{"age":37.50,"tags":[1]},"n":1,"new":true}'],
    ["force", "{}", '{"username":"ada","profile":{"age":36,"tags":[1]},"n":1}'],
  ])("[L4] %s %s keeps the name", async (strategy, body, data) => {
    const answer = await put(body, { query: `&strategy=${strategy}` });
    expect([answer.status, await answer.text()]).toEqual([200, data]);
    expect(await readStored()).toEqual({ data, name: "ada", changes: 2 });
    await logIn(endpoint(), ada);
  });

  it("[L4] a name can be changed, even to an e-mail address, and is used from then on", async () => {
    expect(await (await merge({ username: "Ada Lovelace" })).json()).toMatchObject({ username: "Ada Lovelace", n: 1 });
    await logIn(endpoint(), { username: "ada lovelace", password: ada.password });
    expect(await (await merge({ email: "ada@example.com" })).text()).toBe(
      '{"profile":{"age":36,"tags":[1]},"n":1,"email":"ada@example.com"}',
    );
    await logIn(endpoint(), { email: "ada@example.com", password: ada.password });
    await expect(logIn(endpoint(), { username: "ada lovelace", password: ada.password })).rejects.toThrow("login_failed");
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    expect((await get(ada.headers)).status).toBe(200);
  });

  it("[L4] a taken name, two names and an invalid one change nothing", async () => {
    await registerUser(endpoint(), { username: "eve", password: PASSWORD });
    const before = await readStored();
    await expectProblem(await merge({ username: "EVE", n: 2, password: NEW_PASSWORD, currentPassword: ada.password }), "username_taken");
    await expectProblem(await put({ username: "a", email: "a@example.com" }), "credentials_missing");
    for (const [body, field] of [
      [{ username: "" }, "username"],
      [{ username: null }, "username"],
      [{ email: "none" }, "email"],
      [{ password: "short", currentPassword: PASSWORD }, "password"],
      [{ password: null }, "password"],
      [{ password: NEW_PASSWORD, currentPassword: 1 }, "currentPassword"],
    ] as const) {
      const problem = await (await merge(body)).json();
      expect([problem.code, Object.keys(problem.fields)]).toEqual(["credentials_invalid", [field]]);
    }
    expect(await readStored()).toEqual(before);
    await logIn(endpoint(), ada);
  });

  it("[L4] a user can change the case of its own name", async () => {
    expect(await (await merge({ username: "ADA" })).json()).toMatchObject({ username: "ADA" });
    expect((await readStored()).name).toBe("ada");
  });

  it.each(["[1]", '"ada"', "1", "null"])("[L5] a user stays an object: %s", async (body) => {
    await expectProblem(await put(body), "body_invalid");
    expect((await readStored()).changes).toBe(1);
  });

  it("[L5] a user stays an object: text", async () => {
    await expectProblem(await put("hello", { type: "text/plain" }), "body_invalid");
  });

  it("[L4] is checked like any change: id, strategy, size", async () => {
    await expectProblem(await put({}, { id: "" }), "unique_id_missing");
    await expectProblem(await put({}, { id: "x" }), "unique_id_invalid");
    await expectProblem(await put({}, { query: "&strategy=clever" }), "parameter_invalid");
    await expectProblem(await put({}, { id: "0".repeat(32) }), "record_not_found");
    await expectProblem(await put({}, { id: "0".repeat(32), headers: master }), "record_not_found");
    await expectProblem(await put({}, { headers: {} }), "access_token_missing");
    expect((await merge({ big: "x".repeat(4000) })).status).toBe(200);
    await expectProblem(await merge({ more: "x".repeat(4000) }), "body_too_large");
  });

  it("[R7] [L4] respects conditions for changes and deletions, and returns the tag of the new state", async () => {
    const ifMatch = (tag: string) => ({ headers: { ...ada.headers, "If-Match": tag } });
    const first = await merge({ n: 2 }, ifMatch('"1"'));
    expect([first.status, first.headers.get("etag")]).toEqual([200, '"2"']);
    await expectProblem(await merge({ n: 3 }, ifMatch('"1"')), "version_conflict");
    await expectProblem(await merge({ password: NEW_PASSWORD, currentPassword: ada.password }, ifMatch('W/"1"')), "version_conflict");
    expect((await merge({ n: 3 }, ifMatch('"1", "2"'))).status).toBe(200);
    expect((await merge({ n: 4 }, ifMatch("*"))).status).toBe(200);
    await expectProblem(await remove(ada.id, { ...ada.headers, "If-Match": '"3"' }), "version_conflict");
    expect((await remove(ada.id, { ...ada.headers, "If-Match": '"4"' })).status).toBe(200);
  });

  it("[L4] concurrent changes of one user are all kept", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => merge({ [`field${index}`]: index })));
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(Object.keys(JSON.parse((await readStored()).data)).filter((key) => key.startsWith("field"))).toHaveLength(12);
  });

  it("[L4] of two users who request one name at once, one gets it", async () => {
    const eve = await createUser(endpoint());
    const answers = await Promise.all([merge({ username: "grace" }), merge({ username: "grace" }, { id: eve.id, headers: eve.headers })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });
});

describe("password", () => {
  it("[L4] changes with the current one, is not stored, and ends the other tokens", async () => {
    const other = await logIn(endpoint(), ada);
    expect((await get({ Authorization: `Bearer ${other}` })).status).toBe(200);
    const answer = await put({ password: NEW_PASSWORD, currentPassword: ada.password });
    expect([answer.status, await answer.json()]).toEqual([200, { username: "ada", profile: { age: 36, tags: [1] }, n: 1 }]);
    expect((await get(ada.headers)).status).toBe(200);
    await expectProblem(await get({ Authorization: `Bearer ${other}` }), "access_token_invalid");
    await expect(logIn(endpoint(), ada)).rejects.toThrow("login_failed");
    await logIn(endpoint(), { username: "ada", password: NEW_PASSWORD });
    const { rows } = await server.pool.query<{ all: string }>(
      `SELECT string_agg(c::text, '') AS all FROM "Change" c WHERE "recordId" = $1`,
      [ada.id],
    );
    expect(rows[0]?.all).not.toMatch(/password/i);
  });

  it("[L4] can be sent with other fields, with each strategy", async () => {
    const change = { n: 2, password: NEW_PASSWORD, currentPassword: ada.password };
    expect(await (await merge(change)).text()).toBe('{"username":"ada","profile":{"age":36,"tags":[1]},"n":2}');
    expect(await (await put({ ...change, currentPassword: NEW_PASSWORD })).text()).toBe('{"username":"ada","n":2}');
  });

  it.each([
    ["a wrong one", { currentPassword: "not the password" }],
    ["none", {}],
    ["an empty one", { currentPassword: "" }],
  ])("[L4] does not change with %s", async (_, current) => {
    const before = await readStored();
    await expectProblem(await merge({ n: 2, password: NEW_PASSWORD, ...current }), "current_password_wrong");
    expect(await readStored()).toEqual(before);
    await logIn(endpoint(), ada);
  });

  it("[L4] wrong ones count like failed logins", async () => {
    const headers = { ...ada.headers, "X-Forwarded-For": "203.0.113.30" };
    for (let count = 0; count < 5; count += 1)
      await expectProblem(await merge({ password: NEW_PASSWORD, currentPassword: "wrong-one" }, { headers }), "current_password_wrong");
    await expectProblem(await merge({ password: NEW_PASSWORD, currentPassword: ada.password }, { headers }), "rate_limited");
    const login = await fetch(url("&login=true"), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Forwarded-For": "203.0.113.30" },
      body: JSON.stringify({ username: "ada", password: ada.password }),
    });
    await expectProblem(login, "rate_limited");
  });

  it("[L4] of two concurrent changes with the same current password one succeeds", async () => {
    const answers = await Promise.all(
      ["first password", "other password"].map((password) => merge({ password, currentPassword: ada.password })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  });

  it("[L4] the master key needs no current one, and ends every token", async () => {
    expect((await put({ password: NEW_PASSWORD }, { headers: master })).status).toBe(200);
    await expectProblem(await get(ada.headers), "access_token_invalid");
    await logIn(endpoint(), { username: "ada", password: NEW_PASSWORD });
  });

  it("[L4] the current password is removed even if it is sent alone", async () => {
    expect(await (await put({ n: 3, currentPassword: "anything" })).json()).toEqual({ username: "ada", n: 3 });
    await logIn(endpoint(), ada);
  });

  it("[L4] no token of the old password outlives its change", async () => {
    const results = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => logIn(endpoint(), ada)),
      server.users.setPassword({
        endpoint: { endpointId: seed.endpointId, projectId: seed.projectId },
        id: ada.id,
        password: NEW_PASSWORD,
        caller: CALLER,
      }),
      ...Array.from({ length: 4 }, () => logIn(endpoint(), ada)),
    ]);
    const tokens = results.flatMap((result) => (result.status === "fulfilled" && typeof result.value === "string" ? [result.value] : []));
    for (const token of [ada.token, ...tokens])
      await expectProblem(await get({ Authorization: `Bearer ${token}` }), "access_token_invalid");
  });

  it("[L6] the endpoint's owner can set one, which ends every token", async () => {
    const owner = { endpoint: { endpointId: seed.endpointId, projectId: seed.projectId }, caller: CALLER };
    await expect(server.users.setPassword({ ...owner, id: ada.id, password: "short" })).rejects.toMatchObject({
      code: "credentials_invalid",
    });
    await expect(server.users.setPassword({ ...owner, id: "0".repeat(32), password: NEW_PASSWORD })).rejects.toMatchObject({
      code: "record_not_found",
    });
    expect((await get(ada.headers)).status).toBe(200);
    await server.users.setPassword({ ...owner, id: ada.id, password: NEW_PASSWORD });
    await expectProblem(await get(ada.headers), "access_token_invalid");
    await logIn(endpoint(), { username: "ada", password: NEW_PASSWORD });
  });
});

describe("delete", () => {
  it("[L4] removes the user with its credentials and tokens, and returns the last record", async () => {
    const answer = await remove(ada.id, ada.headers);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ uniqueId: ada.id, data: expect.objectContaining({ n: 1 }) }),
    ]);
    expect(answer.headers.get("set-cookie")).toContain("Max-Age=0");
    await expectProblem(await get(ada.headers), "access_token_invalid");
    await expect(logIn(endpoint(), ada)).rejects.toThrow("login_failed");
    const { rows } = await server.pool.query(
      `SELECT (SELECT count(*)::int FROM "AppUser" WHERE "endpointId" = $1) AS users, (SELECT count(*)::int FROM "AccessToken" WHERE "projectId" = $2) AS tokens`,
      [seed.endpointId, seed.projectId],
    );
    expect(rows).toEqual([{ users: 0, tokens: 0 }]);
    const again = await createUser(endpoint(), { username: "ada" });
    expect(again.id).not.toBe(ada.id);
  });

  it("[L4] the master key can remove any user, and users only themselves", async () => {
    const eve = await createUser(endpoint());
    await expectProblem(await remove(ada.id, eve.headers), "access_denied");
    await expectProblem(await remove("0".repeat(32), eve.headers), "record_not_found");
    await expectProblem(await remove(ada.id), "access_token_missing");
    const answer = await remove(ada.id, master);
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([200, null]);
    await expectProblem(await get(ada.headers), "access_token_invalid");
    expect((await get(eve.headers)).status).toBe(200);
  });

  it("[L4] users and tokens are deleted with their endpoint, and with their project", async () => {
    const eve = await createUser(endpoint());
    const revision = () =>
      server.pool.query<{ revision: string }>(`SELECT "tokenRevision" AS revision FROM "Project" WHERE id = $1`, [seed.projectId]);
    const before = Number((await revision()).rows[0]?.revision);
    await server.pool.query(`DELETE FROM "Endpoint" WHERE id = $1`, [seed.endpointId]);
    expect(Number((await revision()).rows[0]?.revision)).toBe(before + 1);
    const left = `SELECT (SELECT count(*)::int FROM "AppUser" WHERE id = ANY ($1)) AS users, (SELECT count(*)::int FROM "AccessToken" WHERE "userId" = ANY ($1)) AS tokens`;
    expect((await server.pool.query(left, [[ada.id, eve.id]])).rows).toEqual([{ users: 0, tokens: 0 }]);
    const other = await server.seed({ kind: "authentication" });
    const mia = await createUser({ origin: server.origin, path: other.path });
    await server.pool.query(`DELETE FROM "Project" WHERE id = $1`, [other.projectId]);
    await createEndpointPurge(server).run();
    expect((await server.pool.query(left, [[mia.id]])).rows).toEqual([{ users: 0, tokens: 0 }]);
  });
});
