/** Limits of the deployment's mail server (M7), which projects without one of their own share. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createEmailsEndpoint, EMAIL, tokenOf } from "@/tests/support/clients/user-emails";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer } from "@/tests/support/servers/data-server";
import { type MailServer, startMailServer, toSmtpConfig } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";

let mails: MailServer;
let server: DataServer;

beforeAll(async () => {
  mails = await startMailServer();
});
afterAll(() => mails.close());
beforeEach(() => {
  mails.mails.length = 0;
});

async function startServer(smtpRates: { total: number; perAccount: number }): Promise<DataServer> {
  server = await createDataServer({ ...toSmtpConfig(mails), smtpRates, mail: { ca: mails.ca } });
  return server;
}

/** Gives a project to the account of another one. */
const share = async (projectId: string, withProject: string) =>
  void (await server.pool.query(`UPDATE "Project" SET "ownerId" = (SELECT "ownerId" FROM "Project" WHERE id = $2) WHERE id = $1`, [
    projectId,
    withProject,
  ]));

it("[M7] [L9] an account with several projects has one limit, whether somebody has the address or not, and other accounts have their own", async () => {
  await startServer({ total: 0, perAccount: 3 });
  try {
    const first = await createEmailsEndpoint(server, mails);
    const second = await createEmailsEndpoint(server, mails);
    const other = await createEmailsEndpoint(server, mails);
    await share(second.seed.projectId, first.seed.projectId);
    await first.register("ada@example.com");
    const forgot = (users: typeof first, email: string) => users.post("forgot=true", { email });
    expect((await forgot(first, "ada@example.com")).status).toBe(202);
    expect((await forgot(first, "nobody@example.com")).status).toBe(202);
    expect((await forgot(second, "nobody@example.com")).status).toBe(202);
    for (const email of ["ada@example.com", "nobody@example.com", "x@example.com"]) {
      const refused = await forgot(second, email);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await expectProblem(refused, "rate_limited")).toMatch(
        /own mail server accepts 3 recipients a minute from the projects of an account/,
      );
    }
    expect((await forgot(other, "ada@example.com")).status).toBe(202);
  } finally {
    await server.close();
  }
});

it("[M7] mails of e-mail endpoints count for the account and for all, and a mail server of the project has neither limit", async () => {
  await startServer({ total: 3, perAccount: 2 });
  try {
    const send = async () => {
      const users = await createEmailsEndpoint(server, mails);
      const { projectId, key } = users.seed;
      const user = await users.register();
      await server.pool.query(`UPDATE "AppUser" SET "verifiedName" = name WHERE id = $1`, [user]);
      await server.pool.query(
        `INSERT INTO "Endpoint" (id, "projectId", name, kind, secure) VALUES (gen_random_uuid(), $1, 'mails', 'email', true)`,
        [projectId],
      );
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${tokenOf(await users.logIn())}` };
      const body = JSON.stringify({ to: EMAIL, subject: "Hello", text: "Hello" });
      const post = () => fetch(`${server.origin}/api/1/ce/mails?key=${key}`, { method: "POST", headers, body });
      return { projectId, post };
    };
    const first = await send();
    expect([(await first.post()).status, (await first.post()).status]).toEqual([201, 201]);
    expect(await expectProblem(await first.post(), "rate_limited")).toMatch(/2 recipients a minute from the projects of an account/);
    const second = await send();
    expect((await second.post()).status).toBe(201);
    expect(await expectProblem(await second.post(), "rate_limited")).toMatch(/3 recipients a minute from all projects/);
    await server.pool.query(
      `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "from", recipients, rate) VALUES ($1, '127.0.0.1', $2, false, 'a@b.example', '"self"', 100)`,
      [first.projectId, mails.port],
    );
    expect((await first.post()).status).toBe(201);
  } finally {
    await server.close();
  }
});

it("[M7] [L10] verifications of registrations count, and what exceeds the total is sent later", async () => {
  await startServer({ total: 2, perAccount: 0 });
  try {
    const users = await createEmailsEndpoint(server, mails, { verifyEmails: true });
    for (const name of ["a", "b", "c"]) await users.register(`${name}@example.com`);
    await until("two mails", () => mails.mails.length === 2);
    await until("the third request waits for its next attempt", async () => {
      const { rows } = await server.pool.query(
        `SELECT 1 FROM "EmailRequest" WHERE "scopeId" = $1 AND "dueAt" IS NOT NULL AND failures = 1`,
        [users.seed.endpointId],
      );
      return rows.length === 1;
    });
    expect(mails.mails).toHaveLength(2);
    expect(server.logged.join("\n")).toContain("an e-mail to a user is queued later");
  } finally {
    await server.close();
  }
});
