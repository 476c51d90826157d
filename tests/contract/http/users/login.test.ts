/** Tests logging in and out at an authentication endpoint (L2, L3). */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toAccessTokenCookie } from "@/src/shared/streams/protocol";
import { createUser, logIn, logOut, PASSWORD, registerUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { ACCESS_TOKEN_TTL_MS, createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

let server: DataServer;
let seed: Seed;
const MASTER = "m".repeat(43);
const COOKIE = "__Secure-rested-access-token";
const HOUR_MS = 60 * 60 * 1000;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed({ kind: "authentication", endpointName: "app/users", masterKey: MASTER });
});

const endpoint = () => ({ origin: server.origin, path: seed.path });
const post = (query: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.origin}${seed.path}${query}`, {
    method: "POST",
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const list = (headers: Record<string, string>) => fetch(`${server.origin}${seed.path}`, { headers });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
/** Each test with failed logins uses a separate address. */
const from = (address: string) => ({ "X-Forwarded-For": address });
const readTokens = async () => {
  const { rows } = await server.pool.query<{ hash: Buffer; live: boolean; userAgent: string; address: string; expiresAt: Date }>(
    `SELECT t.hash, t."revokedAt" IS NULL AS live, t."userAgent", t.address, t."expiresAt" FROM "AccessToken" t
     JOIN "AppUser" u ON u.id = t."userId" WHERE u."endpointId" = $1 ORDER BY t."createdAt", t.id`,
    [seed.endpointId],
  );
  return rows;
};

describe("login", () => {
  it("[L2] responds with 200 and the user's record, and sets the cookie", async () => {
    const id = await registerUser(endpoint(), { username: "ada", password: PASSWORD, age: 36 });
    const answer = await post("&login=true", { username: "ada", password: PASSWORD });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { uniqueId: id, data: { username: "ada", age: 36 }, createdAt: expect.any(String), updatedAt: expect.any(String) },
    ]);
    expect(answer.headers.get("authorization")).toBeNull();
    const [cookie = "", ...attributes] = (answer.headers.get("set-cookie") ?? "").split("; ");
    expect(cookie).toMatch(new RegExp(`^${toAccessTokenCookie(seed.projectId)}=[\\w-]{43}$`));
    const lasting = `Max-Age=${ACCESS_TOKEN_TTL_MS / 1000}`;
    expect(attributes.sort()).toEqual(["HttpOnly", lasting, "Partitioned", "Path=/api", "SameSite=None", "Secure"]);
    const own = await list({ Cookie: `other=1; ${cookie}` });
    expect([own.status, await own.json()]).toEqual([200, [expect.objectContaining({ uniqueId: id })]]);
  });

  it("[L2] with noATCookie=true returns the token in a header that front ends can read, and sets no cookie", async () => {
    await registerUser(endpoint(), { email: "ada@example.com", password: PASSWORD });
    const body = { email: "Ada@Example.com", password: PASSWORD };
    const answer = await post("&login=true&noATCookie=true&dataOnly=true", body, { Origin: "https://app.example" });
    expect([answer.status, await answer.json()]).toEqual([200, { email: "ada@example.com" }]);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("authorization")).toMatch(/^Bearer [\w-]{43}$/);
    expect(answer.headers.get("access-control-expose-headers")).toContain("Authorization");
    expect((await list({ Authorization: answer.headers.get("authorization") ?? "" })).status).toBe(200);
  });

  it("[L2] [S6] by cookie from an unlisted origin is refused before the password is checked, and creates no token", async () => {
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    const body = { username: "ada", password: PASSWORD };
    for (const headers of [{ Origin: "https://app.example" }, { Origin: "null" }]) {
      const answer = await post("&login=true", body, headers);
      expect(answer.headers.get("set-cookie")).toBeNull();
      const detail = await expectProblem(answer, "cookie_origin_not_listed");
      expect(detail).toContain(headers.Origin);
      expect(detail).toContain("noATCookie=true");
    }
    expect(await readTokens()).toEqual([]);
    await server.pool.query(`UPDATE "Project" SET "allowedOrigins" = '{https://app.example}' WHERE id = $1`, [seed.projectId]);
    server.definitions.invalidate(seed.projectId);
    expect((await post("&login=true", body, { Origin: "https://app.example" })).headers.get("set-cookie")).toMatch(/=[\w-]{43};/);
  });

  it("[L2] two applications on one host: logging in to one does not log the browser out of the other", async () => {
    const other = await server.seed({ kind: "authentication", endpointName: "app/users" });
    const jar = new Map<string, string>();
    for (const at of [seed, other]) {
      await registerUser({ origin: server.origin, path: at.path }, { username: "ada", password: PASSWORD });
      const body = JSON.stringify({ username: "ada", password: PASSWORD });
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(`${server.origin}${at.path}&login=true`, { method: "POST", headers, body });
      const [name = "", value = ""] = (answer.headers.get("set-cookie")?.split(";")[0] ?? "").split("=");
      jar.set(name, value);
    }
    const Cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    for (const at of [seed, other]) expect((await fetch(`${server.origin}${at.path}`, { headers: { Cookie } })).status).toBe(200);
  });

  it("[L3] stores a token's hash, the address that requested it, and its expiry", async () => {
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    const headers = { "User-Agent": "x".repeat(2000), ...from("203.0.113.5") };
    const answer = await post("&login=true&noATCookie=true", { username: "ada", password: PASSWORD }, headers);
    const token = (answer.headers.get("authorization") ?? "").replace("Bearer ", "");
    expect(await readTokens()).toEqual([
      {
        hash: createHash("sha256").update(token).digest(),
        live: true,
        userAgent: "x".repeat(400),
        address: "203.0.113.5",
        expiresAt: new Date(server.clock.at.getTime() + ACCESS_TOKEN_TTL_MS),
      },
    ]);
    expect(server.logged.join("\n")).not.toContain(token);
  });

  it("[L2] a name is found in any spelling", async () => {
    await registerUser(endpoint(), { username: "Zoë", password: PASSWORD });
    for (const username of ["zoë", "ZOE\u0308", " Zoë "]) await logIn(endpoint(), { username, password: PASSWORD });
    await logIn(endpoint(), { email: "zoë", password: PASSWORD });
  });

  it("[L2] a wrong password and an unknown name are the same error", async () => {
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    const details = [];
    for (const body of [
      { username: "ada", password: "not the password" },
      { username: "ada", password: "" },
      { username: "ada", password: "x".repeat(5000) },
      { username: "eve", password: PASSWORD },
      { username: "", password: PASSWORD },
      { username: "e".repeat(5000), password: PASSWORD },
      { email: "eve@example.com", password: PASSWORD },
    ]) {
      const answer = await post("&login=true", body, from("203.0.113.6"));
      expect(answer.headers.get("set-cookie")).toBeNull();
      details.push(await expectProblem(answer, "login_failed"));
    }
    expect(new Set(details).size).toBe(1);
    expect(await readTokens()).toEqual([]);
  });

  it("[L2] attempts are limited by name and address, and by address", async () => {
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    const attempt = (username: string, password: string, address: string) => post("&login=true", { username, password }, from(address));
    for (let count = 0; count < 4; count += 1) await expectProblem(await attempt("ada", "wrong-one", "203.0.113.9"), "login_failed");
    expect((await attempt("ADA", PASSWORD, "203.0.113.9")).status).toBe(200);
    for (let count = 0; count < 5; count += 1) await expectProblem(await attempt("ada", "wrong-one", "203.0.113.9"), "login_failed");
    const refused = await attempt("Ada", PASSWORD, "203.0.113.9");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    await expectProblem(refused, "rate_limited");
    expect((await attempt("ada", PASSWORD, "203.0.113.10")).status).toBe(200);
    for (let count = 0; count < 50; count += 1) await attempt(`nobody-${count}`, "wrong-one", "203.0.113.11");
    await expectProblem(await attempt("ada", PASSWORD, "203.0.113.11"), "rate_limited");
  });

  it("[L2] parallel attempts cannot exceed the limit", async () => {
    await registerUser(endpoint(), { username: "ada", password: PASSWORD });
    const guesses = Array.from({ length: 12 }, () => post("&login=true", { username: "ada", password: "wrong-one" }, from("203.0.113.12")));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(7);
  });

  it.each([
    ["no password", { username: "ada" }, "credentials_missing"],
    ["no name", { password: PASSWORD }, "credentials_missing"],
    ["both names", { username: "ada", email: "ada@example.com", password: PASSWORD }, "credentials_missing"],
    ["an array", ["ada"], "credentials_missing"],
  ] as const)("[L2] needs a name and a password: %s", async (_, body, code) => {
    await expectProblem(await post("&login=true", body), code);
  });

  it("[L2] reports fields that are not strings", async () => {
    const answer = await post("&login=true", { username: { $gt: "" }, password: 1 });
    const problem = await answer.json();
    expect([answer.status, problem.code, Object.keys(problem.fields).sort()]).toEqual([
      400,
      "credentials_invalid",
      ["password", "username"],
    ]);
  });

  it.each(["&login=true&logout=true", "&login=yes", "&logout=1", "&login=true&noATCookie=1", "&login=", "&login=true&dataOnly=1"])(
    "[L2] refuses %s",
    async (query) => {
      await expectProblem(await post(query, { username: "ada", password: PASSWORD }), "parameter_invalid");
    },
  );

  it("[L2] login=false registers, and a data endpoint has no login", async () => {
    expect((await post("&login=false&logout=false", { username: "ada", password: PASSWORD })).status).toBe(201);
    const data = await server.seed();
    const answer = await fetch(`${server.origin}${data.path}&login=true&logout=true`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username: "ada", password: PASSWORD }),
    });
    expect([answer.status, (await answer.json()).data]).toEqual([201, { username: "ada", password: PASSWORD }]);
  });

  it("[L2] a user has at most 100 live tokens: the oldest is revoked immediately", async () => {
    const user = await createUser(endpoint());
    expect((await list(user.headers)).status).toBe(200);
    await server.pool.query(
      `INSERT INTO "AccessToken" (id, "userId", "projectId", hash, "createdAt", "expiresAt")
       SELECT gen_random_uuid(), $1, $2, sha256(i::text::bytea), now() + interval '1 second', now() + interval '1 day' FROM generate_series(1, 99) AS i`,
      [user.id, seed.projectId],
    );
    server.clock.at = new Date(server.clock.at.getTime() + 2000);
    const token = await logIn(endpoint(), user);
    await expectProblem(await list(user.headers), "access_token_invalid");
    expect((await list(bearer(token))).status).toBe(200);
    expect((await readTokens()).filter(({ live }) => live)).toHaveLength(100);
  });
});

describe("logout", () => {
  it("[L3] revokes the token immediately, clears the cookie, and returns an empty object", async () => {
    const user = await createUser(endpoint());
    const other = await logIn(endpoint(), user);
    expect((await list(user.headers)).status).toBe(200);
    const answer = await post("&logout=true", undefined, { Cookie: `${COOKIE}=${user.token}` });
    expect([answer.status, await answer.text()]).toEqual([200, "{}"]);
    // Also deletes the cookie of an old login, from before each project had its own cookie.
    expect(answer.headers.getSetCookie()).toEqual([
      `${toAccessTokenCookie(seed.projectId)}=; Max-Age=0; Path=/api; HttpOnly; Secure; Partitioned; SameSite=None`,
      `${COOKIE}=; Max-Age=0; Path=/api; HttpOnly; Secure; SameSite=None`,
    ]);
    await expectProblem(await list(user.headers), "access_token_invalid");
    await expectProblem(await post("&logout=true", undefined, user.headers), "access_token_invalid");
    expect((await list(bearer(other))).status).toBe(200);
    expect((await readTokens()).map(({ live }) => live)).toEqual([false, true]);
  });

  it("[L3] with a cookie whose token has ended clears it", async () => {
    const user = await createUser(endpoint());
    await logOut(endpoint(), user.token);
    for (const name of [COOKIE, toAccessTokenCookie(seed.projectId)]) {
      for (const token of [user.token, "nonsense"]) {
        const answer = await post("&logout=true", undefined, { Cookie: `${name}=${token}` });
        expect([answer.status, await answer.text()]).toEqual([200, "{}"]);
        expect(answer.headers.getSetCookie().map((line) => line.split(";", 2).join(";"))).toEqual([
          `${toAccessTokenCookie(seed.projectId)}=; Max-Age=0`,
          `${COOKIE}=; Max-Age=0`,
        ]);
      }
    }
    await expectProblem(
      await post("&logout=true", undefined, { Cookie: `${COOKIE}=${user.token}`, Origin: "https://evil.example" }),
      "access_token_missing",
    );
    await expectProblem(await list({ Cookie: `${COOKIE}=${user.token}` }), "access_token_invalid");
  });

  it("[L3] a cookie of another project is neither revoked nor cleared", async () => {
    const other = { origin: server.origin, path: (await server.seed({ kind: "authentication" })).path };
    const stranger = await createUser(other);
    const answer = await post("&logout=true", undefined, { Cookie: `${COOKIE}=${stranger.token}` });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([401, null]);
    await logOut(other, stranger.token);
  });

  it("[L3] [S6] from an unlisted origin keeps the browser's cookies", async () => {
    const user = await createUser(endpoint());
    const answer = await post("&logout=true", undefined, { ...user.headers, Origin: "https://evil.example" });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([200, null]);
  });

  it("[L3] [L5] needs the token itself, whatever the body", async () => {
    const user = await createUser(endpoint());
    await expectProblem(await post("&logout=true"), "access_token_missing");
    await expectProblem(await post("&logout=true", undefined, { ...user.headers, "X-Master-Key": MASTER }), "access_token_missing");
    expect((await list(user.headers)).status).toBe(200);
    expect((await post("&logout=true", { any: "thing" }, user.headers)).status).toBe(200);
  });

  it("[L3] another endpoint's token is refused", async () => {
    const other = await server.seed({ kind: "authentication" });
    const stranger = await createUser({ origin: server.origin, path: other.path });
    await expectProblem(await post("&logout=true", undefined, stranger.headers), "access_token_invalid");
    await logOut({ origin: server.origin, path: other.path }, stranger.token);
  });
});

describe("tokens", () => {
  it("[L3] expire after seven days", async () => {
    const user = await createUser(endpoint());
    const start = server.clock.at;
    server.clock.at = new Date(start.getTime() + ACCESS_TOKEN_TTL_MS - 1);
    expect((await list(user.headers)).status).toBe(200);
    server.clock.at = new Date(start.getTime() + ACCESS_TOKEN_TTL_MS);
    await expectProblem(await list(user.headers), "access_token_invalid");
    server.clock.at = start;
  });

  it("[L3] are deleted a day after they have expired, without invalidating caches", async () => {
    const user = await createUser(endpoint());
    await logIn(endpoint(), user);
    const revision = async () => {
      const { rows } = await server.pool.query<{ revision: string }>(`SELECT "tokenRevision" AS revision FROM "Project" WHERE id = $1`, [
        seed.projectId,
      ]);
      return rows[0]?.revision;
    };
    await server.pool.query(`UPDATE "AccessToken" SET "expiresAt" = $2 WHERE hash = $1`, [
      createHash("sha256").update(user.token).digest(),
      new Date(server.clock.at.getTime() - 24 * HOUR_MS - 1),
    ]);
    const before = await revision();
    await server.users.sweepTokens();
    expect(await readTokens()).toHaveLength(1);
    await server.pool.query(`UPDATE "AccessToken" SET "expiresAt" = $1`, [new Date(server.clock.at.getTime() - 23 * HOUR_MS)]);
    await server.users.sweepTokens();
    expect(await readTokens()).toHaveLength(1);
    expect(await revision()).toBe(before);
  });

  it("[L3] a sweep deletes all batches", async () => {
    const user = await createUser(endpoint());
    await server.pool.query(
      `INSERT INTO "AccessToken" (id, "userId", "projectId", hash, "expiresAt")
       SELECT gen_random_uuid(), $1, $2, sha256(('old ' || i)::bytea), now() - interval '3 days' FROM generate_series(1, 2500) AS i`,
      [user.id, seed.projectId],
    );
    await server.users.sweepTokens();
    expect(await readTokens()).toHaveLength(1);
  });
});
