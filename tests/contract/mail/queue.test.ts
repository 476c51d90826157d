/** The mail queue (M1, M2), with the database and a real SMTP server. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordJudge } from "@/src/core/access/record-judge";
import { WAITING_MAX } from "@/src/db/stores/outbox";
import { AppError, isAppError } from "@/src/shared/errors";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { type MailServer, SmtpError, startMailServer } from "@/tests/support/servers/mail-server";
import { createListLog, startTestNode, type TestNode, UNLIMITED } from "@/tests/support/servers/test-node";
import { until } from "@/tests/support/until";

const TIMES = { leaseMs: 2_000, retryMs: 20, attemptMs: 10_000, slowMs: 10_000 };

let database: TestDatabase;
let pool: pg.Pool;
let smtp: MailServer;
const logged: string[] = [];
const open: TestNode[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  smtp = await startMailServer();
});
afterEach(async () => {
  for (const node of open.splice(0)) await node.close();
  await pool.query(`TRUNCATE "OutboxMail"`);
  await smtp.close();
});

async function startNode(times = TIMES, port = smtp.port, idleMs = 5_000): Promise<TestNode> {
  const node = await startTestNode({
    clock: { now: () => new Date() },
    log: createListLog(logged),
    config: {
      ...UNLIMITED,
      outboundAllowed: ["127.0.0.0/8"],
      smtp: { host: "127.0.0.1", port, secure: false, user: null, password: null, from: "Rested <noreply@rested.example>" },
    },
    database,
    mail: { times, ca: smtp.ca, smtpTimes: { connectMs: 5_000, greetingMs: 5_000, idleMs } },
  });
  open.push(node);
  return node;
}

const poll = (node: TestNode) => node.node.jobs.find(({ name }) => name === "send-mails")?.run();
const countWaiting = async () => Number((await pool.query<{ n: string }>(`SELECT count(*) AS n FROM "OutboxMail"`)).rows[0]?.n);
const untilEmpty = () => until("the queue is empty", async () => (await countWaiting()) === 0);

function enqueue({ lanes, node }: TestNode, mail: { to?: string; subject?: string; projectId?: string | null } = {}) {
  const { to = "ada@example.com", subject = "Hello", projectId = null } = mail;
  return node.runtime.mailer.enqueue(lanes.writeDb, { projectId, to, subject, text: "Text", html: "<p>Text</p>" });
}

describe("the queue", () => {
  it("[M1] sends a mail once it is committed, and never one that was rolled back", async () => {
    const node = await startNode();
    const { mailer } = node.node.runtime;
    const mail = { projectId: null, to: "Ada Löve <ada@example.com>", subject: "Grüße", text: "Hello" };
    const rolledBack = node.lanes.writeDb.$transaction(async (tx) => {
      await mailer.enqueue(tx, mail);
      throw new Error("rolled back");
    });
    await expect(rolledBack).rejects.toThrow("rolled back");
    const { messageId } = await node.lanes.writeDb.$transaction((tx) => mailer.enqueue(tx, mail));
    mailer.wake();
    await untilEmpty();
    expect(smtp.mails).toHaveLength(1);
    const [sent] = smtp.mails;
    expect(sent).toMatchObject({ from: "noreply@rested.example", to: ["ada@example.com"] });
    expect(sent?.header("Message-ID")).toBe(`<${messageId}>`);
    expect(sent?.header("From")).toBe("Rested <noreply@rested.example>");
    expect(sent?.header("Subject")).toBe("=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=");
  });

  it("[M3] stores messages encrypted", async () => {
    const node = await startNode();
    await enqueue(node, { subject: "a token of somebody" });
    const { rows } = await pool.query<{ message: Buffer }>(`SELECT message FROM "OutboxMail"`);
    expect(rows[0]?.message.includes("a token of somebody")).toBe(false);
    expect(rows[0]?.message.includes("ada@example.com")).toBe(false);
  });

  it("[M2] tries again after 4xx, with the same Message-ID, and logs neither addresses nor contents", async () => {
    const node = await startNode();
    smtp.script.push(new SmtpError(451, "4.3.0 ada@example.com later"), new SmtpError(421, "4.3.2 closing"), "accept");
    const { messageId } = await enqueue(node);
    await until("it is accepted", async () => {
      await poll(node);
      return smtp.mails.length === 1 && (await countWaiting()) === 0;
    });
    expect(smtp.arrived.map((mail) => mail.header("Message-ID"))).toEqual(Array(3).fill(`<${messageId}>`));
    expect(smtp.arrived.map((mail) => mail.header("Date"))).toEqual(Array(3).fill(smtp.arrived[0]?.header("Date")));
    expect(logged.join("\n")).not.toMatch(/ada@example|Hello/);
  });

  it("[M2] never tries again after 5xx", async () => {
    const node = await startNode();
    smtp.script.push(new SmtpError(550, "5.7.1 no"));
    await enqueue(node);
    await poll(node);
    await untilEmpty();
    await poll(node);
    expect(smtp.arrived).toHaveLength(1);
    expect(smtp.mails).toEqual([]);
  });

  it("[M2] tries again when the server is not reachable, and when it cuts the connection between DATA and its answer", async () => {
    const closed = await startMailServer();
    await closed.close();
    const away = await startNode(TIMES, closed.port);
    const { messageId } = await enqueue(away);
    await until("an attempt has failed", async () => {
      await poll(away);
      const { rows } = await pool.query<{ attempts: number }>(`SELECT attempts FROM "OutboxMail" WHERE "leaseId" IS NULL`);
      return (rows[0]?.attempts ?? 0) > 0;
    });
    await away.close();
    open.splice(open.indexOf(away), 1);
    smtp.script.push("cut", "accept");
    const node = await startNode();
    await until("it is accepted", async () => {
      await poll(node);
      return (await countWaiting()) === 0;
    });
    expect(smtp.arrived.map((mail) => mail.header("Message-ID"))).toEqual([`<${messageId}>`, `<${messageId}>`]);
    expect(smtp.mails).toHaveLength(1);
  });

  it("[M2] gives up an attempt at a server that hangs, and tries again", async () => {
    const node = await startNode({ ...TIMES, attemptMs: 300 });
    smtp.script.push("hang", "accept");
    await enqueue(node);
    await until("it is accepted", async () => {
      await poll(node);
      return (await countWaiting()) === 0;
    });
    expect(smtp.arrived).toHaveLength(2);
  });

  it("[M2] gives up after a day", async () => {
    const node = await startNode();
    smtp.script.push(new SmtpError(451, "later"));
    await enqueue(node);
    await pool.query(`UPDATE "OutboxMail" SET "createdAt" = now() - interval '25 hours'`);
    await poll(node);
    await untilEmpty();
    expect(smtp.mails).toEqual([]);
  });

  it("[M2] two nodes send each mail once", async () => {
    const nodes = [await startNode(), await startNode()];
    const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => enqueue(nodes[n % 2] as TestNode)));
    await until("all are sent", async () => {
      await Promise.all(nodes.map(poll));
      return (await countWaiting()) === 0;
    });
    const sent = smtp.mails.map((mail) => mail.header("Message-ID"));
    expect(new Set(sent).size).toBe(40);
    expect(sent).toHaveLength(40);
    expect(new Set(sent)).toEqual(new Set(ids.map(({ messageId }) => `<${messageId}>`)));
  });

  it("[M2] another node takes over the mail of one that no longer responds, with the same Message-ID", async () => {
    smtp.script.push("hang", "accept");
    const first = await startNode({ ...TIMES, leaseMs: 3_600_000 });
    const second = await startNode();
    const { messageId } = await enqueue(first);
    await poll(first);
    await until("it has arrived", () => smtp.arrived.length === 1);
    await poll(second);
    expect(smtp.arrived).toHaveLength(1);
    // As when the lease of a node that was killed has ended.
    await pool.query(`UPDATE "OutboxMail" SET "dueAt" = now()`);
    await poll(second);
    await untilEmpty();
    expect(smtp.arrived.map((mail) => mail.header("Message-ID"))).toEqual([`<${messageId}>`, `<${messageId}>`]);
  });

  it("[M2] sends to the remaining recipients only, if the server accepted some", async () => {
    const node = await startNode();
    smtp.refusals.set("bob@example.com", [new SmtpError(450, "4.2.1 greylisted")]);
    smtp.refusals.set("cid@example.com", [new SmtpError(550, "5.1.1 unknown")]);
    const { outbox } = node.node.mail;
    const to = ["ada", "bob", "cid"].map((name) => ({ address: `${name}@example.com` }));
    const message = { to, subject: "Hello", text: "Hello" };
    await outbox.add(node.lanes.writeDb, { id: randomUUID(), projectId: null, record: null, messageId: "one@rested.example", message });
    await until("it is sent", async () => {
      await poll(node);
      return (await countWaiting()) === 0;
    });
    expect(smtp.mails.map(({ to: accepted }) => accepted)).toEqual([["ada@example.com"], ["bob@example.com"]]);
    expect(smtp.mails[1]?.header("To")).toBe("ada@example.com, bob@example.com, cid@example.com");
  });

  it("[M2] accounts take turns: a flood of one does not delay another, and hanging servers of one hold up only its own mails", async () => {
    const node = await startNode({ ...TIMES, attemptMs: 60_000 });
    const flood = await addProject();
    const quiet = await addProject();
    smtp.script.push("hang", "hang", "hang", "hang");
    for (let n = 0; n < 20; n++) await enqueue(node, { projectId: flood, to: `n${n}@flood.example` });
    await poll(node);
    await until("four mails hang", () => smtp.arrived.length === 4);
    await enqueue(node, { projectId: quiet, to: "ada@quiet.example" });
    await poll(node);
    await until("the other account's mail is sent", () => smtp.mails.length === 1);
    expect(smtp.mails[0]?.to).toEqual(["ada@quiet.example"]);
    expect(smtp.arrived).toHaveLength(5);
  });

  /** A project of an account of its own, with a mail server at this host and port. */
  async function addOwnServer(port: number, host = "127.0.0.1"): Promise<string> {
    const projectId = await addProject();
    await pool.query(
      `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "from", recipients, rate) VALUES ($1, $2, $3, false, 'a@b.example', '"any"', 100)`,
      [projectId, host, port],
    );
    return projectId;
  }

  it("[M2] each host has places of its own: one that is nearly full limits no other one", async () => {
    const node = await startNode();
    for (const host of ["nearly-full.example", "nearly-full.example", "free.example", "free.example", "full.example"])
      await enqueue(node, { projectId: await addOwnServer(25, host) });
    const hosts = new Map([
      ["nearly-full.example", 1],
      ["full.example", 0],
    ]);
    const room = { max: 16, maxPerHost: 8, hosts, exceptAccounts: [], exceptOwnServers: false, exceptDeployment: false, leaseMs: 60_000 };
    const leased = await node.node.mail.outbox.lease(room);
    expect(leased.map(({ host }) => host).toSorted()).toEqual(["free.example", "free.example", "nearly-full.example"]);
  });

  it("[M2] hanging servers of many accounts do not hold up the deployment's mail server", async () => {
    const hanging = await startMailServer({ isPlain: true });
    try {
      const node = await startNode({ ...TIMES, attemptMs: 60_000, slowMs: 60_000 }, smtp.port, 60_000);
      hanging.script.push(...Array.from({ length: 50 }, () => "hang" as const));
      for (let account = 0; account < 7; account++) {
        const projectId = await addOwnServer(hanging.port, account < 4 ? "127.0.0.1" : "localhost");
        for (let n = 0; n < 4; n++) await enqueue(node, { projectId });
      }
      await poll(node);
      await until("eight mails hang at each host", () => hanging.arrived.length >= 16);
      await enqueue(node, { to: "ada@rested.example" });
      await enqueue(node, { projectId: await addProject(), to: "ada@quiet.example" });
      await poll(node);
      await until("the others are sent", () => smtp.mails.length === 2);
      expect(smtp.mails.flatMap(({ to }) => to).toSorted()).toEqual(["ada@quiet.example", "ada@rested.example"]);
      expect(hanging.arrived).toHaveLength(16);
    } finally {
      await hanging.close();
    }
  });

  it("[M2] hanging servers of four accounts hold all places only until their attempts are slow", async () => {
    const hanging = await startMailServer({ isPlain: true });
    const working = await startMailServer({ isPlain: true });
    try {
      const node = await startNode({ ...TIMES, attemptMs: 60_000, slowMs: 300 }, smtp.port, 60_000);
      hanging.script.push(...Array.from({ length: 50 }, () => "hang" as const));
      for (let account = 0; account < 4; account++) {
        const projectId = await addOwnServer(hanging.port, account < 2 ? "127.0.0.1" : "localhost");
        for (let n = 0; n < 8; n++) await enqueue(node, { projectId });
      }
      await poll(node);
      await until("sixteen mails hang", () => hanging.arrived.length >= 16);
      await enqueue(node, { projectId: await addOwnServer(working.port), to: "ada@quiet.example" });
      await until("the other account's mail is sent", async () => {
        await poll(node);
        return working.mails.length === 1;
      });
      expect(hanging.arrived).toHaveLength(16);
    } finally {
      await hanging.close();
      await working.close();
    }
  });

  it("[M3] a mail whose mail server's password cannot be decrypted fails at once, and its record says what to do", async () => {
    const node = await startNode();
    const projectId = await addProject();
    const { rows } = await pool.query<{ id: string }>(
      `INSERT INTO "Endpoint" (id, "projectId", name, kind) VALUES (gen_random_uuid(), $1, 'mails', 'email') RETURNING id::text AS id`,
      [projectId],
    );
    const record = { endpointId: rows[0]?.id ?? "", recordId: randomUUID().replaceAll("-", "") };
    await node.lanes.writeDb.record.commit(record.endpointId, [{ type: "POST", id: record.recordId, contentType: "json", data: "{}" }]);
    const message = { to: [{ address: "ada@example.com" }], subject: "Hello", text: "Hello" };
    await node.node.mail.outbox.add(node.lanes.writeDb, { id: randomUUID(), projectId, record, messageId: "one@rested.example", message });
    await pool.query(
      `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "user", password, "from", recipients, rate)
       VALUES ($1, '127.0.0.1', $2, false, 'ada', 'sealed by another secret', 'a@b.example', '"any"', 100)`,
      [projectId, smtp.port],
    );
    await poll(node);
    await untilEmpty();
    expect(smtp.arrived).toEqual([]);
    const found = await pool.query(`SELECT data->'delivery' AS delivery FROM "Record" WHERE id = $1`, [record.recordId]);
    expect(found.rows[0]?.delivery).toMatchObject({
      state: "failed",
      attempts: 1,
      error: expect.stringMatching(/cannot be decrypted.*Enter the password again.*Then send the e-mail again/),
    });
  });

  it("[M2] bounds the mails of a project that wait, and says when to try again", async () => {
    const node = await startNode();
    const projectId = await addProject();
    const other = await addProject();
    await pool.query(
      `INSERT INTO "OutboxMail" (id, "projectId", "accountId", "messageId", message, bytes, "dueAt")
       SELECT gen_random_uuid(), $1, "ownerId", 'x', '', 1, now() + interval '1 hour' FROM "Project", generate_series(1, $2) WHERE id = $1`,
      [projectId, WAITING_MAX.project - 1],
    );
    await enqueue(node, { projectId });
    const refused = await enqueue(node, { projectId }).catch((error: unknown) => error);
    expect(isAppError(refused) && [refused.code, refused.retryAfterSeconds]).toEqual(["server_busy", 60]);
    await enqueue(node, { projectId: other });
  });

  it("[M2] drops the mails of a project that was deleted", async () => {
    const node = await startNode();
    const projectId = await addProject();
    await enqueue(node, { projectId });
    await pool.query(`DELETE FROM "Project" WHERE id = $1`, [projectId]);
    await poll(node);
    await untilEmpty();
    expect(smtp.arrived).toEqual([]);
  });

  it("[M3] without a configuration of the project or the deployment there is nothing to send with", async () => {
    const node = await startTestNode({ clock: { now: () => new Date() }, log: createListLog(logged), config: UNLIMITED, database });
    open.push(node);
    expect(await node.node.runtime.mailer.isConfigured(null)).toBe(false);
    const refused = await enqueue(node).catch((error: unknown) => error);
    expect(isAppError(refused) && refused.code).toBe("email_not_configured");
    const configured = await startNode();
    expect(await configured.node.runtime.mailer.isConfigured(await addProject())).toBe(true);
  });

  it("[M6] [S8] a judge of the caller refuses mails with its reason before they are stored, and hides fields of the response", async () => {
    const node = await startNode();
    const projectId = await addProject();
    const { rows } = await pool.query<{ id: string }>(
      `WITH e AS (INSERT INTO "Endpoint" (id, "projectId", name, kind) VALUES (gen_random_uuid(), $1, 'mails', 'email') RETURNING id),
        c AS (INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "from", recipients, rate) VALUES ($1, '127.0.0.1', 1, false, 'a@b.example', '"any"', 100))
       SELECT id::text AS id FROM e`,
      [projectId],
    );
    const endpoint = { id: rows[0]?.id ?? "", name: "mails" };
    const evidence = { key: null, masterKeyHash: null, revision: 1, tokenGeneration: 1, needsListedOrigin: false };
    const who = { master: true, user: null, keyId: null, keyExpiresAt: null, onlyOwner: undefined, via: "key" as const, evidence };
    const neverAsked = { identity: "a test", hidesFields: true, hiddenFields: () => [], condition: undefined };
    const send = (judge: Pick<RecordJudge, "judge" | "redact" | "lastRefusal">) =>
      node.node.mail.emails.send({
        grant: { ...who, endpoint, projectId, ownerId: projectId, judge: { ...judge, ...neverAsked } },
        address: "192.0.2.1",
        data: '{"to":"ada@example.com","subject":"Hello","text":"Hello"}',
        idempotencyKey: undefined,
      });
    for (const verdicts of [[], [false], [true, true]]) {
      const refused = await send({ judge: () => verdicts, redact: ({ data }) => data }).catch((error: unknown) => error);
      expect(isAppError(refused) && refused.code).toBe("access_denied");
    }
    const lastRefusal = new AppError("access_function_failed");
    await expect(send({ judge: () => [false], redact: ({ data }) => data, lastRefusal })).rejects.toBe(lastRefusal);
    await expect(send({ judge: () => Promise.reject(new Error("the judge failed")), redact: ({ data }) => data })).rejects.toThrow(
      "the judge failed",
    );
    expect(await countWaiting()).toBe(0);
    const { record } = await send({ judge: () => [true], redact: () => "{}" });
    expect(record.data).toBe("{}");
    expect(await countWaiting()).toBe(1);
  });

  it("[M5] refuses addresses and subjects that could become headers, and stores nothing", async () => {
    const node = await startNode();
    const bad = [
      { to: "ada@example.com\r\nBcc: eve@example.com" },
      { to: "ada@example.com, eve@example.com" },
      { subject: "Hello\nBcc: eve@example.com" },
      { subject: "Hello\u2028Bcc: eve@example.com" },
      { subject: "=?utf-8?Q?=0D=0ABcc:_eve@example.com?=" },
    ];
    for (const mail of bad) {
      const refused = await enqueue(node, mail).catch((error: unknown) => error);
      expect(isAppError(refused) && refused.code, JSON.stringify(mail)).toBe("fields_invalid");
    }
    expect(await countWaiting()).toBe(0);
  });
});

async function addProject(): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `WITH u AS (INSERT INTO "User" (id, email, name) VALUES (gen_random_uuid(), gen_random_uuid()::text || '@x.example', 'U') RETURNING id)
     INSERT INTO "Project" (id, "ownerId", name) SELECT gen_random_uuid(), id, 'P' FROM u RETURNING id::text AS id`,
  );
  return rows[0]?.id ?? "";
}
