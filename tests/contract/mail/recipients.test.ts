/** Mails whose recipients the mail server treats differently (M2), and who sees that (M6). */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type EventClient, openEvents } from "@/tests/support/clients/event-client";
import { logIn, registerUser } from "@/tests/support/clients/users";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { type MailServer, SmtpError, startMailServer } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";

const MASTER = { "X-Master-Key": "a-master-key-of-tests" };
const MAIL = { to: "ada@example.com", subject: "Hello", text: "Hello, Ada" };

let smtp: MailServer;
let server: DataServer;
let people: Seed;

beforeAll(async () => {
  smtp = await startMailServer();
  server = await createDataServer({ mail: { ca: smtp.ca, times: { leaseMs: 5_000, retryMs: 20, attemptMs: 10_000, slowMs: 10_000 } } });
});
afterAll(async () => {
  await server.close();
  await smtp.close();
});
beforeEach(async () => {
  people = await server.seed({ kind: "authentication", endpointName: "people", masterKey: MASTER["X-Master-Key"] });
  await server.pool.query(
    `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "from", recipients, rate)
     VALUES ($1, '127.0.0.1', $2, false, 'shop@shop.example', '["example.com"]', 1000)`,
    [people.projectId, smtp.port],
  );
});
afterEach(async () => {
  smtp.script.length = 0;
  smtp.mails.length = 0;
  smtp.refusals.clear();
  await server.pool.query(`TRUNCATE "OutboxMail"`);
});

/** Returns its path. */
async function addMails({ secure = true, othersCanRead = false } = {}): Promise<string> {
  await server.pool.query(
    `INSERT INTO "Endpoint" (id, "projectId", name, kind, secure, "othersCanRead") VALUES (gen_random_uuid(), $1, 'mails', 'email', $2, $3)`,
    [people.projectId, secure, othersCanRead],
  );
  return `/api/1/ce/mails?key=${people.key}`;
}

async function post(path: string, body: object, headers: Record<string, string> = MASTER) {
  const init = { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
  const answer = await fetch(server.origin + path, init);
  expect(answer.status).toBe(201);
  return answer.json();
}

const read = async (path: string, headers: Record<string, string> = MASTER) => (await fetch(server.origin + path, { headers })).json();

function untilState(path: string, state: string) {
  return until(`the mail is ${state}`, async () => {
    await server.sendMails();
    const [record] = await read(path);
    return record?.data.delivery.state === state ? record.data.delivery : undefined;
  });
}

async function signUp(email: string): Promise<Record<string, string>> {
  const at = { origin: server.origin, path: people.path };
  await registerUser(at, { email, password: "correct horse battery" });
  return { Authorization: `Bearer ${await logIn(at, { email, password: "correct horse battery" })}` };
}

describe("recipients that the mail server refuses", () => {
  const ALL = { ...MAIL, cc: ["bob@example.com"], bcc: ["cid@example.com"] };
  const later = new SmtpError(450, "4.2.1 greylisted");
  const unknown = new SmtpError(550, "5.1.1 unknown");

  it("[M2] with class 4 receive the mail later, those with class 5 never, and the record shows each", async () => {
    const path = await addMails();
    smtp.refusals.set("bob@example.com", [later]);
    smtp.refusals.set("cid@example.com", [unknown, unknown]);
    await post(path, ALL);
    const delivery = await untilState(path, "sent");
    expect(delivery).toMatchObject({ attempts: 2, error: "Not accepted for cid@example.com: 550 5.1.1 unknown" });
    expect(delivery.recipients).toEqual([
      { address: "ada@example.com", state: "sent", error: null },
      { address: "bob@example.com", state: "sent", error: null },
      { address: "cid@example.com", state: "failed", error: "550 5.1.1 unknown" },
    ]);
    expect(smtp.mails.map(({ to }) => to)).toEqual([["ada@example.com"], ["bob@example.com"]]);
    expect(smtp.refusals.get("cid@example.com")).toEqual([unknown]);
  });

  it("[M2] all at once, some with class 4 and some with class 5: only the former are tried again", async () => {
    const path = await addMails();
    smtp.refusals.set("ada@example.com", [unknown, unknown]);
    smtp.refusals.set("bob@example.com", [later]);
    smtp.refusals.set("cid@example.com", [later]);
    await post(path, ALL);
    expect((await untilState(path, "sent")).recipients.map(({ state }: { state: string }) => state)).toEqual(["failed", "sent", "sent"]);
    expect(smtp.mails.map(({ to }) => to)).toEqual([["bob@example.com", "cid@example.com"]]);
    expect(smtp.refusals.get("ada@example.com")).toEqual([unknown]);
  });

  it("[M2] permanently: the mail has failed, with each reply", async () => {
    const path = await addMails();
    smtp.refusals.set("ada@example.com", [unknown]);
    smtp.refusals.set("bob@example.com", [later, new SmtpError(554, "5.7.1 spam")]);
    smtp.refusals.set("cid@example.com", [unknown]);
    await post(path, ALL);
    const { attempts, error, recipients } = await untilState(path, "failed");
    expect([attempts, error]).toEqual([
      2,
      "Not accepted for ada@example.com: 550 5.1.1 unknown; bob@example.com: 554 5.7.1 spam; cid@example.com: 550 5.1.1 unknown",
    ]);
    expect(recipients.every(({ state }: { state: string }) => state === "failed")).toBe(true);
    expect(smtp.mails).toEqual([]);
  });

  it("[M2] later: the mail was sent to the others, whatever follows", async () => {
    const path = await addMails();
    smtp.refusals.set("bob@example.com", [later]);
    smtp.script.push("accept", new SmtpError(554, "5.7.1 spam"));
    await post(path, { ...MAIL, cc: ["bob@example.com"] });
    const { attempts, error, recipients } = await untilState(path, "sent");
    expect([attempts, error]).toEqual([2, "The mail server responded: 554 5.7.1 spam"]);
    expect(recipients).toEqual([
      { address: "ada@example.com", state: "sent", error: null },
      { address: "bob@example.com", state: "failed", error: "The mail server responded: 554 5.7.1 spam" },
    ]);
  });

  it("[M2] none: the record has no list of recipients", async () => {
    const path = await addMails();
    await post(path, ALL);
    expect(await untilState(path, "sent")).not.toHaveProperty("recipients");
  });
});

describe("what others see", () => {
  const SECRET = /eve@/;
  const BLIND = { ...MAIL, bcc: ["eve@example.com"], cc: "cid@example.com" };

  async function sendBlind(path: string, headers: Record<string, string>) {
    smtp.refusals.set("eve@example.com", [new SmtpError(550, "5.1.1 eve@example.com is unknown")]);
    const sent = await post(path, BLIND, headers);
    await untilState(path, "sent");
    return sent;
  }

  /** A stream that was open before the mail was sent, and its first cursor. */
  async function watch(path: string, headers: Record<string, string>) {
    const stream = await openEvents(`${server.origin}${path}&since=now`, headers);
    await stream.until("READY", () => stream.messages().length > 0);
    return { stream, cursor: stream.messages()[0]?.cursor ?? "" };
  }

  /** All that a caller can read: by id, in lists, by expressions, in a snapshot, live, and in the replay of the log. */
  async function readAll(
    path: string,
    uniqueId: string,
    { headers, stream: live, cursor }: { headers: Record<string, string>; stream: EventClient; cursor: string },
  ): Promise<string> {
    const query = encodeURIComponent("$[data.bcc]");
    const seen = [`&uniqueId=${uniqueId}`, "", "&dataOnly=true", `&jsonata=${query}`, `&uniqueId=${uniqueId}&jsonata=${query}`];
    const texts = [];
    for (const each of seen) texts.push(await (await fetch(server.origin + path + each, { headers })).text());
    const snapshot = await openEvents(`${server.origin}${path}&snapshot=true`, headers);
    const replay = await openEvents(`${server.origin}${path}&since=${encodeURIComponent(cursor)}`, headers);
    const streams = [live, snapshot, replay];
    for (const one of streams) await one.until("the mail that was sent", () => one.text().includes('"sent"'));
    for (const one of streams) {
      texts.push(one.text());
      one.drop();
    }
    return texts.join("\n");
  }

  it.each([
    ["an open endpoint", { secure: false, othersCanRead: false }],
    ["an endpoint whose records other users read", { secure: true, othersCanRead: true }],
  ])("[M6] at %s, blind copies and replies of the mail server are for the sender and the master key", async (_, endpoint) => {
    const path = await addMails(endpoint);
    const [ada, bob] = [await signUp("ada@example.com"), await signUp("bob@example.com")];
    const callers = endpoint.secure ? [bob] : [bob, {}];
    const watched = await Promise.all(callers.map(async (headers) => ({ headers, ...(await watch(path, headers)) })));
    const { uniqueId, data } = await sendBlind(path, ada);
    expect(data.bcc).toEqual(["eve@example.com"]);
    const own = await read(path, ada);
    expect(own[0].data).toMatchObject({ bcc: ["eve@example.com"], delivery: { error: expect.stringContaining("eve@example.com") } });
    expect((await read(path))[0].data.bcc).toEqual(["eve@example.com"]);
    for (const caller of watched) {
      const seen = await readAll(path, uniqueId, caller);
      expect(seen).toContain("cid@example.com");
      expect(seen).not.toMatch(SECRET);
    }
  });

  it("[M6] nothing that is stored in plain text has the bytes of attachments, and no list, log or response does", async () => {
    const path = await addMails();
    const content = Buffer.from(`bytes ${randomUUID()}`).toString("base64");
    const once = { ...MASTER, "Idempotency-Key": randomUUID() };
    const sent = await post(path, { ...MAIL, attachments: [{ filename: "a.txt", content }] }, once);
    await untilState(path, "sent");
    expect(smtp.mails[0]?.raw).toContain(content);
    const { rows: tables } = await server.pool.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()`,
    );
    expect(tables.length).toBeGreaterThan(10);
    for (const { name } of tables) {
      const { rowCount } = await server.pool.query(`SELECT 1 FROM "${name}" AS t WHERE strpos(t::text, $1) > 0`, [content]);
      expect([name, rowCount]).toEqual([name, 0]);
    }
    expect(JSON.stringify([sent, await read(path)]) + server.logged.join("\n")).not.toContain(content);
  });
});
