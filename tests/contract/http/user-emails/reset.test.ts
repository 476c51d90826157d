/** Tests new passwords by e-mail (L8, L9): what a token does, once, and what it does not reveal. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createEmailRequests } from "@/src/db/stores/email-requests";
import {
  bodyOf,
  createEmailsEndpoint,
  EMAIL,
  type EmailsEndpoint,
  MASTER_KEY,
  setUpEmails,
  tokenOf,
} from "@/tests/support/clients/user-emails";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer } from "@/tests/support/servers/data-server";
import type { MailServer } from "@/tests/support/servers/mail-server";

const NEW = "a new password of ada";
const HOUR_MS = 60 * 60 * 1000;
let mails: MailServer;
let server: DataServer;
let users: EmailsEndpoint;

setUpEmails({}, (world) => {
  ({ mails, server, users } = world);
});

const reset = (token: string, password = NEW) => users.post("reset=true", { token, password });
const read = (id: string, token: string) =>
  fetch(`${server.origin}${users.seed.path}&uniqueId=${id}`, { headers: { Authorization: `Bearer ${token}` } });

describe("reset", () => {
  it("[L8] sets the password with the token of the e-mail, and ends all sessions", async () => {
    const id = await users.register();
    const sessions = [tokenOf(await users.logIn()), tokenOf(await users.logIn())];
    for (const token of sessions) expect((await read(id, token)).status).toBe(200);
    const answer = await users.post("forgot=true", { email: "ADA@Example.com" });
    expect([answer.status, await answer.text()]).toEqual([202, "{}"]);
    const mail = await users.nextMail();
    expect(mail.header("Subject")).toMatch(/^Set a new password for Test project [0-9a-f]{8}$/);
    const [, token = ""] = /https:\/\/app\.example\.com\/account\?tab=1&reset=([\w-]{43})#\/home/.exec(bodyOf(mail)) ?? [];
    const done = await reset(token);
    expect([done.status, await done.text()]).toEqual([200, "{}"]);
    for (const session of sessions) await expectProblem(await read(id, session), "access_token_invalid");
    await expectProblem(await users.logIn(), "login_failed");
    expect((await users.logIn(EMAIL, NEW)).status).toBe(200);
  });

  it("[L9] a token works once, and of concurrent uses one succeeds", async () => {
    await users.register();
    const token = await users.requestSecret("reset");
    const answers = await Promise.all(Array.from({ length: 5 }, (_, n) => reset(token, `the password number ${n}`)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401, 401]);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect((await users.logIn(EMAIL, `the password number ${winner}`)).status).toBe(200);
    await expectProblem(await reset(token), "email_token_invalid");
  });

  it("[L9] one token of a kind is valid at a time: a second request replaces the first", async () => {
    await users.register();
    const first = await users.requestSecret("reset");
    const second = await users.requestSecret("reset");
    await expectProblem(await reset(first), "email_token_invalid");
    expect((await reset(second)).status).toBe(200);
  });

  it("[L9] a token expires after an hour, and is swept", async () => {
    await users.register();
    const token = await users.requestSecret("reset");
    server.clock.at = new Date(server.clock.at.getTime() + HOUR_MS);
    await expectProblem(await reset(token), "email_token_invalid");
    const rows = async () =>
      (
        await server.pool.query(`SELECT 1 FROM "EmailToken" t JOIN "AppUser" u ON u.id = t."appUserId" WHERE u."endpointId" = $1`, [
          users.seed.endpointId,
        ])
      ).rowCount;
    expect(await rows()).toBe(1);
    server.clock.at = new Date(server.clock.at.getTime() + 3 * HOUR_MS);
    await server.emailQueue.sweep();
    expect(await rows()).toBe(0);
    expect((await server.pool.query(`SELECT 1 FROM "EmailRequest" WHERE "scopeId" = $1`, [users.seed.endpointId])).rowCount).toBe(0);
  });

  it("[L9] a token ends when the address or the password changes", async () => {
    const id = await users.register();
    const session = tokenOf(await users.logIn());
    const put = (body: object) =>
      fetch(`${server.origin}${users.seed.path}&uniqueId=${id}&strategy=merge`, {
        method: "PUT",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${session}` },
        body: JSON.stringify(body),
      });
    const beforeAddress = await users.requestSecret("reset");
    expect((await put({ email: "ada@elsewhere.example" })).status).toBe(200);
    await expectProblem(await reset(beforeAddress), "email_token_invalid");
    expect((await put({ email: EMAIL })).status).toBe(200);
    await expectProblem(await reset(beforeAddress), "email_token_invalid");
    const beforePassword = await users.requestSecret("reset");
    expect((await put({ password: "another password", currentPassword: "correct horse battery" })).status).toBe(200);
    await expectProblem(await reset(beforePassword), "email_token_invalid");
  });

  it("[L9] a token of a deleted user, of another endpoint, project or kind, and a guessed one are the same error", async () => {
    const id = await users.register();
    const other = await createEmailsEndpoint(server, mails, { verifyEmails: true, loginLinks: true });
    await other.register("bob@example.com");
    await other.nextMail("bob@example.com");
    const verification = await other.requestSecret("verify", "bob@example.com");
    const link = await other.requestSecret("link", "bob@example.com");
    const token = await users.requestSecret("reset");
    const details = new Set<string>();
    const refused = async (answer: Response) => {
      details.add(await expectProblem(answer, "email_token_invalid"));
    };
    await refused(await other.post("reset=true", { token, password: NEW }));
    for (const foreign of [verification, link]) await refused(await other.post("reset=true", { token: foreign, password: NEW }));
    await refused(await other.post("verify=true", { token: link }));
    for (const guess of ["", "x", "A".repeat(43), "A".repeat(5000), `${token}=`, ` ${token}`]) await refused(await reset(guess));
    const gone = await fetch(`${server.origin}${users.seed.path}&uniqueId=${id}`, {
      method: "DELETE",
      headers: { "X-Master-Key": MASTER_KEY },
    });
    expect(gone.status).toBe(200);
    await refused(await reset(token));
    expect(details.size).toBe(1);
  });

  it("[L9] an invalid password does not use up the token", async () => {
    await users.register();
    const token = await users.requestSecret("reset");
    expect(await (await reset(token, "short")).json()).toMatchObject({
      code: "credentials_invalid",
      fields: { password: "Use 6 characters or more." },
    });
    expect((await reset(token)).status).toBe(200);
  });

  it("[L9] only the hash of a token is stored, and the queue keeps nothing after the e-mail was sent", async () => {
    await users.register();
    const token = await users.requestSecret("reset");
    const { rows } = await server.pool.query<{ hash: Buffer }>(
      `SELECT t.hash FROM "EmailToken" t JOIN "AppUser" u ON u.id = t."appUserId" WHERE u."endpointId" = $1`,
      [users.seed.endpointId],
    );
    expect(rows.map(({ hash }) => hash.toString("hex"))).toEqual([createHash("sha256").update(token).digest("hex")]);
    const tables = await server.pool.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    for (const { name } of tables.rows) {
      const found = await server.pool.query(`SELECT 1 FROM ${name} t WHERE t::text LIKE $1`, [`%${token}%`]);
      expect(found.rowCount, name).toBe(0);
    }
    expect(server.logged.join("\n")).not.toContain(token);
  });

  it("[L8] an invalid body is described", async () => {
    for (const [query, body, code] of [
      ["forgot=true", {}, "credentials_missing"],
      ["forgot=true", [], "credentials_missing"],
      ["forgot=true", { email: 5 }, "credentials_invalid"],
      ["forgot=true", { email: "no address" }, "credentials_invalid"],
      ["forgot=true", { username: "ada" }, "credentials_missing"],
      ["reset=true", { token: "x" }, "credentials_missing"],
      ["reset=true", { token: null, password: NEW }, "credentials_invalid"],
      ["verify=true", {}, "credentials_missing"],
      ["verify=true", { token: "x", email: EMAIL }, "credentials_missing"],
      ["forgot=true&reset=true", { email: EMAIL }, "parameter_invalid"],
      ["forgot=yes", { email: EMAIL }, "parameter_invalid"],
      ["link=true", { email: EMAIL }, "login_kind_disabled"],
      ["code=true", { email: EMAIL }, "login_kind_disabled"],
    ] as const)
      expect(await (await users.post(query, body)).json(), query).toMatchObject({ code });
    expect((await server.pool.query(`SELECT 1 FROM "EmailRequest" WHERE "scopeId" = $1`, [users.seed.endpointId])).rowCount).toBe(0);
  });

  it("[L5] a key of scope read cannot set passwords", async () => {
    users = await createEmailsEndpoint(server, mails, {}, { scope: "read" });
    for (const query of ["forgot=true", "reset=true", "verify=true"])
      await expectProblem(await users.post(query, {}), "key_scope_insufficient");
  });
});

describe("a request for an e-mail", () => {
  it("[L9] has the same response, headers and stored effect whether anybody has the address or not", async () => {
    await users.register();
    await users.post("", { username: "name@example.com", password: NEW });
    const seen = new Set<string>();
    for (const email of [EMAIL, "nobody@example.com", "name@example.com"]) {
      const answer = await users.post("forgot=true", { email });
      const headers = [...answer.headers].filter(([name]) => !/^(date|x-request-id)$/.test(name));
      seen.add(JSON.stringify([answer.status, await answer.text(), headers]));
    }
    expect([...seen]).toHaveLength(1);
    await users.nextMail();
    await server.emailQueue.serve();
    // Neither an unknown address nor a username that looks like one receives anything.
    expect(mails.mails.flatMap(({ to }) => to).filter((to) => to !== EMAIL)).toEqual([]);
    const { rows } = await server.pool.query(
      `SELECT name, count, "dueAt", failures FROM "EmailRequest" WHERE "scopeId" = $1 AND kind = 'reset' ORDER BY name`,
      [users.seed.endpointId],
    );
    const same = { count: 1, dueAt: null, failures: 1 };
    expect(rows).toEqual([EMAIL, "name@example.com", "nobody@example.com"].map((name) => ({ name, ...same })));
  });

  it("[L9] reads nothing of users before the response, so its time does not depend on them", async () => {
    await users.register();
    const statements: string[] = [];
    for (const email of [EMAIL, "nobody@example.com"]) {
      const client = await server.pool.connect();
      try {
        // While users are locked, every statement that reads or writes them waits.
        await client.query(`BEGIN; LOCK TABLE "AppUser", "Record", "EmailToken" IN ACCESS EXCLUSIVE MODE`);
        statements.push(String((await users.post("forgot=true", { email })).status));
      } finally {
        await client.query("ROLLBACK");
        client.release();
      }
    }
    expect(statements).toEqual(["202", "202"]);
    await users.nextMail();
  });

  it("[L9] writes nothing that streams or the change log show", async () => {
    await users.register();
    const before = await server.count(users.seed);
    await users.requestSecret("reset");
    expect(await server.count(users.seed)).toEqual(before);
  });

  it("[L9] is limited by e-mail address from anywhere, for known and unknown ones alike", async () => {
    await users.register();
    for (const email of [EMAIL, "nobody@example.com"]) {
      for (let n = 0; n < 5; n += 1)
        expect((await users.post("forgot=true", { email: n % 2 ? email.toUpperCase() : email })).status).toBe(202);
      const refused = await users.post("forgot=true", { email });
      expect(refused.headers.get("retry-after")).toBe("3600");
      await expectProblem(refused, "rate_limited");
    }
    server.clock.at = new Date(server.clock.at.getTime() + HOUR_MS);
    expect((await users.post("forgot=true", { email: EMAIL })).status).toBe(202);
  });

  it("[L9] parallel requests cannot exceed the limit", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => users.post("forgot=true", { email: "nobody@example.com" })));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
  });

  it("[L9] is limited by network, and by project", async () => {
    const headers = { "X-Forwarded-For": "203.0.113.9" };
    for (let n = 0; n < 10; n += 1) expect((await users.post("forgot=true", { email: `user-${n}@example.com` }, headers)).status).toBe(202);
    await expectProblem(await users.post("forgot=true", { email: "more@example.com" }, headers), "rate_limited");
    // The application's back end sends for all of its users.
    expect((await users.post("forgot=true", { email: "more@example.com" }, { ...headers, "X-Master-Key": MASTER_KEY })).status).toBe(202);
    const statuses = new Set<number>();
    for (let n = 0; n < 300; n += 1) statuses.add((await users.post("forgot=true", { email: `many-${n}@example.com` })).status);
    expect([...statuses]).toEqual([202, 429]);
  });

  it.each([
    ["192.0.2", (n: number) => `192.0.2.${n}`, "192.0.3.1"],
    ["2001:db8:7", (n: number) => `2001:db8:7:${n.toString(16)}::1`, "2001:db8:8::1"],
  ])(
    "[L9] many addresses of the network %s have one limit, which leaves the project's limit to others",
    async (_, toAddress, elsewhere) => {
      const forgot = (n: number, from: string) =>
        users.post("forgot=true", { email: `user-${n}@example.com` }, { "X-Forwarded-For": from });
      const statuses = [];
      for (let n = 0; n < 32; n += 1) statuses.push((await forgot(n, toAddress(n + 1))).status);
      expect(statuses).toEqual([...Array(30).fill(202), 429, 429]);
      expect((await forgot(100, elsewhere)).status).toBe(202);
    },
  );

  it("[L9] neither Host nor Origin nor forwarding headers appear in the link", async () => {
    await users.register();
    const headers = {
      Origin: "https://app.example.com",
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Proto": "https",
      Forwarded: "host=evil.example",
      Referer: "https://evil.example/",
    };
    expect(
      (await users.post("forgot=true", { email: EMAIL, linkBase: "https://evil.example", link: "https://evil.example" }, headers)).status,
    ).toBe(202);
    const mail = await users.nextMail();
    expect(bodyOf(mail)).not.toContain("evil");
    expect(bodyOf(mail)).toContain("https://app.example.com/account?tab=1&reset=");
  });

  it("[L12] a link base whose origin has left the project's list is not used: the e-mail contains the token instead", async () => {
    await users.register();
    await server.pool.query(`UPDATE "Project" SET "allowedOrigins" = '{https://other.example.com}' WHERE id = $1`, [users.seed.projectId]);
    server.definitions.invalidate(users.seed.projectId);
    expect((await users.post("forgot=true", { email: EMAIL }, { Origin: "https://other.example.com" })).status).toBe(202);
    const mail = await users.nextMail();
    expect(bodyOf(mail)).not.toMatch(/https?:/);
    const [, token = ""] = /^([\w-]{43})\r$/m.exec(bodyOf(mail)) ?? [];
    const done = await users.post("reset=true", { token, password: NEW }, { Origin: "https://other.example.com" });
    expect(done.status).toBe(200);
  });

  it("[L9] are claimed in turns by account, however many one has", async () => {
    const other = await createEmailsEndpoint(server, mails);
    const now = server.clock.at;
    const add = (endpointId: string, prefix: string, count: number, ageMs: number) =>
      server.pool.query(
        `INSERT INTO "EmailRequest" ("scopeId", kind, name, "startedAt", "dueAt")
         SELECT $1, 'reset', $2::text || n || '@example.com', $4, $4 FROM generate_series(1, $3::int) n`,
        [endpointId, prefix, count, new Date(now.getTime() - ageMs)],
      );
    await add(users.seed.endpointId, "flood", 60, 20_000);
    await add(other.seed.endpointId, "quiet", 2, 10_000);
    const requests = createEmailRequests({ db: server.db, background: server.db });
    const claim = () => requests.claim({ now, leaseMs: 30_000, max: 5, maxOfAccount: 4 });
    const count = (claimed: readonly { scopeId: string }[]) =>
      [users, other].map(({ seed }) => claimed.filter(({ scopeId }) => scopeId === seed.endpointId).length);
    expect(count(await claim())).toEqual([3, 2]);
    expect(count(await claim())).toEqual([4, 0]);
    await server.emailQueue.serve();
    const left = await server.pool.query(`SELECT 1 FROM "EmailRequest" WHERE "dueAt" <= $1`, [now]);
    expect(left.rowCount).toBe(0);
  });

  it("[L9] that a killed process has stored is served by another one", async () => {
    await users.register();
    // As a process leaves it that was killed after it had stored the request.
    const values = [users.seed.endpointId, "reset", EMAIL, server.clock.at];
    await server.pool.query(
      `INSERT INTO "EmailRequest" ("scopeId", kind, name, "startedAt", "dueAt") VALUES ($1, $2::"UserEmailKind", $3, $4, $4)`,
      values,
    );
    await server.emailQueue.serve();
    expect(bodyOf(await users.nextMail())).toContain("&reset=");
  });
});

it("[L8] without an e-mail configuration, every address is the same error", async () => {
  const plain = await createDataServer();
  try {
    const endpoint = await createEmailsEndpoint(plain, mails);
    await endpoint.register();
    for (const email of [EMAIL, "nobody@example.com"])
      await expectProblem(await endpoint.post("forgot=true", { email }), "email_not_configured");
  } finally {
    await plain.close();
  }
});
