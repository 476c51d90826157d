/** Tests the caller's own account: name, password, tokens. Sessions have a separate suite. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toDashboardHashContext } from "@/src/core/users/password-hasher";
import { authenticateUser } from "@/src/management/accounts/authenticate-user";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

const PASSWORD = "correct horse battery";
let server: ManageServer;
let ada: Person;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const { db, passwords } = server.runtime;
  const passwordHash = await passwords.hash(PASSWORD, toDashboardHashContext(null));
  await db.user.update({ where: { id: ada.id }, data: { passwordHash } });
});

describe("the account", () => {
  it("GET returns the account without the password", async () => {
    const answer = await ada.call("GET", "/api/manage/account");
    expect(answer.body).toEqual({ id: ada.id, name: `Ada${count}`, email: ada.email, role: "member", createdAt: expect.any(String) });
    expect(answer.text).not.toContain("argon2");
  });

  it("PATCH changes the name", async () => {
    expect(await ada.call("PATCH", "/api/manage/account", { body: { name: " Ada Lovelace " } })).toMatchObject({
      status: 200,
      body: { name: "Ada Lovelace" },
    });
    expect(await ada.call("PATCH", "/api/manage/account", { body: {} })).toMatchObject({ status: 200, body: { name: "Ada Lovelace" } });
    expect(await ada.call("PATCH", "/api/manage/account", { body: { name: " " } })).toMatchObject({
      status: 400,
      body: { fields: { name: "Enter your name." } },
    });
    expect(await ada.call("PATCH", "/api/manage/account", { body: { role: "admin" } })).toMatchObject({
      status: 400,
      body: { fields: { role: expect.any(String) } },
    });
  });
});

describe("the password", () => {
  const change = (currentPassword: string, newPassword: string) =>
    ada.call("POST", "/api/manage/account/password", { body: { currentPassword, newPassword } });
  const canSignIn = async (password: string) => {
    const { db, passwords, loginLimiter: limiter } = server.runtime;
    return (await authenticateUser({ db, passwords, limiter, email: ada.email, password, address: `10.0.0.${count}` })) !== null;
  };

  it("[G8] [G10] changes with the current one, and ends the sessions", async () => {
    const { db } = server.runtime;
    await db.session.create({ data: { userId: ada.id, expiresAt: new Date(Date.now() + 60_000) } });
    expect(await change(PASSWORD, "another good one")).toMatchObject({ status: 204, text: "" });
    expect(await canSignIn("another good one")).toBe(true);
    expect(await canSignIn(PASSWORD)).toBe(false);
    expect((await ada.call("GET", "/api/manage/account/sessions")).body).toEqual([]);
  });

  it("[G8] [G10] stays if the current one is wrong; attempts are limited", async () => {
    for (let n = 0; n < 5; n += 1) {
      expect(await change("wrong", "another good one")).toMatchObject({
        status: 403,
        body: { code: "current_password_wrong", fields: { currentPassword: expect.any(String) } },
      });
    }
    expect(await change(PASSWORD, "another good one")).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(await canSignIn(PASSWORD)).toBe(true);
  });

  it("is the same however a keyboard composes characters, and keeps its spaces", async () => {
    expect((await change(PASSWORD, "  caf\u00e9 au lait  ")).status).toBe(204);
    expect(await canSignIn("  cafe\u0301 au lait  ")).toBe(true);
    expect(await canSignIn("caf\u00e9 au lait")).toBe(false);
  });

  it("has 10 to 200 characters", async () => {
    expect(await change(PASSWORD, "short")).toMatchObject({ status: 400, body: { fields: { newPassword: "Use 10 characters or more." } } });
    expect(await change(PASSWORD, "x".repeat(201))).toMatchObject({
      status: 400,
      body: { fields: { newPassword: "Use 200 characters at most." } },
    });
  });
});

describe("tokens", () => {
  it("[G1] are returned once, and listed by their beginning", async () => {
    const made = await ada.call("POST", "/api/manage/account/tokens", { body: { name: "CI" } });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: "CI",
      token: expect.stringMatching(/^rst_[A-Za-z0-9_-]{43}$/),
      expiresAt: null,
      lastUsedAt: null,
    });
    expect(made.body.prefix).toBe(made.body.token.slice(0, 9));
    const list = await ada.call("GET", "/api/manage/account/tokens");
    const { token, ...listed } = made.body;
    expect(list.body[1]).toEqual(listed);
    expect(list.text).not.toContain(token);
    expect(list.text).not.toMatch(/hash/i);
  });

  it("[G1] end when they are revoked", async () => {
    const made = (await ada.call("POST", "/api/manage/account/tokens", { body: { name: "CI" } })).body;
    const headers = { authorization: `Bearer ${made.token}` };
    expect((await server.call("GET", "/api/manage/account", { headers })).status).toBe(200);
    expect((await ada.call("DELETE", `/api/manage/account/tokens/${made.id}`)).status).toBe(204);
    expect((await server.call("GET", "/api/manage/account", { headers })).status).toBe(401);
    expect((await ada.call("GET", "/api/manage/account/tokens")).body).toHaveLength(1);
    expect((await ada.call("DELETE", `/api/manage/account/tokens/${made.id}`)).status).toBe(404);
  });

  it("[G1] reject an expiry in the past", async () => {
    expect(await ada.call("POST", "/api/manage/account/tokens", { body: { name: "CI", expiresAt: "2020-01-01T00:00:00Z" } })).toMatchObject(
      {
        status: 400,
        body: { fields: { expiresAt: "Use a time in the future." } },
      },
    );
  });
});
