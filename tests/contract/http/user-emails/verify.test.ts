/** Tests verified addresses (L10): who may set them, what a change of the address does, and logins that need one. */
import { beforeEach, describe, expect, it } from "vitest";
import {
  createEmailsEndpoint,
  EMAIL,
  type EmailsEndpoint,
  MASTER_KEY,
  secretOf,
  setUpEmails,
  tokenOf,
} from "@/tests/support/clients/user-emails";
import { PASSWORD } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import type { DataServer } from "@/tests/support/servers/data-server";
import type { MailServer } from "@/tests/support/servers/mail-server";

let mails: MailServer;
let server: DataServer;
let users: EmailsEndpoint;

setUpEmails({ verifyEmails: true }, (world) => {
  ({ mails, server, users } = world);
});

const MASTER = { "X-Master-Key": MASTER_KEY };
const put = (id: string, headers: Record<string, string>, body: object | string, strategy = "merge") =>
  fetch(`${server.origin}${users.seed.path}&uniqueId=${id}&strategy=${strategy}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const logIn = async (email = EMAIL, password = PASSWORD) => bearer(tokenOf(await users.logIn(email, password)));
const verify = (token: string) => users.post("verify=true", { token });
const verifyMail = async (email = EMAIL) => secretOf(await users.nextMail(email), "verify");

describe("a registration", () => {
  it("[L10] sends a token, whose use sets data.emailVerified, once and as a change of the record", async () => {
    const id = await users.register(EMAIL, { name: "Ada" });
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, name: "Ada", emailVerified: false });
    const token = await verifyMail();
    const before = await server.count(users.seed);
    const done = await verify(token);
    expect([done.status, await done.text()]).toEqual([200, "{}"]);
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, name: "Ada", emailVerified: true });
    expect(await server.count(users.seed)).toEqual({ records: 1, changes: before.changes + 1 });
    await expectProblem(await verify(token), "email_token_invalid");
    // The user's sessions and password stay.
    expect((await users.logIn()).status).toBe(200);
  });

  it("[L10] of a user cannot set emailVerified, however it is spelled", async () => {
    for (const [n, more] of [
      '"emailVerified":true',
      '"email\\u0056erified":true',
      '"emailVerified":"yes"',
      '"emailVerified":true,"emailVerified":true',
    ].entries()) {
      const email = `user-${n}@example.com`;
      const answer = await users.post("", `{"email":"${email}","password":"${PASSWORD}",${more}}`);
      const record: { uniqueId: string; data: object } = await answer.json();
      expect(record.data).toEqual({ email, emailVerified: false });
      expect(await users.dataOf(record.uniqueId)).toEqual({ email, emailVerified: false });
    }
    // Also where addresses are not verified, so that the field can be trusted later.
    users = await createEmailsEndpoint(server, mails);
    const id = await users.register(EMAIL, { emailVerified: true });
    expect(await users.dataOf(id)).toEqual({ email: EMAIL });
    const named: { data: object } = await (await users.post("", { username: "ada", password: PASSWORD, emailVerified: true })).json();
    expect(named.data).toEqual({ username: "ada" });
  });

  it("[L10] with the master key sets it, and then sends no e-mail", async () => {
    const trusted = await users.post("", { email: EMAIL, password: PASSWORD, emailVerified: true }, MASTER);
    expect(await trusted.json()).toMatchObject({ data: { email: EMAIL, emailVerified: true } });
    await server.emailQueue.serve();
    expect((await server.pool.query(`SELECT 1 FROM "EmailRequest" WHERE "scopeId" = $1`, [users.seed.endpointId])).rowCount).toBe(0);
    const invalid = await users.post("", { email: "bob@example.com", password: PASSWORD, emailVerified: "yes" }, MASTER);
    expect(await invalid.json()).toMatchObject({ code: "credentials_invalid", fields: { emailVerified: "Use true or false." } });
    const named = await users.post("", { username: "bob", password: PASSWORD, emailVerified: true }, MASTER);
    expect(await named.json()).toMatchObject({ code: "credentials_invalid", fields: { emailVerified: expect.any(String) } });
  });

  it("[L1] [L10] two spellings of one address are one user, so that none can take the other over", async () => {
    await users.register(EMAIL);
    for (const email of ["ADA@EXAMPLE.COM", "ａｄａ@example.com", "ada@ｅxample.com", "ada@example。com".replace("。", ".")])
      await expectProblem(await users.post("", { email, password: PASSWORD }), "username_taken");
    await expectProblem(await users.post("", { username: EMAIL, password: PASSWORD }), "username_taken");
    // The e-mail goes to the address in the form that is unique.
    const id = await users.register("Ｂob@Example.com");
    expect(await users.dataOf(id)).toMatchObject({ email: "Ｂob@Example.com" });
    expect((await verify(await verifyMail("bob@example.com"))).status).toBe(200);
  });

  it("[L10] an address with the syntax of a header receives nothing", async () => {
    for (const email of ["ada<eve@example.com", "a,eve@example.com", '"ada"@example.com', "ada@example.com>"]) {
      const answer = await users.post("", { email, password: PASSWORD });
      expect(answer.status, email).toBe(201);
    }
    await server.emailQueue.serve();
    expect(
      (
        await server.pool.query(`SELECT 1 FROM "EmailToken" t JOIN "AppUser" u ON u.id = t."appUserId" WHERE u."endpointId" = $1`, [
          users.seed.endpointId,
        ])
      ).rowCount,
    ).toBe(0);
  });
});

describe("another e-mail", () => {
  it("[L10] can be requested, and replaces the first; a verified address receives none", async () => {
    await users.register();
    const first = await verifyMail();
    const second = await users.requestSecret("verify");
    await expectProblem(await verify(first), "email_token_invalid");
    expect((await verify(second)).status).toBe(200);
    expect((await users.post("verify=true", { email: EMAIL })).status).toBe(202);
    await server.emailQueue.serve();
    expect(
      (
        await server.pool.query(`SELECT 1 FROM "EmailToken" t JOIN "AppUser" u ON u.id = t."appUserId" WHERE u."endpointId" = $1`, [
          users.seed.endpointId,
        ])
      ).rowCount,
    ).toBe(0);
  });

  it("[L9] the count of requests does not show that somebody has just registered", async () => {
    await users.register();
    await verifyMail();
    for (const email of [EMAIL, "nobody@example.com"]) {
      for (let n = 0; n < 5; n += 1) expect((await users.post("verify=true", { email })).status).toBe(202);
      await expectProblem(await users.post("verify=true", { email }), "rate_limited");
    }
  });
});

describe("a change", () => {
  it("[L10] of the address clears emailVerified and sends a token; the old token ends", async () => {
    const id = await users.register();
    const old = await verifyMail();
    const user = await logIn();
    expect((await put(id, user, { email: "ada@elsewhere.example" })).status).toBe(200);
    await expectProblem(await verify(old), "email_token_invalid");
    const token = await verifyMail("ada@elsewhere.example");
    expect((await verify(token)).status).toBe(200);
    expect(await users.dataOf(id)).toEqual({ email: "ada@elsewhere.example", emailVerified: true });
    for (const strategy of ["merge", "force", "replace"]) {
      const email = `ada@${strategy}.example`;
      expect((await put(id, user, { email, emailVerified: true }, strategy)).status, strategy).toBe(200);
      expect(await users.dataOf(id)).toEqual({ email, emailVerified: false });
      expect((await verify(await verifyMail(email))).status).toBe(200);
      expect(await users.dataOf(id)).toEqual({ email, emailVerified: true });
    }
  });

  it("[L10] of other fields keeps emailVerified with each strategy, whatever the user sends", async () => {
    const id = await users.register();
    await verify(await verifyMail());
    const user = await logIn();
    for (const strategy of ["merge", "force", "replace"])
      for (const sent of [{}, { emailVerified: false }, { emailVerified: null }, { emailVerified: true }]) {
        expect((await put(id, user, { note: strategy, ...sent }, strategy)).status).toBe(200);
        expect(await users.dataOf(id)).toEqual({ email: EMAIL, note: strategy, emailVerified: true });
      }
    expect((await put(id, user, { email: "Ada@Example.com" })).status).toBe(200);
    expect(await users.dataOf(id)).toEqual({ email: "Ada@Example.com", note: "replace", emailVerified: true });
    await put(id, user, { username: "ada" }, "replace");
    expect(await users.dataOf(id)).toEqual({ username: "ada" });
    await put(id, user, { email: EMAIL }, "replace");
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, emailVerified: false });
  });

  it("[L10] by a user who is not verified cannot set it", async () => {
    const id = await users.register();
    const user = await logIn();
    for (const strategy of ["merge", "force", "replace"]) {
      await put(id, user, `{"emailVerified":true,"email\\u0056erified":true,"n":1}`, strategy);
      expect(await users.dataOf(id)).toEqual({ email: EMAIL, n: 1, emailVerified: false });
    }
  });

  it("[L10] with the master key sets and clears it", async () => {
    const id = await users.register();
    expect((await put(id, MASTER, { emailVerified: true })).status).toBe(200);
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, emailVerified: true });
    expect((await put(id, MASTER, { emailVerified: false })).status).toBe(200);
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, emailVerified: false });
  });

  it("[L10] concurrent with a verification keeps both", async () => {
    const id = await users.register();
    const user = await logIn();
    const token = await verifyMail();
    const changes = Array.from({ length: 6 }, (_, n) => put(id, user, { [`n${n}`]: n }));
    const answers = await Promise.all([...changes, verify(token)]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, emailVerified: true, n0: 0, n1: 1, n2: 2, n3: 3, n4: 4, n5: 5 });
  });

  it("[L10] of the address, repeated, sends at most three e-mails an hour to one address", async () => {
    const id = await users.register();
    const user = await logIn();
    for (let n = 0; n < 6; n += 1) {
      expect((await put(id, user, { email: "victim@example.com" })).status).toBe(200);
      await server.emailQueue.serve();
      expect((await put(id, user, { email: `ada-${n}@example.com` })).status).toBe(200);
      await server.emailQueue.serve();
    }
    await users.nextMail("ada-5@example.com");
    expect(mails.mails.filter(({ to }) => to.includes("victim@example.com")).length).toBeLessThanOrEqual(3);
  });
});

describe("requireVerified", () => {
  beforeEach(async () => {
    users = await createEmailsEndpoint(server, mails, { verifyEmails: true, requireVerified: true });
  });

  it("[L10] refuses a login before, after the right password only, and allows it afterwards", async () => {
    await users.register();
    await expectProblem(await users.logIn(EMAIL, "wrong password"), "login_failed");
    await expectProblem(await users.logIn("nobody@example.com"), "login_failed");
    await expectProblem(await users.logIn(), "email_not_verified");
    await verify(await verifyMail());
    expect((await users.logIn()).status).toBe(200);
  });

  it("[L10] data that only claims to be verified does not count", async () => {
    const id = await users.register();
    await server.pool.query(`UPDATE "Record" SET data = '{"email":"${EMAIL}","emailVerified":true}' WHERE id = $1`, [id]);
    await expectProblem(await users.logIn(), "email_not_verified");
  });

  it("[L10] after a change of the address, the next login needs the new one", async () => {
    const id = await users.register();
    await verify(await verifyMail());
    const user = await logIn();
    expect((await put(id, user, { email: "ada@elsewhere.example" })).status).toBe(200);
    await expectProblem(await users.logIn("ada@elsewhere.example"), "email_not_verified");
  });

  it("[L10] usernames are refused, but not from the application's back end", async () => {
    const refused = await users.post("", { username: "ada", password: PASSWORD });
    expect(await refused.json()).toMatchObject({ code: "credentials_invalid", fields: { username: expect.any(String) } });
    expect((await users.post("", { username: "ada", password: PASSWORD }, MASTER)).status).toBe(201);
    await expectProblem(await users.post("login=true", { username: "ada", password: PASSWORD }), "email_not_verified");
    const id = await users.register();
    await verify(await verifyMail());
    expect((await put(id, await logIn(), { username: "ada2" })).status).toBe(400);
  });

  it("[L8] [L10] a reset proves the address too", async () => {
    const id = await users.register();
    await verifyMail();
    const token = await users.requestSecret("reset");
    expect((await users.post("reset=true", { token, password: "a new password" })).status).toBe(200);
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, emailVerified: true });
    expect((await users.logIn(EMAIL, "a new password")).status).toBe(200);
  });
});
