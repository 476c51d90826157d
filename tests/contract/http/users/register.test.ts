/** Tests registering at an authentication endpoint (L1). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUser, logIn, PASSWORD, registerUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

let server: DataServer;
let seed: Seed;
const MASTER = "m".repeat(43);

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed({ kind: "authentication", endpointName: "app/users", masterKey: MASTER });
});

const endpoint = () => ({ origin: server.origin, path: seed.path });
const post = (body: unknown, query = "", headers: Record<string, string> = {}) =>
  fetch(`${server.origin}${seed.path}${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("register", () => {
  it("[L1] responds with 201 and the record, which is the body without the password, as sent", async () => {
    const answer = await post('{"z":1.10,"username":"Ada","password":"secret1","a":{"password":"kept"},"n":12345678901234567890}');
    const text = await answer.text();
    expect(answer.status).toBe(201);
    expect(text).toContain('"data":{"z":1.10,"username":"Ada","a":{"password":"kept"},"n":12345678901234567890},');
    expect(Object.keys(JSON.parse(text))).toEqual(["uniqueId", "data", "createdAt", "updatedAt"]);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("authorization")).toBeNull();
    const { rows } = await server.pool.query(`SELECT "ownerId" = id AS own FROM "Record" WHERE "endpointId" = $1`, [seed.endpointId]);
    expect(rows).toEqual([{ own: true }]);
  });

  it("[L1] accepts an e-mail address instead, and returns only data with dataOnly", async () => {
    const answer = await post({ email: "ada@example.com", password: "secret1", age: 36 }, "&dataOnly=true");
    expect([answer.status, await answer.json()]).toEqual([201, { email: "ada@example.com", age: 36 }]);
  });

  it("[L1] logs the new record, which the user owns, without the password", async () => {
    const id = await registerUser(endpoint(), { username: "ada", password: "secret1" });
    const { rows } = await server.pool.query(
      `SELECT type, replace("ownerId"::text, '-', '') AS owner, data::text AS data FROM "Change" WHERE "endpointId" = $1`,
      [seed.endpointId],
    );
    expect(rows).toEqual([{ type: "POST", owner: id, data: '{"username":"ada"}' }]);
  });

  it("[L1] stores the password only as argon2id", async () => {
    const password = "a very secret phrase";
    await registerUser(endpoint(), { username: "ada", password, other: 1 });
    const { rows } = await server.pool.query<{ hash: string; all: string }>(
      `SELECT u."passwordHash" AS hash, concat(u::text, r::text, c::text) AS all FROM "AppUser" u
       JOIN "Record" r ON r.id = u.id JOIN "Change" c ON c."recordId" = u.id WHERE u."endpointId" = $1`,
      [seed.endpointId],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.hash).toMatch(/^\$argon2id\$/);
    expect(rows[0]?.all).not.toContain(password);
    expect(server.logged.join("\n")).not.toContain(password);
  });

  it.each([
    ["a duplicate key", '{"password":"first-secret","username":"ada","password":"last-secret"}'],
    ["an escaped key", '{"username":"ada","p\\u0061ssword":"first-secret"}'],
    ["currentPassword", '{"username":"ada","password":"first-secret","currentPassword":"last-secret"}'],
    ["spread out", '{ "username" : "ada" ,\n "password" : "first-secret"\n}'],
  ])("[L1] leaves no password in the data: %s", async (_, body) => {
    const answer = await post(body, "&dataOnly=true");
    expect([answer.status, await answer.text()]).toEqual([201, expect.stringMatching(/^\{"username" ?: ?"ada"\}$/)]);
  });

  it("[L1] the last of duplicate keys counts", async () => {
    await post('{"username":"first","username":"last","password":"one-secret","password":"two-secret"}');
    await logIn(endpoint(), { username: "last", password: "two-secret" });
    await expect(logIn(endpoint(), { username: "first", password: "two-secret" })).rejects.toThrow("401");
    await expect(logIn(endpoint(), { username: "last", password: "one-secret" })).rejects.toThrow("401");
  });

  it.each<[string, unknown, "credentials_missing" | "body_invalid"]>([
    ["neither name", { password: PASSWORD }, "credentials_missing"],
    ["no password", { username: "ada" }, "credentials_missing"],
    ["both names", { username: "ada", email: "ada@example.com", password: PASSWORD }, "credentials_missing"],
    ["both names, one null", { username: "ada", email: null, password: PASSWORD }, "credentials_missing"],
    ["an array", [{ username: "ada", password: PASSWORD }], "credentials_missing"],
    ["a string", '"ada"', "credentials_missing"],
    ["another case of the key", { username: "ada", Password: PASSWORD }, "credentials_missing"],
    ["half an object", '{"username":"ada"', "body_invalid"],
  ])("[L1] needs a name and a password: %s", async (_, body, code) => {
    await expectProblem(await post(body), code);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it.each<[string, object, string[]]>([
    ["an empty name", { username: "", password: PASSWORD }, ["username"]],
    ["space alone", { username: " \t", password: PASSWORD }, ["username"]],
    ["space around it", { username: " ada", password: PASSWORD }, ["username"]],
    ["a long name", { username: "a".repeat(255), password: PASSWORD }, ["username"]],
    ["a name that is long once composed", { username: "\ufdfa".repeat(20), password: PASSWORD }, ["username"]],
    ["a number", { username: 1, password: PASSWORD }, ["username"]],
    ["null", { username: null, password: PASSWORD }, ["username"]],
    ["an object", { username: { $ne: null }, password: PASSWORD }, ["username"]],
    ["a control character", { username: "a\u0007da", password: PASSWORD }, ["username"]],
    ["a line break", { username: "a\nda", password: PASSWORD }, ["username"]],
    ["an invisible character", { username: "a\u200bda", password: PASSWORD }, ["username"]],
    ["half a character", { username: "a\ud800", password: PASSWORD }, ["username"]],
    ["no e-mail address", { email: "ada", password: PASSWORD }, ["email"]],
    ["half an e-mail address", { email: "@example.com", password: PASSWORD }, ["email"]],
    ["two @", { email: "a@b@example.com", password: PASSWORD }, ["email"]],
    ["a short password", { username: "ada", password: "12345" }, ["password"]],
    ["a short password of wide characters", { username: "ada", password: "😀😀😀" }, ["password"]],
    ["a long password", { username: "ada", password: "x".repeat(1001) }, ["password"]],
    ["a password that is not a string", { username: "ada", password: 123456 }, ["password"]],
    ["everything", { email: "", password: "" }, ["email", "password"]],
  ])("[L1] reports the invalid field: %s", async (_, body, fields) => {
    const answer = await post(body);
    const problem = await answer.json();
    expect([answer.status, problem.code, Object.keys(problem.fields).sort()]).toEqual([400, "credentials_invalid", fields]);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it.each([
    ["6 characters", "123456"],
    ["1000 characters", "x".repeat(1000)],
    ["1000 wide characters", "😀".repeat(1000)],
  ])("[L1] accepts a password of %s", async (_, password) => {
    await createUser(endpoint(), { username: "ada", password });
  });

  it.each([
    ["the same", "ada", { username: "ada" }],
    ["another case", "Ada", { username: "aDA" }],
    ["composed otherwise", "Zo\u00eb", { username: "zoe\u0308" }],
    ["wide letters", "ada", { username: "\uff41da" }],
    ["a username and an e-mail address", "ada@example.com", { email: "ADA@Example.com" }],
  ])("[L1] refuses a name that is taken, and writes nothing: %s", async (_, username, other) => {
    await registerUser(endpoint(), { username, password: PASSWORD });
    await expectProblem(await post({ ...other, password: PASSWORD }), "username_taken");
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[L1] of many concurrent registrations of a name one succeeds", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post({ username: "ada", password: PASSWORD })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(400)]);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[L1] names are separate for each endpoint", async () => {
    const other = await server.seed({ kind: "authentication" });
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    await registerUser({ origin: server.origin, path: other.path }, { username: "ada", password: PASSWORD });
  });

  it("[L1] [R10] the endpoint's schema applies to the data without the password", async () => {
    const schema = {
      type: "object",
      required: ["username", "age"],
      additionalProperties: false,
      properties: { username: { type: "string" }, age: { type: "integer" } },
    };
    await server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [seed.endpointId, JSON.stringify(schema)]);
    server.definitions.invalidate(seed.projectId);
    for (const body of [
      { username: "ada", password: PASSWORD },
      { username: "ada", age: "36", password: PASSWORD },
    ])
      expect([(await post(body)).status, (await (await post(body)).json()).code]).toEqual([400, "schema_mismatch"]);
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
    const ada = await createUser(endpoint(), { username: "ada", data: { age: 36 } });
    const put = (body: object) =>
      fetch(`${server.origin}${seed.path}&uniqueId=${ada.id}&strategy=merge`, {
        method: "PUT",
        headers: { "Content-Type": "application/json", ...ada.headers },
        body: JSON.stringify(body),
      });
    expect((await (await put({ age: "37" })).json()).code).toBe("schema_mismatch");
    expect((await put({ age: 37, password: "another one", currentPassword: PASSWORD })).status).toBe(200);
  });

  it("[L1] accepts only JSON", async () => {
    await expectProblem(await post("username=ada&password=secret1", "", { "Content-Type": "text/plain" }), "content_type_unsupported");
    await expectProblem(await post("", ""), "body_empty");
  });

  it("[U7] [L5] a read-only key cannot register users, but log in and out", async () => {
    const user = await createUser(endpoint());
    await server.pool.query(`UPDATE "ApiKey" SET scope = 'read' WHERE id = $1`, [seed.keyId]);
    server.definitions.invalidate(seed.projectId);
    await expectProblem(await post({ username: "eve", password: PASSWORD }), "key_scope_insufficient");
    const token = await logIn(endpoint(), user);
    const answer = await fetch(`${server.origin}${seed.path}&logout=true`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
  });

  it("[L5] ignores an Idempotency-Key", async () => {
    const headers = { "Idempotency-Key": "once" };
    expect((await post({ username: "ada", password: PASSWORD }, "", headers)).status).toBe(201);
    await expectProblem(await post({ username: "ada", password: PASSWORD }, "", headers), "username_taken");
  });
});
