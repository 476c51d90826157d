/** Tests signing in through next-auth's routes, and the resulting session (G1). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toDashboardHashContext } from "@/src/core/users/password-hasher";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import { type Answer, type Call, HOST, type ManageServer, ORIGIN, startManageServer } from "../../../support/servers/manage-server";

const PASSWORD = "correct horse battery";
const DAY_MS = 86_400_000;
let server: ManageServer;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());

/** An account with a password. */
async function createAccount(): Promise<{ id: string; email: string }> {
  count += 1;
  const email = `person${count}@example.com`;
  const { db, passwords } = server.runtime;
  const passwordHash = await passwords.hash(PASSWORD, toDashboardHashContext(null));
  const { id } = await db.user.create({ data: { name: `Person ${count}`, email, passwordHash } });
  return { id, email };
}

/** A browser: keeps cookies and sends the origin of its requests. */
function createBrowser(extra: Record<string, string> = {}) {
  const jar = new Map<string, string>();
  const call = async (method: string, path: string, options: Call = {}): Promise<Answer> => {
    const headers = {
      cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; "),
      "sec-fetch-site": "same-origin",
      ...extra,
      ...options.headers,
    };
    const answer = await server.call(method, path, { ...options, headers });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line) || value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  const form = async (path: string, fields: Record<string, string>) => {
    const { body } = await call("GET", "/api/auth/csrf");
    const bytes = new URLSearchParams({ csrfToken: body.csrfToken, json: "true", ...fields }).toString();
    return call("POST", path, { raw: { contentType: "application/x-www-form-urlencoded", bytes }, headers: { origin: ORIGIN } });
  };
  return {
    jar,
    call,
    signIn: (email: string, password = PASSWORD) => form("/api/auth/callback/credentials", { email, password, callbackUrl: "/projects" }),
    signOut: () => form("/api/auth/signout", { callbackUrl: "/login" }),
  };
}

describe("sign-in", () => {
  it("[U12] HEAD responds as GET does", async () => {
    for (const action of ["session", "csrf", "providers"]) {
      const { status, headers } = await createBrowser().call("HEAD", `/api/auth/${action}`);
      expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
    }
  });

  it("[G1] sets an HttpOnly cookie that opens the management API", async () => {
    const { id, email } = await createAccount();
    const browser = createBrowser({ "user-agent": "Test/1" });
    const answer = await browser.signIn(` ${email.toUpperCase()} `);
    expect(answer).toMatchObject({ status: 200, body: { url: `${ORIGIN}/projects` } });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith("rested.session="));
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Lax/);
    expect(cookie).toMatch(/; Path=\//);
    expect(cookie).not.toMatch(/Secure|Domain/);
    expect(await browser.call("GET", "/api/manage/account")).toMatchObject({ status: 200, body: { id, email } });
    expect((await browser.call("GET", "/api/manage/account/sessions")).body).toMatchObject([
      { userAgent: "Test/1", address: "192.0.2.1", current: true },
    ]);
  });

  it("[G1] over HTTPS sets cookies that no other host can set, and accepts none without the prefix", async () => {
    const { email } = await createAccount();
    const browser = createBrowser({ "x-forwarded-proto": "https" });
    const answer = await browser.signIn(email);
    expect(answer.body).toEqual({ url: `https://${HOST}/projects` });
    const [session, ...others] = answer.headers.getSetCookie().filter((line) => /session=/.test(line));
    expect(session).toMatch(/^__Host-rested\.session=.*; Path=\/.*; Secure/);
    expect(session).not.toMatch(/Domain/);
    expect(others).toEqual([]);
    expect([...browser.jar.keys()].sort()).toEqual(["__Host-rested.callback", "__Host-rested.csrf", "__Host-rested.session"]);
    expect((await browser.call("GET", "/api/manage/account")).status).toBe(200);
    const planted = { cookie: `rested.session=${browser.jar.get("__Host-rested.session")}`, "sec-fetch-site": "same-origin" };
    expect(await server.call("GET", "/api/manage/account", { headers: { ...planted, "x-forwarded-proto": "https" } })).toMatchObject({
      status: 401,
      body: { code: "session_missing" },
    });
  });

  it("[G1] with a wrong password, an unknown address or no credentials is the same 401 without a cookie", async () => {
    const { email } = await createAccount();
    const answers = [];
    for (const [who, password] of [
      [email, "wrong password"],
      ["nobody@example.com", PASSWORD],
      ["", ""],
      ["x".repeat(10_000), PASSWORD],
    ] as const) {
      answers.push(await createBrowser({ "x-forwarded-for": "192.0.2.9" }).signIn(who, password));
    }
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(new URL(answer.body.url).searchParams.get("error")).toBe("CredentialsSignin");
      expect(answer.headers.getSetCookie().some((line) => line.startsWith("rested.session="))).toBe(false);
    }
    expect(await server.runtime.db.session.count({ where: { user: { email } } })).toBe(0);
  });

  it("[G1] of an account without a password fails", async () => {
    const { email } = await server.createPerson(`Token${++count}`);
    expect((await createBrowser().signIn(email, "")).status).toBe(401);
    expect((await createBrowser().signIn(email, PASSWORD)).status).toBe(401);
  });

  it("[G1] needs next-auth's CSRF token", async () => {
    const { email } = await createAccount();
    const bytes = new URLSearchParams({ email, password: PASSWORD, json: "true", csrfToken: "made-up" }).toString();
    const browser = createBrowser();
    await browser.call("POST", "/api/auth/callback/credentials", { raw: { contentType: "application/x-www-form-urlencoded", bytes } });
    expect(browser.jar.has("rested.session")).toBe(false);
  });

  it("[G1] from another site is refused before anything else", async () => {
    const answer = await server.call("POST", "/api/auth/callback/credentials", { body: {}, headers: { origin: "https://evil.example" } });
    expect(answer).toMatchObject({ status: 403, body: { code: "cross_site_request" } });
  });

  it("[G1] from this dashboard behind a proxy that changes the host is refused with the setting to change, and logged", async () => {
    const path = "/api/auth/callback/credentials";
    for (const site of [{}, { "sec-fetch-site": "same-origin" }]) {
      const headers = { origin: "https://rested.example.com", host: "10.0.0.5:3000", ...site };
      const answer = await server.call("POST", path, { body: {}, headers });
      expect(answer).toMatchObject({ status: 403, body: { code: "cross_site_request" } });
      for (const named of ["https://rested.example.com", "10.0.0.5:3000", "RESTED_PUBLIC_URL", "TRUST_PROXY"]) {
        expect(answer.body.detail).toContain(named);
      }
      expect(server.logged.at(-1)).toMatchObject({ context: { requestId: answer.body.requestId, code: "cross_site_request" } });
    }
    // The browser states that the page belongs to another site: there is nothing to configure, and attackers must not be able to fill the log.
    const before = server.logged.length;
    const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await server.call("POST", path, { body: {}, headers })).body.detail).not.toContain("TRUST_PROXY");
    expect(server.logged.length).toBe(before);
  });

  it("does not follow a callbackUrl to another site", async () => {
    const { email } = await createAccount();
    const browser = createBrowser();
    const { body } = await browser.call("GET", "/api/auth/csrf");
    const fields = { csrfToken: body.csrfToken, json: "true", email, password: PASSWORD, callbackUrl: "https://evil.example/" };
    const bytes = new URLSearchParams(fields).toString();
    const answer = await browser.call("POST", "/api/auth/callback/credentials", {
      raw: { contentType: "application/x-www-form-urlencoded", bytes },
    });
    expect(answer.body).toEqual({ url: ORIGIN });
  });

  it.each(["/api/auth/_log", "/api/auth/nothing", "/api/auth/verify-request"])("%s is 404", async (path) => {
    expect(await server.call("POST", path, { body: { level: "error", code: "x" } })).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
  });

  it("[E1] responds with 405 and Allow to a sign-in that is not a POST", async () => {
    const answer = await server.call("GET", "/api/auth/callback/credentials");
    expect(answer).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
    expect(answer.headers.get("allow")).toBe("POST");
  });

  it("responds with 405 and Allow to methods that next-auth does not support", async () => {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const answer = await server.call(method, "/api/auth/session");
      expect(answer).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
      expect(answer.headers.get("allow")).toBe("GET, HEAD, POST");
    }
  });

  it("broken and oversized bodies are refused", async () => {
    const path = "/api/auth/callback/credentials";
    expect((await server.call("POST", path, { raw: { contentType: "application/json", bytes: "{" } })).body.code).toBe("body_invalid");
    expect(
      (await server.call("POST", path, { raw: { contentType: "application/x-www-form-urlencoded", bytes: `a=${"x".repeat(20_000)}` } }))
        .body.code,
    ).toBe("body_too_large");
  });
});

describe("limits", () => {
  it("[G1] [G10] after five failures an address cannot try an account for a while, even with the right password; others can", async () => {
    const { email } = await createAccount();
    const from = (address: string) => createBrowser({ "x-forwarded-for": address });
    for (let n = 0; n < 5; n += 1) expect((await from("198.51.100.7").signIn(email, "wrong password")).status).toBe(401);
    const limited = await from("198.51.100.7").signIn(email);
    expect(limited).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(new URL(limited.body.url).searchParams.get("error")).toBe("rate_limited");
    expect((await from("198.51.100.8").signIn(email)).status).toBe(200);
  });

  it("[G1] parallel attempts cannot exceed the limit", async () => {
    const { email } = await createAccount();
    const browser = createBrowser({ "x-forwarded-for": "198.51.100.20" });
    await browser.call("GET", "/api/auth/csrf");
    const answers = await Promise.all(Array.from({ length: 12 }, () => browser.signIn(email, "wrong password")));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(7);
  });

  it("[G1] a success resets the account's count", async () => {
    const { email } = await createAccount();
    const browser = createBrowser({ "x-forwarded-for": "198.51.100.30" });
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < 4; n += 1) expect((await browser.signIn(email, "wrong password")).status).toBe(401);
      expect((await browser.signIn(email)).status).toBe(200);
    }
  });

  it("[G1] one address cannot try many accounts, and a /64 counts as one address", async () => {
    const limiter = createLoginLimiter();
    const attempt = (n: number) => limiter.begin({ account: `person${n}@example.com`, address: `2001:db8::${n.toString(16)}` });
    for (let n = 1; n <= 50; n += 1) await attempt(n);
    await expect(attempt(51)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: expect.any(Number) });
    await limiter.begin({ account: "person51@example.com", address: "2001:db8:0:1::1" });
  });
});

describe("a session", () => {
  const signedIn = async (extra?: Record<string, string>) => {
    const account = await createAccount();
    const browser = createBrowser(extra);
    expect((await browser.signIn(account.email)).status).toBe(200);
    return { ...account, browser };
  };
  const status = async (browser: ReturnType<typeof createBrowser>) => (await browser.call("GET", "/api/manage/account")).status;

  it("[G1] is not accepted from a page of another account", async () => {
    const { id, browser } = await signedIn();
    const other = await createAccount();
    const from = (account: string) => browser.call("GET", "/api/manage/account", { headers: { "x-rested-account": account } });
    expect(await from(id)).toMatchObject({ status: 200, body: { id } });
    for (const account of [other.id, "", "x"])
      expect(await from(account)).toMatchObject({ status: 409, body: { code: "account_mismatch" } });
  });

  it("[G1] ends at sign-out: the cookie is invalid, even if it is kept", async () => {
    const { id, browser } = await signedIn();
    const invalidated: string[] = [];
    const stop = server.runtime.signIns.onInvalidate((userId) => invalidated.push(userId));
    const kept = browser.jar.get("rested.session") ?? "";
    expect((await browser.signOut()).status).toBe(200);
    stop();
    // Its console streams end too (W6).
    expect(invalidated).toEqual([id]);
    expect(browser.jar.has("rested.session")).toBe(false);
    browser.jar.set("rested.session", kept);
    expect(await browser.call("GET", "/api/manage/account")).toMatchObject({ status: 401, body: { code: "session_missing" } });
    expect((await browser.call("GET", "/api/auth/session")).body).toEqual({});
    expect(browser.jar.has("rested.session")).toBe(false);
  });

  it.each(["ended", "nonsense"])("[G1] sign-out with an invalid cookie clears it: %s", async (kind) => {
    const { browser } = await signedIn();
    const kept = browser.jar.get("rested.session") ?? "";
    await browser.signOut();
    browser.jar.set("rested.session", kind === "ended" ? kept : "nonsense");
    expect((await browser.signOut()).status).toBe(200);
    expect(browser.jar.has("rested.session")).toBe(false);
  });

  it("[G1] can be ended from another one, and fails at the next request", async () => {
    const { email, browser } = await signedIn();
    const other = createBrowser();
    await other.signIn(email);
    const list = (await browser.call("GET", "/api/manage/account/sessions")).body;
    expect(list).toHaveLength(2);
    const { id } = list.find((session: { current: boolean }) => !session.current);
    expect((await browser.call("DELETE", `/api/manage/account/sessions/${id}`)).status).toBe(204);
    expect(await status(other)).toBe(401);
    expect(await status(browser)).toBe(200);
    expect((await browser.call("DELETE", `/api/manage/account/sessions/${id}`)).status).toBe(404);
  });

  it("[G1] ends after 30 days", async () => {
    const { browser } = await signedIn();
    server.advance(29 * DAY_MS);
    expect(await status(browser)).toBe(200);
    server.advance(DAY_MS);
    expect(await status(browser)).toBe(401);
    server.advance(-30 * DAY_MS);
  });

  it("[G1] ends when the account is deleted", async () => {
    const { id, browser } = await signedIn();
    await server.runtime.db.user.delete({ where: { id } });
    expect(await status(browser)).toBe(401);
  });

  it("[G1] is rejected if the cookie was made with another secret, or forged", async () => {
    const { browser } = await signedIn();
    for (const forged of ["", "x", "a.b.c.d.e", `${browser.jar.get("rested.session")?.slice(0, -4)}AAAA`]) {
      browser.jar.set("rested.session", forged);
      expect(await status(browser)).toBe(401);
    }
  });

  it("[G1] records when it was last used, at most once a minute", async () => {
    const { id, browser } = await signedIn();
    const seen = async () => {
      await browser.call("GET", "/api/manage/account");
      return (await server.runtime.db.session.findFirstOrThrow({ where: { userId: id } })).lastSeenAt.getTime();
    };
    const first = await seen();
    server.advance(59_000);
    expect(await seen()).toBe(first);
    server.advance(2000);
    expect(await seen()).toBeGreaterThan(first);
  });

  it("[G1] contains nothing personal in its cookie, and returns little to the browser", async () => {
    const { email, browser } = await signedIn();
    const answer = await browser.call("GET", "/api/auth/session");
    expect(answer.body).toEqual({ user: { name: expect.any(String), email }, expires: expect.any(String) });
  });

  it("[E3] survives an unavailable database: 503, and the cookie stays", async () => {
    const { browser } = await signedIn();
    const { runtime } = server;
    const original = runtime.db;
    const { AppError } = await import("@/src/shared/errors");
    Object.assign(runtime, {
      db: Object.setPrototypeOf({ $queryRaw: () => Promise.reject(new AppError("database_unavailable")) }, original),
    });
    const answer = await browser.call("GET", "/api/auth/session");
    Object.assign(runtime, { db: original });
    expect(answer).toMatchObject({ status: 503, body: { code: "database_unavailable" } });
    expect(answer.headers.get("retry-after")).toBe("2");
    expect(await status(browser)).toBe(200);
  });

  describe("[G1] is accepted only from the dashboard's own pages", () => {
    const write = (browser: ReturnType<typeof createBrowser>, headers: Record<string, string>) =>
      browser.call("POST", "/api/manage/projects", { body: { name: "Weather" }, headers });

    it.each([
      [{ "sec-fetch-site": "same-origin" }, 201],
      [{ "sec-fetch-site": "same-origin", origin: ORIGIN }, 201],
      [{ "sec-fetch-site": "cross-site", origin: "https://evil.example" }, 403],
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ "sec-fetch-site": "same-site", origin: "http://rested.test:4000" }, 403],
      [{ "sec-fetch-site": "none" }, 403],
      [{ "sec-fetch-site": "same-origin", origin: "https://evil.example" }, 403],
    ])("a write with %j is %i", async (headers, expected) => {
      const { id, browser } = await signedIn();
      const answer = await write(browser, headers);
      expect(answer.status).toBe(expected);
      if (expected === 403) expect(answer.body.code).toBe("cross_site_request");
      expect(await server.runtime.db.project.count({ where: { ownerId: id } })).toBe(expected === 201 ? 1 : 0);
    });

    it.each([
      [ORIGIN, 201],
      [`https://${HOST}`, 201],
      ["http://rested.test", 403],
      ["http://rested.test:4000", 403],
      ["https://rested.test:3000.evil.example", 403],
      ["null", 403],
      [undefined, 403],
    ])("a write of a browser without Sec-Fetch-Site and with the origin %s is %i", async (origin, expected) => {
      const { email } = await createAccount();
      const browser = createBrowser();
      await browser.signIn(email);
      const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const headers: Record<string, string> = origin === undefined ? { cookie } : { cookie, origin };
      expect((await server.call("POST", "/api/manage/projects", { body: { name: "Weather" }, headers })).status).toBe(expected);
    });

    it.each([
      ["same-origin", 200],
      ["none", 200],
      ["same-site", 403],
      ["cross-site", 403],
    ])("a read with Sec-Fetch-Site: %s is %i", async (site, expected) => {
      const { browser } = await signedIn();
      expect((await browser.call("GET", "/api/manage/projects", { headers: { "sec-fetch-site": site } })).status).toBe(expected);
    });
  });
});
