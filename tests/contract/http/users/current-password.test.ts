/** Tests PUTs that contain the user's registered credentials, as clients of the original service send them (L4). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUser, logIn, registerUser, type TestUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

interface PutOptions {
  headers?: Record<string, string>;
  query?: string;
  id?: string;
}

let server: DataServer;
let seed: Seed;
let ada: TestUser;
/** Another token of the same user. It stays valid if, and only if, the password did not change. */
let other: Record<string, string>;
const MASTER = "m".repeat(43);
const NEW_PASSWORD = "another password";
const ADDRESS = "203.0.113.40";

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: 4096 });
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed({ kind: "authentication", endpointName: "app/users", masterKey: MASTER });
  ada = await createUser(endpoint(), { username: "ada", data: { age: 36, n: 1 } });
  other = { Authorization: `Bearer ${await logIn(endpoint(), ada)}` };
});

const endpoint = () => ({ origin: server.origin, path: seed.path });
const url = (query = "") => `${server.origin}${seed.path}${query}`;
const get = (headers: Record<string, string>) => fetch(url(), { headers });
const put = (body: object, { headers = ada.headers, query = "", id = ada.id }: PutOptions = {}) =>
  fetch(url(`&uniqueId=${id}&dataOnly=true${query}`), {
    method: "PUT",
    headers: { "Content-Type": "application/json", "X-Forwarded-For": ADDRESS, ...headers },
    body: JSON.stringify(body),
  });
const readHash = async () => {
  const { rows } = await server.pool.query<{ hash: string }>(`SELECT "passwordHash" AS hash FROM "AppUser" WHERE id = $1`, [ada.id]);
  return rows[0]?.hash;
};
const readVersion = async () => {
  const { rows } = await server.pool.query<{ version: number }>(`SELECT version FROM "Record" WHERE id = $1`, [ada.id]);
  return Number(rows[0]?.version);
};

describe("the current password", () => {
  it.each([
    ["", { username: "ada", n: 2 }],
    ["force", { username: "ada", n: 2 }],
    ["replace", { username: "ada", n: 2 }],
    ["merge", { username: "ada", age: 36, n: 2 }],
  ])("[L4] proves itself and changes nothing; other fields are stored: strategy %j", async (strategy, data) => {
    const hash = await readHash();
    const answer = await put(
      { username: ada.username, password: ada.password, n: 2 },
      { query: strategy === "" ? "" : `&strategy=${strategy}` },
    );
    expect([answer.status, await answer.json()]).toEqual([200, data]);
    expect(await readHash()).toBe(hash);
    expect((await get(other)).status).toBe(200);
    expect((await get(ada.headers)).status).toBe(200);
    const { rows } = await server.pool.query<{ all: string }>(
      `SELECT string_agg(c::text, '') AS all FROM "Change" c WHERE "recordId" = $1`,
      [ada.id],
    );
    expect(rows[0]?.all).not.toMatch(/password/i);
  });

  it("[L4] is recognised in another Unicode normal form, also for users with an e-mail address", async () => {
    const grace = { email: "grace@example.com", password: "caf\u00e9 noir" };
    const id = await registerUser(endpoint(), grace);
    const headers = { Authorization: `Bearer ${await logIn(endpoint(), grace)}` };
    const answer = await put({ ...grace, password: "cafe\u0301 noir", n: 2 }, { headers, id });
    expect([answer.status, await answer.json()]).toEqual([200, { email: "grace@example.com", n: 2 }]);
  });

  it("[L4] allows a change of the name", async () => {
    expect((await put({ username: "Lovelace", password: ada.password })).status).toBe(200);
    await logIn(endpoint(), { username: "lovelace", password: ada.password });
    expect((await get(other)).status).toBe(200);
  });

  it("[L4] sent as both password and currentPassword, changes nothing; with a wrong currentPassword, it is refused", async () => {
    const hash = await readHash();
    expect((await put({ password: ada.password, currentPassword: ada.password, n: 2 })).status).toBe(200);
    expect([await readHash(), (await get(other)).status]).toEqual([hash, 200]);
    await expectProblem(await put({ password: ada.password, currentPassword: "not the password" }), "current_password_wrong");
  });

  it("[L5] alone leaves the data unchanged", async () => {
    const answer = await put({ password: ada.password });
    expect([answer.status, await answer.json()]).toEqual([200, { username: "ada", age: 36, n: 1 }]);
  });

  it("[L4] with the master key, the same password changes nothing, and a different password ends every token", async () => {
    const master = { "X-Master-Key": MASTER };
    expect((await put({ username: "ada", password: ada.password, n: 2 }, { headers: master })).status).toBe(200);
    expect((await get(other)).status).toBe(200);
    expect((await put({ username: "ada", password: NEW_PASSWORD, n: 3 }, { headers: master })).status).toBe(200);
    await expectProblem(await get(other), "access_token_invalid");
    await logIn(endpoint(), { username: "ada", password: NEW_PASSWORD });
  });

  it("[R7] [L4] does not override a condition", async () => {
    const headers = { ...ada.headers, "If-Match": '"7"' };
    await expectProblem(await put({ username: "ada", password: ada.password }, { headers }), "version_conflict");
  });

  it("[L4] is proven once even if the change is tried again, and concurrent changes are all kept", async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        put({ username: "ada", password: ada.password, [`field${index}`]: index }, { query: "&strategy=merge" }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await (await get(ada.headers)).json()).toMatchObject([{ data: { field0: 0, field1: 1, field2: 2, field3: 3 } }]);
  });
});

describe("a new password", () => {
  it("[L4] needs currentPassword, and the error explains both options; nothing is written", async () => {
    const [hash, version] = [await readHash(), await readVersion()];
    const answer = await put({ username: "ada", password: NEW_PASSWORD, n: 2 });
    expect(await expectProblem(answer, "current_password_wrong")).toMatch(/currentPassword.*omit password/);
    expect([await readHash(), await readVersion()]).toEqual([hash, version]);
  });

  it("[L4] wrong ones count like failed logins, right ones do not", async () => {
    for (let count = 0; count < 7; count += 1) expect((await put({ username: "ada", password: ada.password })).status).toBe(200);
    for (let count = 0; count < 5; count += 1)
      await expectProblem(await put({ username: "ada", password: `guess ${count}` }), "current_password_wrong");
    await expectProblem(await put({ username: "ada", password: ada.password }), "rate_limited");
    expect((await put({ username: "ada", n: 5 })).status).toBe(200);
  });

  it("[L4] a user cannot guess the password of another", async () => {
    const eve = await createUser(endpoint());
    await expectProblem(await put({ username: "ada", password: ada.password }, { headers: eve.headers }), "access_denied");
  });
});
