/** The e-mail configuration in the management API (M8). */
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type MailServer, startMailServer } from "@/tests/support/servers/mail-server";
import { type ManageServer, type Person, startManageServer } from "@/tests/support/servers/manage-server";
import { until } from "@/tests/support/until";

let server: ManageServer;
let smtp: MailServer;
let ada: Person;
let url: string;
let projectId: string;
let count = 0;

const CONFIGURATION = { host: "127.0.0.1", port: 2525, secure: false, from: "Shop <shop@shop.example>" };

beforeAll(async () => {
  smtp = await startMailServer({ isPlain: true });
  server = await startManageServer({ outboundAllowed: ["127.0.0.0/8"] });
});
afterAll(async () => {
  await server.stop();
  await smtp.close();
});
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const started = await ada.call("POST", "/api/manage/start", { body: { name: "shop" } });
  projectId = started.body.project.id;
  url = `/api/manage/projects/${projectId}/email`;
});
afterEach(() => {
  smtp.mails.length = 0;
});

const put = (body: object, by = ada) => by.call("PUT", url, { body: { ...CONFIGURATION, ...body } });

describe("the configuration", () => {
  it("[M8] is written, read without its password, and deleted", async () => {
    const none = {
      source: "none",
      host: null,
      port: null,
      secure: null,
      user: null,
      hasPassword: false,
      from: null,
      recipients: "self",
      senders: [],
      rate: 60,
      problem: null,
    };
    expect((await ada.call("GET", url)).body).toEqual(none);
    const saved = await put({
      host: "SMTP.Example.com",
      user: "ada",
      password: "hunter2 hunter2",
      recipients: ["Bob@Example.com", "corp.example"],
      senders: ["news.example"],
      rate: 5,
    });
    const expected = {
      ...{
        source: "project",
        host: "smtp.example.com",
        port: 2525,
        secure: false,
        user: "ada",
        hasPassword: true,
        from: '"Shop" <shop@shop.example>',
      },
      ...{ recipients: ["bob@example.com", "corp.example"], senders: ["news.example"], rate: 5, problem: null },
    };
    expect([saved.status, saved.body]).toEqual([200, expected]);
    expect((await ada.call("GET", url)).body).toEqual(expected);
    const row = await server.runtime.db.projectEmail.findUnique({ where: { projectId } });
    expect(Buffer.from(row?.password ?? []).includes("hunter2")).toBe(false);
    expect(await server.runtime.email.configurations.find(projectId)).toMatchObject({
      server: { password: "hunter2 hunter2", isTrusted: false },
    });
    expect((await ada.call("DELETE", url)).status).toBe(204);
    expect((await ada.call("GET", url)).body).toEqual(none);
    expect((await ada.call("DELETE", url)).status).toBe(404);
    expect(JSON.stringify(server.logged)).not.toContain("hunter2");
  });

  it("[M8] keeps the password only while it is for the same server and user", async () => {
    await put({ user: "ada", password: "hunter2" });
    expect((await put({ user: "ada", rate: 7 })).body).toMatchObject({ hasPassword: true, rate: 7 });
    for (const change of [{ host: "evil.example" }, { port: 2526 }, { secure: true }, { user: "eve" }]) {
      const answer = await put({ user: "ada", ...change });
      expect(answer.body, JSON.stringify(change)).toMatchObject({
        code: "fields_invalid",
        fields: { password: expect.stringContaining("again") },
      });
    }
    expect((await put({})).body).toMatchObject({ user: null, hasPassword: false });
    expect((await put({ user: "ada" })).body.fields).toEqual({ password: "Enter the password." });
    expect((await put({ password: "x" })).body.fields).toEqual({ user: "Enter the user name." });
  });

  it("[M8] keeps no password that another request stores for another server in the meantime", async () => {
    await put({ user: "ada", password: "hunter2" });
    const pool = new pg.Pool({ connectionString: server.databaseUrl, max: 2 });
    const other = await pool.connect();
    try {
      await other.query("BEGIN");
      await other.query(`UPDATE "ProjectEmail" SET host = 'other.example', password = '\\x01' WHERE "projectId" = $1`, [projectId]);
      const kept = put({ user: "ada", rate: 7 });
      await until("the request waits for the row", async () => {
        const { rows } = await pool.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ProjectEmail%'`,
        );
        return rows.length > 0;
      });
      await other.query("COMMIT");
      expect((await kept).body).toMatchObject({ code: "fields_invalid", fields: { password: expect.stringContaining("again") } });
      expect((await ada.call("GET", url)).body).toMatchObject({ host: "other.example", rate: 60 });
    } finally {
      other.release();
      await pool.end();
    }
  });

  it.each([
    [{ host: "http://example.com" }, "host"],
    [{ host: "a b" }, "host"],
    [{ host: "x\r\nEHLO" }, "host"],
    [{ port: 0 }, "port"],
    [{ port: "25" }, "port"],
    [{ secure: "yes" }, "secure"],
    [{ user: "a\nb", password: "x" }, "user"],
    [{ from: "nobody" }, "from"],
    [{ from: "a@b.example\r\nBcc: c@d.example" }, "from"],
    [{ recipients: "everybody" }, "recipients"],
    [{ recipients: ["nobody"] }, "recipients.0"],
    [{ recipients: ["*"] }, "recipients.0"],
    [{ senders: ["x y"] }, "senders.0"],
    [{ rate: 0 }, "rate"],
    ...[
      "sendmail",
      "path",
      "href",
      "raw",
      "list",
      "dkim",
      "service",
      "url",
      "pool",
      "proxy",
      "tls",
      "ignoreTLS",
      "auth",
      "streamTransport",
      "jsonTransport",
      "logger",
      "getSocket",
      "localAddress",
      "disableFileAccess",
      "newline",
      "name",
      "__proto__x",
    ].map((field): [object, string] => [{ [field]: true }, field]),
  ])("[M8] %j is refused by its field", async (fields, field) => {
    const answer = await put(fields);
    expect([answer.status, answer.body.code, Object.keys(answer.body.fields)]).toEqual([400, "fields_invalid", [field]]);
    expect((await ada.call("GET", url)).body.source).toBe("none");
  });

  it("[M4] [M8] a port that the administrator has not listed is refused, and a stored one is a problem that GET shows", async () => {
    await put({ port: 8025 });
    const { email } = server.runtime;
    const { ports } = email;
    email.ports = [25, 465, 587, 2525];
    try {
      const fields = { port: "Use one of the ports 25, 465, 587, 2525. The server's administrator can allow others (RESTED_SMTP_PORTS)." };
      expect((await put({ port: 8026 })).body).toMatchObject({ code: "fields_invalid", fields });
      expect((await ada.call("GET", url)).body).toMatchObject({ port: 8025, problem: fields.port });
      expect((await put({ port: 2525 })).body).toMatchObject({ port: 2525, problem: null });
    } finally {
      email.ports = ports;
    }
  });

  it("[M3] [M8] a password that cannot be decrypted is a problem that GET shows, until it is entered again", async () => {
    await put({ user: "ada", password: "hunter2" });
    await server.runtime.db.projectEmail.update({ where: { projectId }, data: { password: Buffer.from("sealed by another secret") } });
    expect((await ada.call("GET", url)).body.problem).toMatch(/cannot be decrypted.*Enter the password again/);
    expect((await put({ user: "ada", password: "hunter2" })).body.problem).toBeNull();
  });

  it("[M8] belongs to the owner of the project", async () => {
    const eve = await server.createPerson(`Eve${count}`);
    await put({});
    for (const [method, path] of [
      ["GET", url],
      ["DELETE", url],
    ] as const)
      expect((await eve.call(method, path)).status).toBe(404);
    expect((await put({}, eve)).status).toBe(404);
    expect((await eve.call("POST", `${url}/test`, { body: { to: "a@b.example" } })).status).toBe(404);
    expect((await ada.call("GET", url)).body.source).toBe("project");
  });
});

describe("the test", () => {
  const test = (to = "ada@example.com") => ada.call("POST", `${url}/test`, { body: { to } });

  it("[M8] sends a mail and returns the reply of the mail server", async () => {
    expect((await test()).body.code).toBe("email_not_configured");
    await put({ port: smtp.port });
    expect((await test()).body).toEqual({ accepted: true, response: "250 accepted" });
    expect(smtp.mails[0]).toMatchObject({ from: "shop@shop.example", to: ["ada@example.com"] });
    expect((await test("nobody")).body.fields).toEqual({ to: expect.stringContaining("e-mail address") });
  });

  it("[M8] says why nothing was sent", async () => {
    await put({ host: "127.0.0.1", port: 1 });
    expect((await test()).body).toEqual({ accepted: false, response: "The mail server 127.0.0.1 could not be reached at port 1." });
    await put({ host: "10.0.0.1" });
    expect((await test()).body).toMatchObject({ accepted: false, response: expect.stringContaining("RESTED_OUTBOUND_ALLOWED") });
  });

  it("[M8] is limited for each account", async () => {
    await put({ port: smtp.port });
    const answers = [];
    for (let n = 0; n < 7; n++) answers.push(await test());
    expect(answers.map(({ status }) => status)).toEqual([...Array(6).fill(200), 429]);
  });
});

describe("e-mail endpoints in the management API", () => {
  const create = (fields: object) =>
    ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: `mails-${++count}`, kind: "email", ...fields } });

  it("[M6] are secure by default, and have no schema, access rules or access function", async () => {
    expect((await create({})).body).toMatchObject({ kind: "email", secure: true });
    const open = await create({ secure: false });
    expect(open.body).toMatchObject({ secure: false });
    expect((await create({ schema: {} })).body.fields).toHaveProperty("schema");
    expect((await ada.call("PATCH", `/api/manage/endpoints/${open.body.id}`, { body: { schema: true } })).body.fields).toHaveProperty(
      "schema",
    );
    for (const judge of [{ rules: { read: "true" } }, { accessFunction: "() => true" }]) {
      const [field = ""] = Object.keys(judge);
      expect((await create(judge)).body.fields).toHaveProperty(field);
      expect((await ada.call("PATCH", `/api/manage/endpoints/${open.body.id}`, { body: judge })).body.fields).toHaveProperty(field);
    }
    expect((await ada.call("PATCH", `/api/manage/endpoints/${open.body.id}`, { body: { secure: true, schema: null } })).body).toMatchObject(
      { secure: true },
    );
  });

  it("[M6] have no records but those of mails: none is written, imported or uploaded", async () => {
    const { id } = (await create({})).body;
    const at = `/api/manage/endpoints/${id}`;
    const record = { uniqueId: "0".repeat(32) };
    expect((await ada.call("POST", `${at}/records`, { body: { to: "x" } })).body.code).toBe("method_not_allowed");
    expect((await ada.call("PUT", `${at}/records/${record.uniqueId}`, { body: {} })).body.code).toBe("method_not_allowed");
    expect((await ada.call("POST", `${at}/import`, { raw: { contentType: "application/json", bytes: "[1]" } })).body.code).toBe(
      "parameter_invalid",
    );
    expect((await ada.call("POST", `${at}/files?name=a.txt`, { raw: { contentType: "text/plain", bytes: "x" } })).body.code).toBe(
      "upload_invalid",
    );
    expect((await ada.call("DELETE", `${at}/records/${record.uniqueId}`)).body.code).toBe("record_not_found");
  });
});
