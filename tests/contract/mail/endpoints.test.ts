/** E-mail endpoints (M6, M7) over HTTP, with the database and a real SMTP server. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toPasswordPurpose } from "@/src/core/mail/mailer";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createSecretBox } from "@/src/core/secrets/secret-box";
import { openEvents } from "@/tests/support/clients/event-client";
import { createUser, logIn, registerUser, type TestUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { type MailServer, SmtpError, startMailServer } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";

const MASTER = { "X-Master-Key": "a-master-key-of-tests" };
const CREDENTIALS = { user: "ada", password: "correct horse" };
const MAIL = { to: "ada@example.com", subject: "Hello", text: "Hello, Ada" };

let smtp: MailServer;
let server: DataServer;
let people: Seed;
/** `path` of the e-mail endpoint. */
let path: string;
let endpointId: string;

beforeAll(async () => {
  smtp = await startMailServer({ credentials: CREDENTIALS });
  server = await createDataServer({ mail: { ca: smtp.ca, times: { leaseMs: 5_000, retryMs: 20, attemptMs: 10_000, slowMs: 10_000 } } });
});
afterAll(async () => {
  await server.close();
  await smtp.close();
});
beforeEach(async () => {
  people = await server.seed({ kind: "authentication", endpointName: "people", masterKey: MASTER["X-Master-Key"] });
  endpointId = await addEndpoint("mails", true);
  path = `/api/1/ce/mails?key=${people.key}`;
});
afterEach(async () => {
  smtp.script.length = 0;
  smtp.mails.length = 0;
  smtp.arrived.length = 0;
  await server.pool.query(`TRUNCATE "OutboxMail"`);
});

async function addEndpoint(name: string, secure: boolean, accessFunction: string | null = null): Promise<string> {
  const { rows } = await server.pool.query<{ id: string }>(
    `INSERT INTO "Endpoint" (id, "projectId", name, kind, secure, "accessFunction") VALUES (gen_random_uuid(), $1, $2, 'email', $3, $4)
     RETURNING id::text AS id`,
    [people.projectId, name, secure, accessFunction],
  );
  return rows[0]?.id ?? "";
}

async function configure({
  recipients = "any" as unknown,
  senders = [] as string[],
  rate = 1_000,
  projectId = people.projectId,
} = {}): Promise<void> {
  const password = server.box.seal(toPasswordPurpose(projectId), CREDENTIALS.password);
  await server.pool.query(
    `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "user", password, "from", recipients, senders, rate)
     VALUES ($1, '127.0.0.1', $2, false, 'ada', $3, 'Shop <shop@shop.example>', $4, $5, $6)`,
    [projectId, smtp.port, password, JSON.stringify(recipients), senders, rate],
  );
}

function post(body: unknown, headers: Record<string, string> = MASTER, query = ""): Promise<Response> {
  return fetch(`${server.origin}${path}${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function read(headers: Record<string, string> = MASTER) {
  return (await fetch(`${server.origin}${path}`, { headers })).json();
}

async function untilState(state: string) {
  return until(`the mail is ${state}`, async () => {
    await server.sendMails();
    const [record] = await read();
    return record?.data.delivery.state === state ? record.data : undefined;
  });
}

const countWaiting = async () => Number((await server.pool.query(`SELECT count(*) AS n FROM "OutboxMail"`)).rows[0]?.n);
const asUser = ({ token }: Pick<TestUser, "token">) => ({ Authorization: `Bearer ${token}` });

/** A user whose address is verified. */
async function signUp(email: string): Promise<Record<string, string>> {
  const at = { origin: server.origin, path: people.path };
  const uniqueId = await registerUser(at, { email, password: "correct horse battery" });
  await server.pool.query(`UPDATE "AppUser" SET "verifiedName" = name WHERE id = $1`, [uniqueId]);
  return asUser({ token: await logIn(at, { email, password: "correct horse battery" }) });
}

describe("a POST", () => {
  it("[M6] answers 201 with the record, sends the mail, and each step is a change on the stream", async () => {
    await configure();
    const stream = await openEvents(`${server.origin}${path}&since=now`, MASTER);
    const answer = await post({
      ...MAIL,
      cc: ["Bob <bob@example.com>"],
      bcc: "eve@example.com",
      replyTo: "help@shop.example",
      html: "<b>Hello</b>",
    });
    expect(answer.status).toBe(201);
    const { uniqueId, data } = await answer.json();
    expect(data).toEqual({
      from: '"Shop" <shop@shop.example>',
      to: ["ada@example.com"],
      cc: ['"Bob" <bob@example.com>'],
      bcc: ["eve@example.com"],
      replyTo: ["help@shop.example"],
      subject: "Hello",
      text: "Hello, Ada",
      html: "<b>Hello</b>",
      delivery: { state: "queued", attempts: 0, messageId: expect.stringMatching(/^[0-9a-f-]{36}@shop\.example$/), error: null },
    });
    const sent = await untilState("sent");
    expect(sent).toEqual({ ...data, delivery: { ...data.delivery, state: "sent", attempts: 1 } });
    expect(smtp.mails[0]).toMatchObject({
      from: "shop@shop.example",
      to: ["ada@example.com", "bob@example.com", "eve@example.com"],
      user: "ada",
      isSecure: true,
    });
    expect(smtp.mails[0]?.header("Message-ID")).toBe(`<${data.delivery.messageId}>`);
    expect(smtp.mails[0]?.raw).not.toContain("eve@example.com");
    const changes = () =>
      stream
        .messages<{ type: string; record: { uniqueId: string; data: { delivery: { state: string } } } }>()
        .filter(({ type }) => type !== "READY");
    await stream.until("three changes", () => changes().length === 3);
    const states = changes();
    expect(states.map(({ type, record }) => [type, record.uniqueId, record.data.delivery.state])).toEqual([
      ["POST", uniqueId, "queued"],
      ["PUT", uniqueId, "sending"],
      ["PUT", uniqueId, "sent"],
    ]);
    stream.drop();
    expect(await countWaiting()).toBe(0);
  });

  it("[M6] shows failed attempts, and the final one", async () => {
    await configure();
    smtp.script.push(new SmtpError(451, "4.3.0 later"), new SmtpError(554, "5.7.1 spam"));
    await post(MAIL);
    const failed = await untilState("failed");
    expect(failed.delivery).toMatchObject({ attempts: 2, error: expect.stringContaining("554 5.7.1 spam") });
    const { rows } = await server.pool.query(`SELECT data->'delivery' AS d FROM "Change" WHERE "endpointId" = $1 ORDER BY seq`, [
      endpointId,
    ]);
    expect(rows.map(({ d }) => [d.state, d.attempts])).toEqual([
      ["queued", 0],
      ["sending", 1],
      ["queued", 1],
      ["sending", 2],
      ["failed", 2],
    ]);
    expect(rows[2].d.error).toContain("451 4.3.0 later");
  });

  it("[M6] attaches base64 and, with the master key, stored files of the project, whose bytes are not in the record", async () => {
    await configure();
    const things = await addDataEndpoint();
    const form = new FormData();
    form.append("file", new Blob(["stored bytes"], { type: "text/csv" }), "list.csv");
    const upload = await fetch(`${server.origin}/api/1/ce/${things}?key=${people.key}`, { method: "POST", body: form });
    const { uniqueId } = await upload.json();
    const content = Buffer.from("sent bytes").toString("base64");
    const answer = await post({ ...MAIL, attachments: [{ filename: "a.txt", contentType: "text/plain", content }, { uniqueId }] });
    const { data } = await answer.json();
    expect(data.attachments).toEqual([
      { filename: "a.txt", contentType: "text/plain", size: 10 },
      { filename: "list.csv", contentType: "text/csv", size: 12 },
    ]);
    await untilState("sent");
    expect(smtp.mails[0]?.raw).toContain(content);
    expect(smtp.mails[0]?.raw).toContain(Buffer.from("stored bytes").toString("base64"));
  });

  it("[M7] stored files need the master key and must be the project's, so that nobody mails files that they may not read", async () => {
    await configure({ recipients: ["example.com"] });
    const user = await createUser({ origin: server.origin, path: people.path });
    const attachments = [{ uniqueId: createUniqueId() }];
    await expectProblem(await post({ ...MAIL, attachments }, asUser(user)), "access_denied");
    const answer = await post({ ...MAIL, attachments });
    expect([answer.status, (await answer.json()).fields]).toEqual([
      400,
      { "attachments.0.uniqueId": "The project has no file with this uniqueId." },
    ]);
  });

  it("[M6] is done once for an Idempotency-Key", async () => {
    await configure();
    const once = { ...MASTER, "Idempotency-Key": randomUUID() };
    const [first, second] = [await post(MAIL, once), await post(MAIL, once)];
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(await second.json()).toEqual(await first.json());
    await untilState("sent");
    expect(smtp.mails).toHaveLength(1);
    await expectProblem(await post({ ...MAIL, subject: "Other" }, once), "idempotency_key_reused");
  });

  it("[M3] a password that another secret sealed is no configuration: nothing is stored or sent", async () => {
    await configure();
    const sealed = createSecretBox({ secret: "another secret of the server" }).seal(toPasswordPurpose(people.projectId), "x");
    await server.pool.query(`UPDATE "ProjectEmail" SET password = $2 WHERE "projectId" = $1`, [people.projectId, sealed]);
    const refused = [
      await post(MAIL),
      await fetch(`${server.origin}${people.path}&forgot=true`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: '{"email":"ada@example.com"}',
      }),
    ];
    for (const answer of refused)
      expect(await expectProblem(answer, "email_not_configured")).toMatch(/cannot be decrypted.*Enter the password again/);
    expect((await server.pool.query(`SELECT 1 FROM "OutboxMail" UNION ALL SELECT 1 FROM "EmailRequest"`)).rowCount).toBe(0);
    expect(smtp.arrived).toEqual([]);
  });

  it("[M6] without a configuration is refused", async () => {
    await expectProblem(await post(MAIL), "email_not_configured");
  });

  it.each([undefined, "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])(
    "[M6] needs a JSON Content-Type, not %s",
    async (type) => {
      await configure();
      const body = new TextEncoder().encode(JSON.stringify(MAIL));
      await expectProblem(
        await fetch(server.origin + path, { method: "POST", headers: { ...MASTER, ...(type ? { "Content-Type": type } : {}) }, body }),
        "content_type_unsupported",
      );
      expect(await countWaiting()).toBe(0);
    },
  );

  it.each([
    [{}, ["to", "subject"]],
    [[], ["body"]],
    [{ ...MAIL, to: [] }, ["to"]],
    [{ ...MAIL, to: "nobody" }, ["to"]],
    [{ ...MAIL, to: ["ada@example.com", "x"] }, ["to.1"]],
    [{ ...MAIL, to: { name: "Ada", address: "ada@example.com" } }, ["to"]],
    [{ ...MAIL, to: Array.from({ length: 51 }, (_, n) => `n${n}@example.com`) }, ["to"]],
    [{ ...MAIL, to: "ada@example.com, eve@example.com" }, ["to"]],
    [{ ...MAIL, cc: "ada@example.com\r\nBcc: eve@example.com" }, ["cc"]],
    [{ ...MAIL, subject: "Hello\r\nBcc: eve@example.com" }, ["subject"]],
    [{ ...MAIL, subject: "=?utf-8?B?SGk=?=" }, ["subject"]],
    [{ ...MAIL, subject: "" }, ["subject"]],
    [{ to: MAIL.to, subject: "x" }, ["text"]],
    [{ ...MAIL, text: { path: "/etc/passwd" } }, ["text"]],
    [{ ...MAIL, html: { href: "http://169.254.169.254/" } }, ["html"]],
    [{ ...MAIL, attachments: [{ filename: "x", path: "/etc/passwd" }] }, ["attachments.0.path"]],
    [{ ...MAIL, attachments: [{ filename: "x", href: "http://localhost/" }] }, ["attachments.0.href"]],
    [{ ...MAIL, attachments: [{ filename: "x", raw: "x" }] }, ["attachments.0.raw"]],
    [{ ...MAIL, attachments: [{ filename: "x" }] }, ["attachments.0"]],
    [{ ...MAIL, attachments: [{ filename: "../x", content: "YQ==" }] }, ["attachments.0.filename"]],
    [{ ...MAIL, attachments: [{ filename: "x", content: "not base64!" }] }, ["attachments.0.content"]],
    [{ ...MAIL, attachments: [{ filename: "x", content: "YQ==", contentType: "text/plain\r\nX: y" }] }, ["attachments.0.contentType"]],
    ...[
      "raw",
      "list",
      "headers",
      "envelope",
      "sender",
      "dkim",
      "encoding",
      "icalEvent",
      "alternatives",
      "amp",
      "watchHtml",
      "priority",
      "messageId",
      "date",
      "inReplyTo",
      "sendmail",
      "path",
      "href",
    ].map((field) => [{ ...MAIL, [field]: "x" }, [field]] as [object, string[]]),
    [JSON.parse('{"to":"ada@example.com","subject":"x","text":"x","__proto__":{"raw":"x"}}'), ["__proto__"]],
  ])("[M6] %j is refused with its fields, and nothing is stored", async (body, fields) => {
    await configure();
    const answer = await post(body);
    const problem = await answer.json();
    expect([answer.status, problem.code, Object.keys(problem.fields)]).toEqual([400, "fields_invalid", expect.arrayContaining(fields)]);
    expect(await server.count({ ...people, endpointId })).toEqual({ records: 0, changes: 0 });
    expect(await countWaiting()).toBe(0);
  });
});

describe("other methods", () => {
  it("[M6] PUT is not supported, and Allow says so", async () => {
    await configure();
    const { uniqueId } = await (await post(MAIL)).json();
    const answer = await fetch(`${server.origin}${path}&uniqueId=${uniqueId}`, {
      method: "PUT",
      headers: { ...MASTER, "Content-Type": "application/json" },
      body: "{}",
    });
    expect(answer.headers.get("allow")).toBe("GET, HEAD, POST, DELETE, OPTIONS");
    await expectProblem(answer, "method_not_allowed");
    await expectProblem(await post([MAIL], MASTER, "&bulk=true"), "parameter_invalid");
  });

  it("[M6] DELETE deletes, and cancels a mail that still waits", async () => {
    await configure();
    const { uniqueId } = await (await post(MAIL)).json();
    const answer = await fetch(`${server.origin}${path}&uniqueId=${uniqueId}`, { method: "DELETE", headers: MASTER });
    expect([answer.status, (await answer.json()).data.delivery.state]).toEqual([200, expect.stringMatching(/queued|sending|sent/)]);
    expect(await read()).toEqual([]);
    await until("its place in the queue is free", async () => (await countWaiting()) === 0);
  });

  it("[M6] a mail whose record was deleted by another path is not sent", async () => {
    await configure();
    smtp.script.push(...Array.from({ length: 100 }, () => new SmtpError(451, "later")));
    await post(MAIL);
    // Between two attempts.
    await until("an attempt has failed", async () => {
      await server.sendMails();
      const sql = `UPDATE "OutboxMail" SET "dueAt" = now() + interval '1 hour' WHERE attempts > 0 AND "leaseId" IS NULL`;
      return (await server.pool.query(sql)).rowCount === 1;
    });
    const attempts = smtp.arrived.length;
    await server.db.record.deleteMany({ where: { endpointId } });
    await server.pool.query(`UPDATE "OutboxMail" SET "dueAt" = now()`);
    await server.sendMails();
    await until("it is dropped", async () => (await countWaiting()) === 0);
    expect(smtp.arrived).toHaveLength(attempts);
  });
});

describe("recipients", () => {
  it("[M7] self: a signed-in user writes to the own address only", async () => {
    await configure({ recipients: "self" });
    const ada = await signUp("ada@example.com");
    expect((await post({ ...MAIL, to: "ADA@example.com" }, ada)).status).toBe(201);
    await expectProblem(await post({ ...MAIL, to: "eve@example.com" }, ada), "recipient_not_allowed");
    await expectProblem(await post({ ...MAIL, bcc: ["eve@example.com"] }, ada), "recipient_not_allowed");
    const nameless = await createUser({ origin: server.origin, path: people.path }, { data: { email2: "x" } });
    await expectProblem(await post(MAIL, asUser(nameless)), "recipient_not_allowed");
    await expectProblem(await post(MAIL), "recipient_not_allowed");
    await expectProblem(await post(MAIL, {}), "access_token_missing");
  });

  it("[M7] self: an address that nobody has verified receives nothing, whatever the data says", async () => {
    await configure({ recipients: "self" });
    const at = { origin: server.origin, path: people.path };
    const eve = { email: "eve@example.com", password: "correct horse battery" };
    const uniqueId = await registerUser(at, eve);
    const token = asUser({ token: await logIn(at, eve) });
    for (const data of [
      undefined,
      '{"email":"eve@example.com","emailVerified":false}',
      '{"email":"eve@example.com","emailVerified":true}',
    ]) {
      if (data !== undefined) await server.pool.query(`UPDATE "Record" SET data = $1 WHERE id = $2`, [data, uniqueId]);
      await expectProblem(await post({ ...MAIL, to: "eve@example.com" }, token), "recipient_not_allowed");
    }
    const ada = await signUp("ada@example.com");
    await server.pool.query(
      `UPDATE "Record" SET data = '{"email":"victim@example.com","emailVerified":true}' WHERE data->>'email' = 'ada@example.com' AND "endpointId" = $1`,
      [people.endpointId],
    );
    await expectProblem(await post({ ...MAIL, to: "victim@example.com" }, ada), "recipient_not_allowed");
    expect((await post(MAIL, ada)).status).toBe(201);
  });

  it("[M7] any: with the master key alone; users still write to themselves only", async () => {
    await configure({ recipients: "any" });
    const ada = await signUp("ada@example.com");
    expect((await post({ ...MAIL, to: "eve@example.com" })).status).toBe(201);
    expect((await post(MAIL, ada)).status).toBe(201);
    await expectProblem(await post({ ...MAIL, to: "eve@example.com" }, ada), "recipient_not_allowed");
  });

  it("[M7] a list: addresses and exact domains, for the master key too", async () => {
    await configure({ recipients: ["ada@example.com", "corp.example"] });
    const user = await createUser({ origin: server.origin, path: people.path });
    expect((await post({ ...MAIL, cc: "x@corp.example" }, asUser(user))).status).toBe(201);
    await expectProblem(await post({ ...MAIL, cc: "x@sub.corp.example" }, asUser(user)), "recipient_not_allowed");
    await expectProblem(await post({ ...MAIL, to: "eve@example.com" }), "recipient_not_allowed");
  });

  it("[M7] an open endpoint sends to listed recipients only, whoever has the key", async () => {
    await configure({ recipients: "any" });
    await addEndpoint("open", false);
    path = `/api/1/ce/open?key=${people.key}`;
    await expectProblem(await post(MAIL, {}), "recipient_not_allowed");
  });

  it("[M7] unknown rules in the database are the strictest", async () => {
    await configure({ recipients: { everybody: true } });
    await expectProblem(await post(MAIL), "recipient_not_allowed");
  });

  it("[M7] from: only the configured sender, and listed ones", async () => {
    await configure({ senders: ["news.example"] });
    expect((await post({ ...MAIL, from: "News <a@news.example>" })).status).toBe(201);
    expect((await post({ ...MAIL, from: "Shop! <shop@shop.example>" })).status).toBe(201);
    await expectProblem(await post({ ...MAIL, from: "ceo@corp.example" }), "sender_not_allowed");
  });
});

describe("rates", () => {
  it("[M7] recipients are counted for each user, each key, and the project", async () => {
    await configure({ recipients: ["example.com"], rate: 40 });
    const [ada, eve] = [await signUp("ada@example.com"), await signUp("eve@example.com")];
    const to = (count: number) => ({ ...MAIL, to: Array.from({ length: count }, (_, n) => `n${n}@example.com`) });
    expect((await post(to(10), ada)).status).toBe(201);
    const refused = await post(to(1), ada);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    await expectProblem(refused, "rate_limited");
    expect((await post(to(10), eve)).status).toBe(201);
    expect((await post(to(15))).status).toBe(201);
    await expectProblem(await post(to(20)), "rate_limited");
    server.clock.at = new Date(server.clock.at.getTime() + 61_000);
    expect((await post(to(1), ada)).status).toBe(201);
  });
});

describe("what does not count", () => {
  const to = (count: number) => ({ ...MAIL, to: Array.from({ length: count }, (_, n) => `n${n}@example.com`) });

  it("[M7] a request that exceeds one limit uses up none", async () => {
    await configure({ recipients: ["example.com"], rate: 12 });
    const [ada, eve] = [await signUp("ada@example.com"), await signUp("eve@example.com")];
    expect((await post(to(6), ada)).status).toBe(201);
    expect(await expectProblem(await post(to(6), ada), "rate_limited")).toMatch(/^Too many recipients: the limit is 10 per minute/);
    expect(await expectProblem(await post(to(7), eve), "rate_limited")).toMatch(/the limit is 12 per minute/);
    expect((await post(to(4), ada)).status).toBe(201);
    expect((await post(to(2), eve)).status).toBe(201);
    await expectProblem(await post(to(1), eve), "rate_limited");
  });

  it("[M7] a request that is refused after its recipients were checked, or repeated, does not count", async () => {
    await configure({ rate: 2 });
    const refuse = "(function () { return { allow: false, reason: 'Not today.' } })";
    await addEndpoint("judged", true, refuse);
    const open = path;
    path = `/api/1/ce/judged?key=${people.key}`;
    const user = await signUp("ada@example.com");
    for (let n = 0; n < 3; n++) await expectProblem(await post(MAIL, user), "access_denied");
    path = open;
    const once = { ...MASTER, "Idempotency-Key": randomUUID() };
    for (let n = 0; n < 3; n++) expect((await post(MAIL, once)).status).toBe(201);
    expect((await post(MAIL)).status).toBe(201);
    await expectProblem(await post(MAIL), "rate_limited");
  });

  it("[M7] a mail with more recipients than a limit allows in a minute is refused with its fields, because trying again does not help", async () => {
    await configure({ recipients: ["example.com"], rate: 30 });
    const answer = await post(to(11), await signUp("ada@example.com"));
    expect([answer.status, (await answer.json()).fields]).toEqual([
      400,
      { to: "Use 10 recipients at most: so many a minute are allowed for a user." },
    ]);
    expect(await countWaiting()).toBe(0);
  });
});

describe("what others see", () => {
  it("[M6] a user reads only its own mails, and no response contains the password or the mail server", async () => {
    await configure({ recipients: ["example.com"] });
    const [ada, eve] = [await signUp("ada@example.com"), await signUp("eve@example.com")];
    const { uniqueId } = await (await post(MAIL, ada)).json();
    await untilState("sent");
    expect(await read(eve)).toEqual([]);
    expect(JSON.stringify(await read(ada))).not.toMatch(/correct horse|127\.0\.0\.1/);
    await expectProblem(await fetch(`${server.origin}${path}&uniqueId=${uniqueId}`, { headers: eve }), "access_denied");
    expect(server.logged.join("\n")).not.toMatch(/ada@example\.com|Hello, Ada|correct horse/);
  });
});

async function addDataEndpoint(): Promise<string> {
  await server.pool.query(`INSERT INTO "Endpoint" (id, "projectId", name) VALUES (gen_random_uuid(), $1, 'things')`, [people.projectId]);
  return "things";
}
