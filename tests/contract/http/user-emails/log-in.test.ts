/** Tests logins by e-mail (L11): links and codes, their tries, and what they do to accounts that others have registered. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createEmailTokens } from "@/src/core/users/email-tokens";
import {
  bodyOf,
  createEmailsEndpoint,
  EMAIL,
  type EmailsEndpoint,
  secretOf,
  setUpEmails,
  tokenOf,
} from "@/tests/support/clients/user-emails";
import { expectProblem } from "@/tests/support/expect-problem";
import type { DataServer } from "@/tests/support/servers/data-server";
import type { MailServer } from "@/tests/support/servers/mail-server";

const MINUTE_MS = 60_000;
let mails: MailServer;
let server: DataServer;
let users: EmailsEndpoint;

setUpEmails({ loginLinks: true, loginCodes: true }, (world) => {
  ({ mails, server, users } = world);
});

const byLink = (token: string) => users.post("link=true&noATCookie=true", { token });
const byCode = (code: string, email = EMAIL) => users.post("code=true&noATCookie=true", { email, code });
/** Another code of six digits. */
const other = (code: string, step = 1) => String((Number(code) + step) % 1_000_000).padStart(6, "0");
const read = (id: string, token: string) =>
  fetch(`${server.origin}${users.seed.path}&uniqueId=${id}`, { headers: { Authorization: `Bearer ${token}` } });

describe.each([
  ["link", byLink],
  ["code", byCode],
] as const)("a login by %s", (kind, logIn) => {
  it("[L11] logs the user in once, in the form of L2", async () => {
    const id = await users.register(EMAIL, { name: "Ada" });
    const secret = await users.requestSecret(kind);
    const answer = await logIn(secret);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ uniqueId: id, data: { email: EMAIL, name: "Ada" } });
    expect((await read(id, tokenOf(answer))).status).toBe(200);
    await expectProblem(await logIn(secret), "email_token_invalid");
  });

  it("[L11] sets a cookie unless it is refused, and then uses up nothing", async () => {
    await users.register();
    const secret = await users.requestSecret(kind);
    const body = kind === "link" ? { token: secret } : { email: EMAIL, code: secret };
    const elsewhere = await createEmailsEndpoint(server, mails, {}, { allowedOrigins: [] });
    await expectProblem(await elsewhere.post(`${kind}=true`, body, { Origin: "https://x.example" }), "cookie_origin_not_listed");
    const answer = await users.post(`${kind}=true`, body, { Origin: "https://app.example.com" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("set-cookie")).toMatch(/^__Secure-rested-access-token-[0-9a-f]{12}=[\w-]{43};.*HttpOnly/);
  });

  it("[L11] of concurrent uses one succeeds", async () => {
    await users.register();
    const secret = await users.requestSecret(kind);
    const answers = await Promise.all(Array.from({ length: 4 }, () => logIn(secret)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
  });

  it("[L11] at an address that was never verified ends the password and the sessions of whoever registered it", async () => {
    const id = await users.register();
    const intruder = tokenOf(await users.logIn());
    const first = await logIn(await users.requestSecret(kind));
    expect(first.status).toBe(200);
    await expectProblem(await read(id, intruder), "access_token_invalid");
    await expectProblem(await users.logIn(), "login_failed");
    // From then on the address is verified, and passwords of the user stay.
    const token = await users.requestSecret("reset");
    expect((await users.post("reset=true", { token, password: "chosen by ada" })).status).toBe(200);
    const session = tokenOf(await users.logIn(EMAIL, "chosen by ada"));
    expect((await logIn(await users.requestSecret(kind))).status).toBe(200);
    expect((await read(id, session)).status).toBe(200);
    expect((await users.logIn(EMAIL, "chosen by ada")).status).toBe(200);
  });

  it("[L11] ends with a change of the password", async () => {
    await users.register();
    const secret = await users.requestSecret(kind);
    const token = await users.requestSecret("reset");
    expect((await users.post("reset=true", { token, password: "a new password" })).status).toBe(200);
    await expectProblem(await logIn(secret), "email_token_invalid");
  });

  it("[L11] is refused after the endpoint has stopped to offer it", async () => {
    await users.register();
    const secret = await users.requestSecret(kind);
    await server.pool.query(`UPDATE "Endpoint" SET "userEmails" = NULL WHERE id = $1`, [users.seed.endpointId]);
    server.definitions.invalidate(users.seed.projectId);
    await expectProblem(await logIn(secret), "login_kind_disabled");
  });

  it("[L11] counts as a proof of the address where it is required", async () => {
    users = await createEmailsEndpoint(server, mails, { loginLinks: true, loginCodes: true, verifyEmails: true, requireVerified: true });
    const id = await users.register();
    await users.nextMail();
    expect((await logIn(await users.requestSecret(kind))).status).toBe(200);
    expect(await users.dataOf(id)).toEqual({ email: EMAIL, emailVerified: true });
  });
});

describe("a code", () => {
  it("[L11] is valid for ten minutes", async () => {
    await users.register();
    const code = await users.requestSecret("code");
    server.clock.at = new Date(server.clock.at.getTime() + 10 * MINUTE_MS);
    await expectProblem(await byCode(code), "email_token_invalid");
  });

  it("[L11] allows five tries, from any number of addresses, and then not even the right one", async () => {
    await users.register();
    const code = await users.requestSecret("code");
    for (let n = 1; n <= 5; n += 1) await expectProblem(await byCode(other(code, n)), "email_token_invalid");
    await expectProblem(await byCode(code), "email_token_invalid");
    const next = await users.requestSecret("code");
    expect((await byCode(next)).status).toBe(200);
  });

  it("[L11] parallel tries cannot exceed the limit", async () => {
    await users.register();
    const code = await users.requestSecret("code");
    await Promise.all(Array.from({ length: 10 }, (_, n) => byCode(other(code, n + 1))));
    const { rows } = await server.pool.query(`SELECT "triesLeft" FROM "EmailRequest" WHERE "scopeId" = $1 AND kind = 'code'`, [
      users.seed.endpointId,
    ]);
    expect(rows).toEqual([{ triesLeft: 0 }]);
    await expectProblem(await byCode(code), "email_token_invalid");
  });

  it("[L9] tries are counted and refused alike for known and unknown addresses", async () => {
    await users.register();
    await users.requestSecret("code");
    await users.post("code=true", { email: "nobody@example.com" });
    await server.emailQueue.serve();
    const seen = new Set<string>();
    for (const email of [EMAIL, "nobody@example.com"]) {
      const details: string[] = [];
      // "abc" is no code at all, so it is wrong whatever the code is.
      for (let n = 0; n < 6; n += 1) details.push(await expectProblem(await byCode("abc", email), "email_token_invalid"));
      seen.add(JSON.stringify(details));
    }
    expect([...seen]).toHaveLength(1);
    const { rows } = await server.pool.query(`SELECT "triesLeft" FROM "EmailRequest" WHERE "scopeId" = $1 AND kind = 'code'`, [
      users.seed.endpointId,
    ]);
    expect(rows).toEqual([{ triesLeft: 0 }, { triesLeft: 0 }]);
  });

  it("[L2] [L11] wrong ones count like wrong passwords", async () => {
    await users.register();
    const headers = { "X-Forwarded-For": "203.0.113.77" };
    const guess = () => users.post("code=true", { email: EMAIL, code: "000000" }, headers);
    for (let n = 0; n < 5; n += 1) await expectProblem(await guess(), "email_token_invalid");
    await expectProblem(await guess(), "rate_limited");
  });

  it("[L11] a leak of the database does not reveal it: its hash needs a key that the database does not contain", async () => {
    const id = await users.register();
    const code = await users.requestSecret("code");
    const { rows } = await server.pool.query<{ hash: Buffer }>(`SELECT hash FROM "EmailToken" WHERE "appUserId" = $1`, [id]);
    const stored = rows[0]?.hash ?? Buffer.alloc(0);
    const hashes = (secret: string) => createEmailTokens({ secret }).hashCode(id, code);
    expect(stored).toEqual(hashes("a-secret-of-tests-that-has-forty-three-chars"));
    expect(stored).not.toEqual(hashes("another-secret-that-has-forty-three-characters"));
    for (const text of [code, `${id}\n${code}`]) expect(stored).not.toEqual(createHash("sha256").update(text).digest());
  });

  it("[L11] of one user does not log another in", async () => {
    await users.register();
    await users.register("bob@example.com");
    const code = await users.requestSecret("code");
    const bobs = await users.requestSecret("code", "bob@example.com");
    if (code !== bobs) await expectProblem(await byCode(code, "bob@example.com"), "email_token_invalid");
    expect((await byCode(bobs, "bob@example.com")).status).toBe(200);
    const answer = await users.post("code=true", { code });
    expect(await answer.json()).toMatchObject({ code: "credentials_missing" });
  });
});

it("[L5] a key of scope read can be used for both", async () => {
  users = await createEmailsEndpoint(server, mails, { loginLinks: true, loginCodes: true }, { scope: "read" });
  for (const kind of ["link", "code"]) expect((await users.post(`${kind}=true`, { email: EMAIL })).status).toBe(202);
});

it("[L12] the e-mails are the endpoint's templates", async () => {
  await server.pool.query(`INSERT INTO "UserEmailTemplate" ("endpointId", kind, subject, text, html) VALUES ($1, 'link', $2, $3, $4)`, [
    users.seed.endpointId,
    "Hello from {{project}}",
    "In {{project}}: {{ link }}",
    "<b>{{project}}</b> <a href='{{link}}'>in</a>",
  ]);
  await users.register(EMAIL);
  expect((await users.post("link=true", { email: EMAIL })).status).toBe(202);
  const mail = await users.nextMail();
  expect(mail.header("Subject")).toMatch(/^Hello from Test project [0-9a-f]{8}$/);
  const body = bodyOf(mail);
  expect(body).toMatch(/In Test project [0-9a-f]{8}: https:\/\/app\.example\.com\/account\?tab=1&link=/);
  expect(body).toMatch(/<b>Test project [0-9a-f]{8}<\/b> <a href='https:\/\/app\.example\.com\/account\?tab=1&amp;link=/);
  expect((await byLink(secretOf(mail, "link"))).status).toBe(200);
});
