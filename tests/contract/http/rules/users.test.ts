/** Tests access rules of authentication endpoints (S7, L): they can open accounts for reading, and restrict every operation but login and logout. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRuledWorld, type RuledWorld } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const PASSWORD = "long enough";
const people = (rules: Parameters<typeof createRuledWorld>[1]) => createRuledWorld(server, rules, "people");

async function register({ ask }: RuledWorld, username: string, data: object = {}) {
  return ask("nobody", "POST", { body: { username, password: PASSWORD, ...data } });
}

/** Registers and logs in. Returns the id, the header with the token, and the login's response. */
async function enter(ruled: RuledWorld, username: string, data: object = {}) {
  const registered = await register(ruled, username, data);
  const login = await ruled.ask("nobody", "POST", { query: "&login=true&noATCookie=true", body: { username, password: PASSWORD } });
  const id: string = registered.body.uniqueId;
  return { id, login, registered, headers: { Authorization: login.headers.get("authorization") ?? "" } };
}

describe("users", () => {
  it("[S7] [L4] a rule can let users read each other, but never change or delete", async () => {
    const ruled = await people({ read: "@user.id exists", update: "true", delete: "true" });
    const { ask, world } = ruled;
    const query = `&uniqueId=${world.users.bob.id}`;
    expect((await ask("ann", "GET")).body).toHaveLength(2);
    expect((await ask("ann", "GET", { query })).status).toBe(200);
    expect((await ask("ann", "PUT", { query, body: { a: 1 } })).body.code).toBe("access_denied");
    expect((await ask("ann", "PUT", { query, body: { password: "another one" } })).body.code).toBe("access_denied");
    expect((await ask("ann", "DELETE", { query })).body.code).toBe("access_denied");
    expect((await ask("nobody", "GET")).body.code).toBe("access_token_missing");
    expect((await ask("sue", "GET")).body.code).toBe("access_token_invalid");
  });

  it("[S7] without a rule for reading, users read only their own record", async () => {
    const { ask, world } = await people({ update: "@input.name exists" });
    expect((await ask("ann", "GET")).body).toHaveLength(1);
    expect((await ask("ann", "GET", { query: `&uniqueId=${world.users.bob.id}` })).body.code).toBe("access_denied");
  });

  it("[S7] [L1] registration is judged as creating, without the password; logins are not judged", async () => {
    const ruled = await people({ create: '@input.invitation = "yes" & @input.password missing', read: "false" });
    expect((await register(ruled, "carl")).body.code).toBe("access_denied");
    // The name is not taken.
    const { login, registered, id } = await enter(ruled, "carl", { invitation: "yes" });
    expect([registered.status, Object.keys(registered.body)]).toEqual([201, ["uniqueId", "updatedAt"]]);
    expect([login.status, login.body]).toEqual([200, { uniqueId: id }]);
    const stale = { Cookie: "__Secure-rested-access-token=bad" };
    const again = await ruled.ask("nobody", "POST", {
      query: "&login=true",
      body: { username: "carl", password: PASSWORD },
      headers: stale,
    });
    expect(again.status).toBe(200);
  });

  it("[S7] registration and login show the record as its user may read it", async () => {
    const ruled = await people({ hide: ["score", "badge unless @owner = @user.id", 'internal unless @user.data.role = "admin"'] });
    const data = { score: "secret-1", badge: "b", internal: "secret-2" };
    const { login, registered } = await enter(ruled, "dora", data);
    expect(registered.body.data).toEqual({ username: "dora", badge: "b" });
    expect(login.body.data).toEqual({ username: "dora", badge: "b" });
    const admin = await enter(ruled, "erin", { ...data, role: "admin" });
    expect(admin.login.body.data).toEqual({ username: "erin", role: "admin", badge: "b", internal: "secret-2" });
  });

  it("[S7] [L4] users cannot remove a hidden field of their own record, whatever they send", async () => {
    const ruled = await people({ create: "@input.banned missing", update: "@owner = @user.id", hide: ["banned"] });
    const { id, headers } = await enter(ruled, "finn");
    await ruled.ask("master", "PUT", { query: `&uniqueId=${id}&strategy=merge`, body: { banned: true } });
    for (const strategy of ["force", "replace", "merge"]) {
      const query = `&uniqueId=${id}&strategy=${strategy}`;
      expect((await ruled.ask("nobody", "PUT", { query, headers, body: { n: strategy } })).status).toBe(200);
      expect((await ruled.ask("nobody", "PUT", { query, headers, body: { email: `${strategy}@example.com` } })).status).toBe(200);
      expect((await ruled.ask("nobody", "PUT", { query, headers, body: { banned: null } })).status).toBe(403);
      expect(await ruled.dataOf(id)).toMatchObject({ banned: true });
    }
  });

  it("[S7] [L4] a change is judged by its body without passwords, and keeps hidden fields", async () => {
    const ruled = await people({
      update: "@input.password missing & @input.currentPassword missing & @input.role missing",
      hide: ["score", "username"],
    });
    const { id, headers } = await enter(ruled, "finn", { score: 7 });
    const put = (strategy: string, body: object, more = {}) =>
      ruled.ask("nobody", "PUT", { query: `&uniqueId=${id}&strategy=${strategy}`, body, headers: { ...headers, ...more } });
    for (const strategy of ["force", "merge", "replace"]) {
      expect((await put(strategy, { role: "admin" })).body.code).toBe("access_denied");
      expect((await put(strategy, { score: 8 })).body.code).toBe("access_denied");
      expect((await put(strategy, { score: 8 }, { "If-Match": '"77"' })).body.code).toBe("access_denied");
      expect((await put(strategy, { a: 1 }, { "If-Match": '"77"' })).body.code).toBe("version_conflict");
      const changed = await put(strategy, { [strategy]: 1, password: PASSWORD });
      expect([changed.status, changed.body.data?.score, changed.body.data?.[strategy]]).toEqual([200, undefined, 1]);
      expect(await ruled.dataOf(id)).toMatchObject({ username: "finn", score: 7, [strategy]: 1 });
    }
    expect((await put("force", { password: "a new one", currentPassword: PASSWORD })).status).toBe(200);
    expect(await ruled.dataOf(id)).toMatchObject({ username: "finn", score: 7 });
  });

  it("[S7] [L4] a user can delete the own account only if the rule allows it", async () => {
    const ruled = await people({ delete: "data.leaving = true" });
    const { id, headers } = await enter(ruled, "gina");
    const query = `&uniqueId=${id}`;
    expect((await ruled.ask("nobody", "DELETE", { query, headers })).body.code).toBe("access_denied");
    await ruled.ask("nobody", "PUT", { query: `${query}&strategy=merge`, body: { leaving: true }, headers });
    const deleted = await ruled.ask("nobody", "DELETE", { query, headers });
    expect([deleted.status, deleted.body.uniqueId]).toEqual([200, id]);
    expect((await ruled.ask("nobody", "GET", { query, headers })).body.code).toBe("access_token_invalid");
  });
});
