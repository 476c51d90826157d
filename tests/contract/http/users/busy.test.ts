/** Tests how many concurrent registrations and logins affect each other (L6): the order of hashing, and refusals. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPasswordHasher, type HashEngine, type PasswordHasher } from "@/src/core/users/password-hasher";
import { PASSWORD } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

const REGISTRATIONS_PER_MINUTE = 20;
let server: DataServer;
let passwords: PasswordHasher;
/** The passwords in the order in which they were hashed. */
let hashed: string[];
/** Hashes wait while this is set. */
let gate: { promise: Promise<void>; open: () => void } | undefined;

/** A fast password hash that can be paused. Only the order of hashing is tested. */
const engine: HashEngine = {
  hash: async (password) => {
    hashed.push(password);
    await gate?.promise;
    return `hash of ${password}`;
  },
  verify: async (stored, password) => {
    hashed.push(password);
    await gate?.promise;
    return stored === `hash of ${password}`;
  },
};

beforeAll(async () => {
  passwords = createPasswordHasher({ atOnceMax: 1, engine });
  server = await createDataServer({ passwords, registrationsPerMinute: REGISTRATIONS_PER_MINUTE });
});
afterAll(() => server.close());
beforeEach(() => {
  hashed = [];
});
afterEach(() => letGo());

function hold(): void {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  gate = { promise, open };
}

function letGo(): void {
  gate?.open();
  gate = undefined;
}

function post(seed: Seed, query: string, body: object, address: string): Promise<Response> {
  const headers = { "Content-Type": "application/json", "X-Forwarded-For": address };
  return fetch(`${server.origin}${seed.path}${query}`, { method: "POST", headers, body: JSON.stringify(body) });
}

const MASTER_KEY = "master-key-of-a-test";
const seedUsers = () => server.seed({ kind: "authentication", masterKey: MASTER_KEY });
const register = (seed: Seed, username: string, address: string, query = "") =>
  post(seed, query, { username, password: `${PASSWORD} of ${username}` }, address);
const logIn = (seed: Seed, username: string, address: string) =>
  post(seed, "&login=true&noATCookie=true", { username, password: `${PASSWORD} of ${username}` }, address);

describe("many concurrent requests", () => {
  it("[L6] 215 registrations with one public key make no login fail, neither of that endpoint nor of another application", async () => {
    const [crowded, other] = [await seedUsers(), await seedUsers()];
    for (const seed of [crowded, other]) expect((await register(seed, "ada", "203.0.113.1")).status).toBe(201);
    hold();
    hashed = [];
    // The requests come from several networks, because the limit of one address would refuse most of them.
    const crowd = Array.from({ length: 215 }, (_, n) => register(crowded, `user-${n}`, `203.0.113.${10 + (n % 15)}`));
    await until("a crowd that waits", () => hashed.length === 1);
    const logins = [crowded, other].flatMap((seed) => Array.from({ length: 5 }, (_, n) => logIn(seed, "ada", `198.51.100.${n}`)));
    const refused = Promise.all(Array.from({ length: 3 }, (_, n) => logIn(other, "nobody", `198.51.100.${n}`)));
    await until("a full queue, and logins that wait", () => passwords.waiting === 200 + 13);
    letGo();
    expect((await Promise.all(logins)).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await refused).map(({ status }) => status)).toEqual([401, 401, 401]);
    const statuses = (await Promise.all(crowd)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThan(100);
    expect(statuses.filter((status) => ![201, 429, 503].includes(status))).toEqual([]);
  });

  it("[L6] logins are checked before earlier registrations", async () => {
    const seed = await seedUsers();
    expect((await register(seed, "ada", "203.0.113.1")).status).toBe(201);
    hold();
    hashed = [];
    const crowd = Array.from({ length: 15 }, (_, n) => register(seed, `user-${n}`, "203.0.113.2"));
    await until("a crowd that waits", () => hashed.length === 1 && passwords.waiting === 14);
    const login = logIn(seed, "ada", "203.0.113.3");
    await until("a login that waits", () => passwords.waiting === 15);
    letGo();
    expect((await login).status).toBe(200);
    await Promise.all(crowd);
    expect(hashed.indexOf(`${PASSWORD} of ada`)).toBeLessThanOrEqual(2);
  });

  it("[L2] [L6] an unknown name waits for hashing like a known one, so neither responds sooner", async () => {
    const seed = await seedUsers();
    expect((await register(seed, "ada", "203.0.113.1")).status).toBe(201);
    hold();
    // One password is being checked, and the maximum number for one project is queued.
    const crowd = Array.from({ length: 201 }, (_, n) => logIn(seed, `nobody-${n}`, `203.0.113.${10 + (n % 5)}`));
    await until("a full queue", () => passwords.waiting === 200);
    for (const username of ["ada", "nobody"]) {
      for (let count = 0; count < 6; count += 1) {
        const answer = await post(seed, "&login=true", { username, password: "not the password" }, "203.0.113.7");
        expect(answer.headers.get("retry-after")).toBe("5");
        await expectProblem(answer, "server_busy");
      }
    }
    letGo();
    await Promise.all(crowd);
    // No password was compared, so none was counted.
    expect((await logIn(seed, "ada", "203.0.113.7")).status).toBe(200);
  });
});

describe("registrations", () => {
  it("[L7] are limited by endpoint and address; logins and the application itself are not", async () => {
    const [seed, other] = [await seedUsers(), await seedUsers()];
    for (let n = 0; n < REGISTRATIONS_PER_MINUTE; n++) expect((await register(seed, `user-${n}`, "203.0.113.1")).status).toBe(201);
    const answer = await register(seed, "one-more", "203.0.113.1");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await expectProblem(answer, "rate_limited")).toContain("20 per minute");
    expect(await server.count(seed)).toMatchObject({ records: REGISTRATIONS_PER_MINUTE });
    expect((await register(seed, "one-more", "203.0.113.2")).status).toBe(201);
    expect((await register(other, "one-more", "203.0.113.1")).status).toBe(201);
    expect((await logIn(seed, "user-1", "203.0.113.1")).status).toBe(200);
    expect((await register(seed, "by-the-application", "203.0.113.1", `&masterKey=${MASTER_KEY}`)).status).toBe(201);
    server.clock.at = new Date(server.clock.at.getTime() + 60_000);
    expect((await register(seed, "later", "203.0.113.1")).status).toBe(201);
  });

  it("[L7] count before the rules and the schema refuse them, so that refusals are limited too", async () => {
    const seed = await seedUsers();
    await server.pool.query(`UPDATE "Endpoint" SET rules = $2, schema = $3 WHERE id = $1`, [
      seed.endpointId,
      JSON.stringify({ create: '@input.username != "refused"' }),
      JSON.stringify({ properties: { username: { not: { const: "unlike" } } } }),
    ]);
    server.definitions.invalidate(seed.projectId);
    for (let n = 0; n < REGISTRATIONS_PER_MINUTE; n += 2) {
      await expectProblem(await register(seed, "refused", "203.0.113.1"), "access_denied");
      expect(await (await register(seed, "unlike", "203.0.113.1")).json()).toMatchObject({ code: "schema_mismatch" });
    }
    await expectProblem(await register(seed, "refused", "203.0.113.1"), "rate_limited");
    await expectProblem(await register(seed, "allowed", "203.0.113.1"), "rate_limited");
    expect(await server.count(seed)).toMatchObject({ records: 0 });
    expect((await register(seed, "allowed", "203.0.113.2")).status).toBe(201);
  });

  it("[L7] are limited by endpoint, from any number of addresses", async () => {
    const seed = await seedUsers();
    const statuses = await Promise.all(
      Array.from({ length: 310 }, async (_, n) => (await register(seed, `user-${n}`, `203.0.113.${n % 100}`)).status),
    );
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  });
});
