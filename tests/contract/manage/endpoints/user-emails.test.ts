/** Tests the settings and templates of e-mails to users (G25), and "Forgot your password?" of the dashboard (G26). */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toDashboardHashContext } from "@/src/core/users/password-hasher";
import { bodyOf, freshAddress } from "@/tests/support/clients/user-emails";
import { type MailServer, startMailServer, toSmtpConfig } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

const PUBLIC_URL = "http://rested.test:3000";
const PASSWORD = "the password of ada";
const NEW = "another password of ada";
let mails: MailServer;
let server: ManageServer;
let ada: Person;
let eve: Person;
let endpoint: string;
let project: string;
let count = 0;

beforeAll(async () => {
  mails = await startMailServer();
  server = await startManageServer({ ...toSmtpConfig(mails), publicUrl: PUBLIC_URL }, undefined, { ca: mails.ca });
});
afterAll(async () => {
  await server.stop();
  await mails.close();
});
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  eve = await server.createPerson(`Eve${count}`);
  const created = await ada.call("POST", "/api/manage/projects", {
    body: { name: "Weather", allowedOrigins: ["https://app.example.com"] },
  });
  project = created.body.id;
  endpoint = (await ada.call("POST", `/api/manage/projects/${project}/endpoints`, { body: { name: "users", kind: "authentication" } })).body
    .id;
});

const path = (more = "") => `/api/manage/endpoints/${endpoint}/user-emails${more}`;
const patch = (body: object) => ada.call("PATCH", path(), { body });
const TEMPLATE = { subject: "Hello", text: "Your link: {{link}}", html: null };

describe("settings", () => {
  it("[G25] are off at first, with default templates, and are kept", async () => {
    const { status, body } = await ada.call("GET", path());
    const off = { linkBase: null, verifyEmails: false, requireVerified: false, loginLinks: false, loginCodes: false };
    expect([status, body]).toMatchObject([
      200,
      { ...off, templates: { reset: null, verify: null, link: null, code: null }, canSend: true },
    ]);
    expect(body.defaults.reset.text).toContain("{{code}}");
    const on = {
      linkBase: "https://app.example.com/account",
      verifyEmails: true,
      requireVerified: true,
      loginLinks: true,
      loginCodes: true,
    };
    const saved = await patch({ ...on, templates: { reset: TEMPLATE } });
    expect(saved.body).toMatchObject({ ...on, templates: { reset: TEMPLATE, verify: null } });
    expect(saved.body.defaults.reset.text).toContain("{{link}}");
    expect((await patch({ templates: { reset: null } })).body).toMatchObject({ ...on, templates: { reset: null } });
  });

  it("[G25] [M3] say that nothing can be sent if the password of the mail server cannot be decrypted", async () => {
    const canSend = async () => (await ada.call("GET", path())).body.canSend;
    const configuration = { host: "127.0.0.1", port: 25, secure: false, from: "a@b.example", user: "ada", password: "hunter2" };
    await ada.call("PUT", `/api/manage/projects/${project}/email`, { body: configuration });
    expect(await canSend()).toBe(true);
    await server.runtime.db.projectEmail.update({ where: { projectId: project }, data: { password: new Uint8Array(64).fill(1) } });
    expect(await canSend()).toBe(false);
    expect((await patch({ loginCodes: true })).status).toBe(200);
    const tested = await ada.call("POST", `/api/manage/projects/${project}/email/test`, { body: { to: "a@b.example" } });
    expect(tested.body).toEqual({ accepted: false, response: "The stored password cannot be decrypted. Enter it again." });
  });

  it("[G25] reach every server's cache: the project's revision increases", async () => {
    const revision = async () => (await server.runtime.db.project.findUniqueOrThrow({ where: { id: project } })).revision;
    const before = await revision();
    await patch({ loginCodes: true });
    expect(await revision()).toBeGreaterThan(before);
  });

  it("[G25] [L12] the link's base must be on a listed origin", async () => {
    for (const [linkBase, problem] of [
      ["https://evil.example/", "Add https://evil.example to the project's allowed origins"],
      ["http://app.example.com/", "Add http://app.example.com"],
      ["https://app.example.com.evil.example/", "Add https://app.example.com.evil.example"],
      ["javascript:alert(1)", "absolute URL"],
      ["//app.example.com/", "absolute URL"],
      ["https://user:pw@app.example.com/", "Remove the user name and password"],
      [`https://app.example.com/${"x".repeat(500)}`, "500 characters"],
      ["https://app.example.com/\nx", "absolute URL"],
      [5, "Use a string."],
    ] as const) {
      const answer = await patch({ linkBase });
      expect(answer.body.code, String(linkBase)).toBe("fields_invalid");
      expect(answer.body.fields.linkBase).toContain(problem);
    }
  });

  it("[G25] [L12] templates are checked and bounded, and errors name the field", async () => {
    for (const [template, field, problem] of [
      [{ ...TEMPLATE, subject: "a\r\nBcc: eve@example.com" }, "subject", "line breaks"],
      [{ ...TEMPLATE, subject: " " }, "subject", "Enter a text."],
      [{ ...TEMPLATE, subject: "x".repeat(201) }, "subject", "200 characters"],
      [{ ...TEMPLATE, text: "no link" }, "text", "Insert {{link}} or {{code}}."],
      [{ ...TEMPLATE, text: "{{link}} {{user.password}}" }, "text", "{{user.password}} is not a variable"],
      [{ ...TEMPLATE, text: `{{link}}${"x".repeat(10_000)}` }, "text", "10000 characters"],
      [{ ...TEMPLATE, text: "{{link}}\u0000" }, "text", "control characters"],
      [{ ...TEMPLATE, html: "<p>nothing</p>" }, "html", "Insert {{link}} or {{code}}."],
      [{ ...TEMPLATE, html: `{{link}}${"x".repeat(50_000)}` }, "html", "50000 characters"],
      [{ ...TEMPLATE, more: 1 }, "more", "Unknown field."],
    ] as const) {
      const answer = await patch({ templates: { reset: template } });
      expect(answer.body.fields?.[`templates.reset.${field}`], answer.text).toContain(problem);
      if (field === "more") continue;
      const preview = await ada.call("POST", path("/preview"), { body: { kind: "reset", template } });
      expect(preview.body.fields[`template.${field}`]).toContain(problem);
    }
    expect((await patch({ templates: { code: TEMPLATE } })).body.fields["templates.code.text"]).toContain("{{link}} is not a variable");
    expect((await patch({ templates: { login: TEMPLATE } })).body.fields).toEqual({ "templates.login": "Unknown field." });
    expect((await patch({ requireVerified: true })).body.fields.requireVerified).toContain("verifyEmails");
    expect((await ada.call("GET", path())).body.templates).toEqual({ reset: null, verify: null, link: null, code: null });
  });

  it("[G25] previews have example values, and send nothing", async () => {
    const preview = (body: object) => ada.call("POST", path("/preview"), { body });
    const template = { subject: "{{project}}", text: "{{link}}", html: "<p>{{link}} {{code}}</p>" };
    const linkBase = "https://app.example.com/account?a=b";
    expect((await preview({ kind: "reset", template, linkBase })).body).toEqual({
      subject: "Weather",
      text: `https://app.example.com/account?a=b&reset=${"x".repeat(43)}`,
      html: `<p>https://app.example.com/account?a=b&amp;reset=${"x".repeat(43)} ${"x".repeat(43)}</p>`,
    });
    expect((await preview({ kind: "code" })).body.text).toContain("123456");
    expect((await preview({ kind: "reset", linkBase: "https://evil.example" })).body.fields.linkBase).toContain("allowed origins");
    expect(mails.arrived).toEqual([]);
  });

  it("[G25] [G6] belong to authentication endpoints of the account", async () => {
    for (const [method, more, body] of [
      ["GET", "", undefined],
      ["PATCH", "", {}],
      ["POST", "/preview", { kind: "reset" }],
    ] as const) {
      expect((await eve.call(method, path(more), { body })).body.code).toBe("not_found");
      const data = (await ada.call("POST", `/api/manage/projects/${project}/endpoints`, { body: { name: `data${method.toLowerCase()}` } }))
        .body.id;
      expect((await ada.call(method, path(more).replace(endpoint, data), { body })).body.code).toBe("not_found");
    }
  });
});

describe("“Forgot your password?”", () => {
  const forgot = (email: string, headers: Record<string, string> = {}) =>
    server.call("POST", "/api/manage/forgot", { body: { email }, headers: { "x-forwarded-for": freshAddress(), ...headers } });
  const reset = (token: string, more: object = {}) => server.call("POST", "/api/manage/reset", { body: { token, password: NEW, ...more } });
  const mailsTo = (email: string) => mails.mails.filter(({ to }) => to.includes(email));
  const mailTo = async (email: string, n = 0) => {
    await until("an e-mail", () => mailsTo(email).length > n);
    const mail = mailsTo(email)[n];
    if (!mail) throw new Error("There is no e-mail.");
    return bodyOf(mail);
  };
  const setPassword = async (password: string) => {
    const passwordHash = await server.runtime.passwords.hash(password, toDashboardHashContext(null));
    await server.runtime.db.user.update({ where: { id: ada.id }, data: { passwordHash } });
  };
  const requestToken = async (n = 1) => {
    expect((await forgot(ada.email.toUpperCase())).status).toBe(202);
    return /\/reset\?reset=([\w-]{43})/.exec(await mailTo(ada.email, n - 1))?.[1] ?? "";
  };
  const isPassword = async (password: string) => {
    const { authenticateUser } = await import("@/src/management/accounts/authenticate-user");
    const { db, passwords, loginLimiter: limiter } = server.runtime;
    return (await authenticateUser({ db, passwords, limiter, email: ada.email, password, address: `192.0.2.${count}` })) !== null;
  };

  beforeEach(() => setPassword(PASSWORD));

  it("[G26] sets a new password once and ends all sessions; tokens stay unless they are revoked", async () => {
    const { db } = server.runtime;
    await db.session.create({ data: { userId: ada.id, expiresAt: new Date(Date.now() + 3_600_000) } });
    const token = await requestToken();
    expect(await mailTo(ada.email)).toContain(`${PUBLIC_URL}/reset?reset=`);
    expect(await reset(token)).toMatchObject({ status: 204, text: "" });
    expect(await db.session.count({ where: { userId: ada.id, revokedAt: null } })).toBe(0);
    expect([await isPassword(PASSWORD), await isPassword(NEW)]).toEqual([false, true]);
    expect((await ada.call("GET", "/api/manage/account")).status).toBe(200);
    expect((await reset(token)).body.code).toBe("email_token_invalid");
    expect((await reset(await requestToken(2), { revokeTokens: true })).status).toBe(204);
    expect((await ada.call("GET", "/api/manage/account")).status).toBe(401);
  });

  it("[G26] of concurrent uses one succeeds, and only the hash of a token is stored", async () => {
    const token = await requestToken();
    const stored = await server.runtime.db.emailToken.findMany({ where: { accountId: ada.id } });
    expect(stored.map(({ hash }) => Buffer.from(hash).toString("hex"))).toEqual([createHash("sha256").update(token).digest("hex")]);
    const answers = await Promise.all(Array.from({ length: 4 }, () => reset(token)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 401, 401, 401]);
  });

  it("[G26] a token ends after an hour, with another one, and with a change of address or password", async () => {
    const { db } = server.runtime;
    const first = await requestToken();
    const second = await requestToken(2);
    expect((await reset(first)).body.code).toBe("email_token_invalid");
    await setPassword("changed in the meantime");
    expect((await reset(second)).body.code).toBe("email_token_invalid");
    const third = await requestToken(3);
    await db.user.update({ where: { id: ada.id }, data: { email: `new-${ada.email}` } });
    expect((await reset(third)).body.code).toBe("email_token_invalid");
    await db.user.update({ where: { id: ada.id }, data: { email: ada.email } });
    const fourth = await requestToken(4);
    server.advance(3_600_000);
    expect((await reset(fourth)).body.code).toBe("email_token_invalid");
  });

  it("[G26] is the same response for unknown addresses, accounts without a password, and injected hosts", async () => {
    await server.runtime.db.user.update({ where: { id: eve.id }, data: { passwordHash: null } });
    const evil = { "x-forwarded-host": "rested.test:3000", origin: "http://rested.test:3000", forwarded: "host=evil.example" };
    const answers = [];
    for (const email of [ada.email, eve.email, "nobody@example.com"]) answers.push(await forgot(email, evil));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(new Set(["202 {}"]));
    expect(await mailTo(ada.email)).not.toContain("evil");
    await server.runtime.emailQueue.serve();
    expect(mailsTo(eve.email)).toEqual([]);
    expect((await forgot("no address")).body.code).toBe("fields_invalid");
    expect((await reset("A".repeat(43), { password: "short" })).body.code).toBe("fields_invalid");
    for (const guess of ["A".repeat(43), "x"]) expect((await reset(guess)).body.code).toBe("email_token_invalid");
  });

  it("[G26] is limited by address: five e-mails an hour", async () => {
    const statuses = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await forgot(`limited-${count}@example.com`)).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
  });

  it("[G26] callers of one network cannot use up the limit of all", async () => {
    const from = async (address: string, n: number) =>
      (await forgot(`network-${count}-${n}@example.com`, { "x-forwarded-for": address })).status;
    const statuses = [];
    for (let n = 0; n < 32; n += 1) statuses.push(await from(`203.0.113.${n + 1}`, n));
    expect(statuses).toEqual([...Array(30).fill(202), 429, 429]);
    expect(await from("203.0.112.1", 100)).toBe(202);
  });

  it("[G26] a token of an application's user does not work for an account", async () => {
    const { db } = server.runtime;
    const register = await ada.call("POST", `/api/manage/endpoints/${endpoint}/records`, {
      body: { email: ada.email, password: PASSWORD },
    });
    const hash = new Uint8Array(createHash("sha256").update("B".repeat(43)).digest());
    const expiresAt = new Date(server.runtime.clock.now().getTime() + 60_000);
    await db.emailToken.create({ data: { hash, kind: "reset", appUserId: register.body.uniqueId, name: ada.email, expiresAt } });
    expect((await reset("B".repeat(43))).body.code).toBe("email_token_invalid");
  });
});
