/** Tests how the endpoint's owner adds users of an application, and sends them e-mails to set a password (G44). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type MailServer, startMailServer, toSmtpConfig } from "../../support/servers/mail-server";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";
import { until } from "../../support/until";

const PASSWORD = "open sesame";
let mails: MailServer;
let server: ManageServer;
let ada: Person;
let projectId: string;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  mails = await startMailServer();
  server = await startManageServer(toSmtpConfig(mails), undefined, { ca: mails.ca });
});
afterAll(async () => {
  await server.stop();
  await mails.close();
});
beforeEach(async () => {
  mails.mails.length = 0;
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  projectId = (await ada.call("POST", "/api/manage/projects", { body: { name: "Shop" } })).body.id;
  endpointId = (await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "people", kind: "authentication" } }))
    .body.id;
});

const nextMail = async () => {
  await until("a mail", () => mails.mails.length > 0);
  return mails.mails[0];
};
const users = (rest = "") => `/api/manage/endpoints/${endpointId}/users${rest}`;
const add = (body: object) => ada.call("POST", users(), { body });
const logIn = (name: string, password: string) =>
  server.runtime.users.login({
    endpoint: { endpointId, projectId, schema: null },
    body: { contentType: "json", data: JSON.stringify({ username: name, password }) },
    caller: ["account", "project", "caller"],
    address: "192.0.2.9",
    userAgent: null,
  });

describe("adding a user", () => {
  it("[G44] [L1] registers it with a password, and keeps its data as sent", async () => {
    const body = '{"data":{"username":"Ada","roles":["admin"],"credit":1.10},"password":"open sesame"}';
    const answer = await ada.call("POST", users(), { raw: { contentType: "application/json", bytes: body } });
    expect(answer).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^[0-9a-f]{32}$/), name: "ada", sessions: 0 } });
    const record = await ada.call("GET", `/api/manage/endpoints/${endpointId}/records/${answer.body.id}`);
    expect(record.text).toContain('"data":{"username":"Ada","roles":["admin"],"credit":1.10}');
    expect((await logIn("ada", PASSWORD)).record.id).toBe(answer.body.id);
    expect((await add({ data: { username: "ADA" }, password: PASSWORD })).body.code).toBe("username_taken");
  });

  it("[G44] [L8] invites it by e-mail, with a link or code to set a password", async () => {
    const answer = await add({ data: { email: "bob@example.com", roles: [] }, invite: true });
    expect(answer).toMatchObject({ status: 201, body: { name: "bob@example.com" } });
    await server.runtime.emailQueue.serve();
    const mail = await nextMail();
    expect([mail?.to, mail?.header("Subject")]).toEqual([["bob@example.com"], "Set a new password for Shop"]);
  });

  it("[G44] sends another e-mail, but not to a user without an address", async () => {
    const bob = (await add({ data: { email: "bob@example.com" }, password: PASSWORD })).body.id;
    expect((await ada.call("POST", users(`/${bob}/password-email`))).status).toBe(204);
    expect((await nextMail())?.to).toEqual(["bob@example.com"]);
    const cem = (await add({ data: { username: "cem@example.com" }, password: PASSWORD })).body.id;
    expect(await ada.call("POST", users(`/${cem}/password-email`))).toMatchObject({ status: 400, body: { code: "fields_invalid" } });
    expect((await ada.call("POST", users(`/${"0".repeat(32)}/password-email`))).body.code).toBe("not_found");
  });

  it.each([
    ["no name", { data: { a: 1 }, password: PASSWORD }, "credentials_missing", undefined],
    ["no password", { data: { username: "x" } }, "fields_invalid", "password"],
    ["a password and an invitation", { data: { email: "x@example.com" }, password: PASSWORD, invite: true }, "fields_invalid", "password"],
    ["a short password", { data: { username: "x" }, password: "1" }, "fields_invalid", "password"],
    ["a password in the data", { data: { username: "x", password: PASSWORD }, password: PASSWORD }, "fields_invalid", "data.password"],
    ["an invitation without an address", { data: { username: "x" }, invite: true }, "fields_invalid", "data.email"],
    ["data that is a list", { data: [], password: PASSWORD }, "fields_invalid", "data"],
    ["an unknown field", { data: { username: "x" }, password: PASSWORD, role: "admin" }, "fields_invalid", "role"],
  ])("[G44] refuses %s", async (_, body, code, field) => {
    const answer = await add(body);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    if (field) expect(answer.body.fields).toHaveProperty([field]);
    expect((await ada.call("GET", users())).body.total).toBe(0);
  });

  it("[G44] is for authentication endpoints only", async () => {
    endpointId = (await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "data" } })).body.id;
    expect((await add({ data: { username: "x" }, password: PASSWORD })).body.code).toBe("not_found");
  });
});
