/** Tests that a key of scope `write` reads nothing (U7): no response, error or replay shows stored data. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PASSWORD, registerUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const SECRET = "a-secret-of-others";
const MASTER = "m".repeat(43);

let server: DataServer;
let seed: Seed;
/** Ids and tags may be known; nothing else is. */
let id: string;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());

/** Everything that a response shows, after checking that it does not contain the secret. */
async function ask(method: string, query: string, body?: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.origin}${seed.path}${query}`, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  expect(`${JSON.stringify([...answer.headers])} ${text}`).not.toContain(SECRET);
  return { answer: new Response(text, answer), json: JSON.parse(text), etag: answer.headers.get("etag") };
}

const setScope = async (scope: "write" | "read_write") => {
  await server.pool.query(`UPDATE "ApiKey" SET scope = $2::"KeyScope" WHERE id = $1`, [seed.keyId, scope]);
  server.definitions.invalidate(seed.projectId);
};
const setSchema = async (schema: object) => {
  await server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [seed.endpointId, JSON.stringify(schema)]);
  server.definitions.invalidate(seed.projectId);
};
const stored = async () => {
  const { rows } = await server.pool.query<{ data: unknown }>(`SELECT data FROM "Record" WHERE "endpointId" = $1`, [seed.endpointId]);
  return rows.map(({ data }) => data);
};

describe("at a data endpoint", () => {
  beforeEach(async () => {
    seed = await server.seed({ masterKey: MASTER });
    const created = await fetch(`${server.origin}${seed.path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ secret: SECRET, [SECRET]: 1 }),
    });
    id = ((await created.json()) as { uniqueId: string }).uniqueId;
    await setScope("write");
  });

  it.each([
    ["merge", "&strategy=merge", {}],
    ["merge, only the data", "&strategy=merge&dataOnly=true", {}],
    ["merge with the master key", "&strategy=merge", { "X-Master-Key": MASTER }],
    ["force", "", {}],
    ["replace", "&strategy=replace&dataOnly=true", {}],
  ])("[R4] [U7] PUT, %s: returns only the id and the time", async (_what, query, headers) => {
    const { answer, json, etag } = await ask("PUT", `&uniqueId=${id}${query}`, "{}", headers as Record<string, string>);
    expect([answer.status, json, etag]).toEqual([200, { uniqueId: id, updatedAt: expect.stringMatching(/^\d{4}-.*Z$/) }, '"2"']);
  });

  it.each([
    ["without conditions", "", {}],
    ["only the data", "&dataOnly=true", {}],
    ["on a condition", "", { "If-Match": '"1"' }],
  ])("[R5] [U7] DELETE, %s: returns only the id", async (_what, query, headers) => {
    const { answer, json, etag } = await ask("DELETE", `&uniqueId=${id}${query}`, undefined, headers as Record<string, string>);
    expect([answer.status, json, etag]).toEqual([200, { uniqueId: id }, null]);
    expect(await stored()).toEqual([]);
  });

  it("[R10] [U7] a merge that does not match the schema is refused without positions or values of the stored data", async () => {
    await setSchema({ properties: { secret: { const: "another" }, n: { type: "number" } }, additionalProperties: false });
    const { answer, json } = await ask("PUT", `&uniqueId=${id}&strategy=merge`, "{}");
    await expectProblem(answer, "schema_mismatch");
    expect(json.fields).toBeUndefined();
    // The caller knows the data that replaces a record, so its problems can be returned.
    const own = await ask("PUT", `&uniqueId=${id}`, '{"n":"one"}');
    expect([own.answer.status, Object.keys(own.json.fields)]).toEqual([400, ["/n"]]);
  });

  it("[R4] [R7] [U7] refusals show nothing either", async () => {
    for (const [query, body, headers] of [
      ["&strategy=merge", "[]", {}],
      ["&strategy=merge", "{}", { "If-Match": '"7"' }],
      ["&strategy=merge", "{", {}],
    ] as const)
      expect((await ask("PUT", `&uniqueId=${id}${query}`, body, headers)).answer.status).toBeGreaterThanOrEqual(400);
    for (const method of ["GET", "HEAD"] as const) {
      const answer = await fetch(`${server.origin}${seed.path}&uniqueId=${id}`, { method, headers: { "If-None-Match": '"1"' } });
      expect([answer.status, answer.headers.get("etag")]).toEqual([403, null]);
    }
    expect(await stored()).toEqual([{ secret: SECRET, [SECRET]: 1 }]);
  });

  it("[R2] [R8] [R9] [U7] POST returns the sent data, including for a replay", async () => {
    for (const query of ["", "&bulk=true"]) {
      const body = query === "" ? '{"mine":1}' : '[{"mine":1}]';
      const first = await ask("POST", query, body, { "Idempotency-Key": `key${query}` });
      const again = await ask("POST", query, body, { "Idempotency-Key": `key${query}` });
      expect([first.answer.status, again.answer.status, again.json]).toEqual([201, 201, first.json]);
    }
  });

  it("[F4] [U7] the fields of a file are not shown", async () => {
    await setScope("read_write");
    const form = new FormData();
    form.append("note", SECRET);
    form.append("file", new Blob(["bytes"]), `${SECRET}.txt`);
    const uploaded = await fetch(`${server.origin}${seed.path}`, { method: "POST", body: form });
    const { uniqueId } = (await uploaded.json()) as { uniqueId: string };
    await setScope("write");
    const changed = await ask("PUT", `&uniqueId=${uniqueId}&strategy=merge`, '{"metadata":{"more":"x"}}');
    expect([changed.answer.status, Object.keys(changed.json)]).toEqual([200, ["uniqueId", "updatedAt"]]);
    expect(Object.keys((await ask("DELETE", `&uniqueId=${uniqueId}`)).json)).toEqual(["uniqueId"]);
  });
});

describe("at an authentication endpoint", () => {
  beforeEach(async () => {
    seed = await server.seed({ kind: "authentication", endpointName: "app/users", masterKey: MASTER });
    id = await registerUser({ origin: server.origin, path: seed.path }, { username: "ada", password: PASSWORD, note: SECRET });
    await setScope("write");
  });

  it("[L2] [L4] [U7] logging in, changing and deleting an account do not reveal its data", async () => {
    const login = await ask("POST", "&login=true&noATCookie=true", JSON.stringify({ username: "ada", password: PASSWORD }));
    expect([login.answer.status, login.json]).toEqual([200, { uniqueId: id }]);
    const bearer = { Authorization: login.answer.headers.get("authorization") ?? "" };
    const merged = await ask("PUT", `&uniqueId=${id}&strategy=merge`, '{"more":1}', bearer);
    expect([merged.answer.status, Object.keys(merged.json)]).toEqual([200, ["uniqueId", "updatedAt"]]);
    await setSchema({ properties: { note: { const: "another" } }, additionalProperties: false });
    const { answer, json } = await ask("PUT", `&uniqueId=${id}&strategy=merge`, '{"more":2}', bearer);
    await expectProblem(answer, "schema_mismatch");
    expect(json.fields).toBeUndefined();
    const deleted = await ask("DELETE", `&uniqueId=${id}`, undefined, { "X-Master-Key": MASTER });
    expect([deleted.answer.status, deleted.json]).toEqual([200, { uniqueId: id }]);
  });
});
