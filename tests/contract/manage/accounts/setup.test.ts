/** Tests the first administrator, sign-up, and the accounts and demo of the configuration (G1, D1). */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Config } from "@/src/config/config";
import { createSetupToken } from "@/src/management/keys/secrets";
import { ensureAdmin } from "@/src/management/setup/ensure-admin";
import { DEMO_ENDPOINT, DEMO_KEY, ensureDemo } from "@/src/management/setup/ensure-demo";
import { isSetupNeeded } from "@/src/management/setup/first-admin";
import { type ManageServer, startManageServer } from "../../../support/servers/manage-server";

const PASSWORD = "correct horse battery";
let server: ManageServer;
const start = async (overrides?: Partial<Config>) => {
  server = await startManageServer(overrides);
  return server;
};
afterEach(() => server.stop());

const setupBody = (overrides: object = {}) => ({
  token: server.setupToken,
  name: "Ada",
  email: "Ada@Example.com",
  password: PASSWORD,
  ...overrides,
});
const setUp = (overrides: object = {}, headers = {}) => server.call("POST", "/api/manage/setup", { body: setupBody(overrides), headers });

describe("setup", () => {
  it("[G1] creates the first administrator, and returns nothing secret", async () => {
    await start();
    const answer = await setUp();
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      name: "Ada",
      email: "ada@example.com",
      role: "admin",
      createdAt: expect.any(String),
    });
    const [row] = await server.runtime.db.user.findMany();
    expect(row?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await isSetupNeeded(server.runtime)).toBe(false);
  });

  it("[G1] works once: then 409 setup_done, even with the right link", async () => {
    await start();
    await setUp();
    expect(await setUp({ email: "eve@example.com" })).toMatchObject({ status: 409, body: { code: "setup_done" } });
    expect(await server.runtime.db.user.count()).toBe(1);
  });

  it("[G1] creates exactly one administrator from concurrent requests", async () => {
    await start();
    const answers = await Promise.all([1, 2, 3, 4].map((n) => setUp({ email: `admin${n}@example.com` })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    expect(await server.runtime.db.user.count()).toBe(1);
  });

  it("[G1] refuses another link, and reports invalid fields", async () => {
    await start();
    expect(await setUp({ token: createSetupToken("another secret") })).toMatchObject({
      status: 403,
      body: { code: "setup_token_invalid" },
    });
    expect(await setUp({ token: "" })).toMatchObject({ status: 403, body: { code: "setup_token_invalid" } });
    expect(await setUp({ password: "short", email: "x" })).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { password: "Use 10 characters or more.", email: expect.any(String) } },
    });
    expect(await server.runtime.db.user.count()).toBe(0);
  });

  it("[G1] refuses requests that a browser sends for another site", async () => {
    await start();
    for (const headers of [
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "null" },
    ]) {
      expect(await setUp({}, headers)).toMatchObject({ status: 403, body: { code: "cross_site_request" } });
    }
    expect((await setUp({}, { origin: "http://rested.test:3000", "sec-fetch-site": "same-origin" })).status).toBe(201);
  });
});

describe("sign-up", () => {
  const signUp = (overrides: object = {}) =>
    server.call("POST", "/api/manage/signup", { body: { name: "Bob", email: "bob@example.com", password: PASSWORD, ...overrides } });

  it("is closed unless it is enabled", async () => {
    await start();
    await setUp();
    expect(await signUp()).toMatchObject({ status: 403, body: { code: "signup_closed" } });
    expect(await server.runtime.db.user.count()).toBe(1);
  });

  it("when enabled, creates members, once for each e-mail address", async () => {
    await start({ signup: "open" });
    await setUp();
    expect(await signUp()).toMatchObject({ status: 201, body: { email: "bob@example.com", role: "member" } });
    expect(await signUp({ email: "BOB@example.com" })).toMatchObject({
      status: 409,
      body: { code: "email_taken", fields: { email: expect.any(String) } },
    });
  });

  it("does not create the first administrator", async () => {
    await start({ signup: "open" });
    expect(await signUp()).toMatchObject({ status: 403, body: { code: "signup_closed" } });
    expect(await isSetupNeeded(server.runtime)).toBe(true);
  });

  it("is limited by address", async () => {
    await start({ signup: "open" });
    await setUp();
    for (let n = 0; n < 5; n += 1) expect((await signUp({ email: `bob${n}@example.com` })).status).toBe(201);
    const answer = await signUp({ email: "bob9@example.com" });
    expect(answer).toMatchObject({ status: 429, body: { code: "rate_limited", retryable: true } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("the configured administrator", () => {
  const admin = { email: " Root@Example.com", password: PASSWORD };

  it("[G1] is created once, by several nodes at once, and keeps the existing password", async () => {
    await start();
    const { db, passwords } = server.runtime;
    const made = await Promise.all([1, 2, 3].map(() => ensureAdmin({ db, passwords, admin })));
    expect(made.map((each) => each.admin).sort()).toEqual(["created", "kept", "kept"]);
    const [row] = await db.user.findMany();
    expect(row).toMatchObject({ email: "root@example.com", role: "admin" });
    expect(await ensureAdmin({ db, passwords, admin: { ...admin, password: "another password" } })).toEqual({
      admin: "kept",
      token: "none",
    });
    expect(await db.user.findMany()).toEqual([row]);
    expect(await setUp()).toMatchObject({ status: 409, body: { code: "setup_done" } });
  });

  it("[G1] does not change an administrator that was set up before", async () => {
    await start();
    await setUp();
    expect(await ensureAdmin({ ...server.runtime, admin })).toEqual({ admin: "kept", token: "none" });
    expect(await server.runtime.db.user.count()).toBe(1);
  });

  it("[G1] gets the management token, which works, is stored as a hash, and can be replaced", async () => {
    await start();
    const { db, passwords } = server.runtime;
    const whoAmI = (token: string) => server.call("GET", "/api/manage/account", { headers: { authorization: `Bearer ${token}` } });
    const first = "a-long-token-of-the-configuration";
    const second = "another-token-of-the-configuration";
    expect(await ensureAdmin({ db, passwords, admin, adminToken: first })).toEqual({ admin: "created", token: "created" });
    expect(await ensureAdmin({ db, passwords, admin, adminToken: first })).toEqual({ admin: "kept", token: "kept" });
    expect(await whoAmI(first)).toMatchObject({ status: 200, body: { email: "root@example.com" } });
    const [row] = await db.managementToken.findMany();
    expect(Buffer.from(row?.hash ?? [])).toEqual(createHash("sha256").update(first).digest());

    expect(await ensureAdmin({ db, passwords, admin, adminToken: second })).toMatchObject({ token: "created" });
    expect((await whoAmI(second)).status).toBe(200);
    expect((await whoAmI(first)).status).toBe(401);
  });

  it("[G1] a token belongs to the first administrator if none is named, and to nobody if there is none", async () => {
    await start();
    const { db, passwords } = server.runtime;
    expect(await ensureAdmin({ db, passwords, adminToken: "t".repeat(40) })).toEqual({ admin: "none", token: "refused" });
    await setUp();
    expect(await ensureAdmin({ db, passwords, adminToken: "t".repeat(40) })).toEqual({ admin: "none", token: "created" });
  });

  it("[G1] a revoked token stays revoked", async () => {
    await start();
    const { db, passwords } = server.runtime;
    await ensureAdmin({ db, passwords, admin, adminToken: "t".repeat(40) });
    await db.managementToken.updateMany({ data: { revokedAt: new Date() } });
    expect(await ensureAdmin({ db, passwords, admin, adminToken: "t".repeat(40) })).toMatchObject({ token: "refused" });
  });
});

describe("the demo", () => {
  it("[D1] is created once, by several nodes at once, and accepts the documented key", async () => {
    await start();
    const { db, definitions } = server.runtime;
    expect((await Promise.all([1, 2, 3].map(() => ensureDemo({ db })))).sort()).toEqual(["created", "kept", "kept"]);
    expect(DEMO_KEY).toBe("d59eb2859c284168ac48aef65046d5dd");
    expect(await definitions.find(DEMO_KEY, DEMO_ENDPOINT)).toMatchObject({
      endpoint: { name: "examples/unsecure-endpoint", secure: false },
    });
  });

  it("[D1] keeps setup possible, and then belongs to the first administrator", async () => {
    await start();
    const { db } = server.runtime;
    await ensureDemo({ db });
    expect(await isSetupNeeded(server.runtime)).toBe(true);
    const answer = await setUp();
    expect(answer.status).toBe(201);
    expect(await db.project.findMany({ select: { name: true, ownerId: true } })).toEqual([{ name: "Examples", ownerId: answer.body.id }]);
    expect(await db.user.findMany({ select: { email: true } })).toEqual([{ email: "ada@example.com" }]);
  });

  it("[D1] belongs to the first administrator if there is one", async () => {
    await start();
    const { db } = server.runtime;
    const { body } = await setUp();
    await ensureDemo({ db });
    expect(await db.project.findMany({ select: { ownerId: true } })).toEqual([{ ownerId: body.id }]);
  });

  it("[D1] nobody can sign in as its first owner, or set up in its name", async () => {
    await start();
    await ensureDemo({ db: server.runtime.db });
    expect(await setUp({ email: "demo@rested.invalid" })).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(await isSetupNeeded(server.runtime)).toBe(true);
  });
});
