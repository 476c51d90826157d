/** Tests the rights of management tokens (G21): scope, projects, and that no token can create one with more rights. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MANAGE_PATHS, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let one: { project: string; endpoint: string; key: string };
let other: { project: string; endpoint: string; key: string };
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  [one, other] = [await start(), await start()];
});

async function start() {
  const { body } = await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } });
  return { project: body.project.id as string, endpoint: body.endpoint.id as string, key: body.key.id as string };
}

/** Calls with a new token. */
async function createToken(input: object) {
  const made = await ada.call("POST", "/api/manage/account/tokens", { body: { name: "t", ...input } });
  expect(made.status).toBe(201);
  const headers = { authorization: `Bearer ${made.body.token}` };
  return {
    id: made.body.id as string,
    view: made.body,
    call: (method: string, path: string, body?: unknown) =>
      server.call(method, `/api/manage/${path}`, { headers, ...(body === undefined ? {} : { body }) }),
  };
}

const PUBLIC = ["/api/manage/openapi.json", "/api/manage/setup", "/api/manage/signup", "/api/manage/forgot", "/api/manage/reset"];
const privatePaths = MANAGE_PATHS.filter((path) => !PUBLIC.includes(path)).map((path) => path.replace("/api/manage/", ""));
const fill = (path: string, { project, endpoint, key }: typeof one) =>
  path
    .replace("{id}", path.startsWith("projects") ? project : path.startsWith("keys") ? key : endpoint)
    .replace(/\{\w+\}/g, "0123456789abcdef0123456789abcdef");
const WRITES = ["POST", "PUT", "PATCH", "DELETE"];
const READING_POST = /\/(access-check|access-preview|export|records\/update\/preview|schema-check|stream-ticket|user-emails\/preview)$/;

describe("scope", () => {
  it("[G21] is write for all projects by default, also for older tokens", async () => {
    const token = await createToken({});
    expect(token.view).toMatchObject({ scope: "write", projectIds: null });
    expect((await token.call("PATCH", `projects/${one.project}`, { name: "Weather" })).status).toBe(200);
    expect((await token.call("POST", "account/tokens", { name: "more" })).status).toBe(201);
    const listed = (await ada.call("GET", "/api/manage/account/tokens")).body;
    expect(listed.map(({ scope, projectIds }: typeof token.view) => [scope, projectIds])).toContainEqual(["write", null]);
  });

  it("[G21] read can read everything, and change nothing by any route", async () => {
    const token = await createToken({ scope: "read" });
    for (const path of ["account", "account/tokens", "projects", `projects/${one.project}`, `endpoints/${one.endpoint}/records`])
      expect((await token.call("GET", path)).status, path).toBe(200);
    expect((await token.call("POST", `endpoints/${one.endpoint}/stream-ticket`)).status).toBe(201);
    for (const path of privatePaths) {
      if (READING_POST.test(path)) continue;
      for (const method of WRITES) {
        const { status, body } = await token.call(method, fill(path, one), method === "DELETE" ? undefined : {});
        // A method that the route does not have is refused before anything else.
        if (status !== 405) expect([status, body?.code], `${method} ${path}`).toEqual([403, "token_scope_insufficient"]);
      }
    }
    expect(await server.runtime.db.project.count({ where: { ownerId: ada.id } })).toBe(2);
  });
});

describe("expiry", () => {
  it("[G21] a token that expires cannot create one that expires later", async () => {
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const token = await createToken({ expiresAt: inDays(2) });
    for (const expiresAt of [undefined, null, inDays(3)]) {
      const { status, body } = await token.call("POST", "account/tokens", { name: "longer", expiresAt });
      expect([status, Object.keys(body.fields ?? {})]).toEqual([400, ["expiresAt"]]);
    }
    expect((await token.call("POST", "account/tokens", { name: "shorter", expiresAt: inDays(1) })).status).toBe(201);
    expect((await token.call("POST", "account/tokens", { name: "as long", expiresAt: token.view.expiresAt })).status).toBe(201);
  });
});

describe("keys", () => {
  it("[G21] a read token is not shown keys that may write, because it could write with them", async () => {
    const path = `projects/${one.project}/keys`;
    for (const scope of ["read", "write"])
      expect((await ada.call("POST", `/api/manage/${path}`, { body: { name: scope, scope } })).status).toBe(201);
    const all = (await ada.call("GET", `/api/manage/${path}`)).body as { scope: string; key: string }[];
    expect(all.map(({ scope }) => scope).sort()).toEqual(["read", "read_write", "write"]);
    const shown = all.map((key) => (key.scope === "read" ? key : { ...key, key: `${key.key.slice(0, 4)}…` }));
    expect((await (await createToken({ scope: "read" })).call("GET", path)).body).toEqual(shown);
    expect((await (await createToken({ scope: "read", projectIds: [one.project] })).call("GET", path)).body).toEqual(shown);
    expect((await (await createToken({ scope: "write" })).call("GET", path)).body).toEqual(all);
  });
});

describe("projects", () => {
  it("[G21] a token for one project finds nothing of the others, by any route", async () => {
    const token = await createToken({ projectIds: [one.project] });
    expect(token.view.projectIds).toEqual([one.project]);
    expect((await token.call("GET", "projects")).body.map(({ id }: { id: string }) => id)).toEqual([one.project]);
    for (const path of [`projects/${one.project}/keys`, `endpoints/${one.endpoint}`, `endpoints/${one.endpoint}/records`])
      expect((await token.call("GET", path)).status, path).toBe(200);
    const rates = (await token.call("GET", "projects/traffic")).body as { projectId: string }[];
    expect(rates.map(({ projectId }) => projectId)).toEqual([one.project]);
    expect((await token.call("DELETE", `keys/${one.key}`)).status).toBe(200);
    const ofOne = /^(projects|endpoints|keys|connections)\//;
    for (const path of privatePaths.filter((each) => ofOne.test(each) && each !== "projects/traffic")) {
      for (const method of ["GET", ...WRITES]) {
        const { status, body } = await token.call(method, fill(path, other), /GET|DELETE/.test(method) ? undefined : {});
        if (status !== 405) expect([status, body?.code], `${method} ${path}`).toEqual([404, "not_found"]);
      }
    }
  });

  it("[G21] it cannot create projects or change the account", async () => {
    const token = await createToken({ projectIds: [one.project] });
    const refused = [
      token.call("POST", "projects", { name: "Another" }),
      token.call("POST", "start", { name: "Another" }),
      token.call("PATCH", "account", { name: "Eve" }),
      token.call("GET", "account/tokens"),
      token.call("POST", "account/tokens", { name: "stronger" }),
      token.call("DELETE", `account/tokens/${token.id}`),
      token.call("GET", "account/sessions"),
      token.call("DELETE", "account/sessions"),
      token.call("POST", "account/password", { currentPassword: "x", newPassword: "correct horse battery" }),
    ];
    for (const { status, body } of await Promise.all(refused)) expect([status, body.code]).toEqual([403, "token_scope_insufficient"]);
    expect((await token.call("GET", "account")).status).toBe(200);
  });

  it("[G21] must be the caller's own", async () => {
    const bob = await server.createPerson(`Bob${count}`);
    for (const projectIds of [[one.project], [], ["x"]]) {
      const { status, body } = await bob.call("POST", "/api/manage/account/tokens", { body: { name: "t", projectIds } });
      expect([status, Object.keys(body.fields)]).toEqual([400, [expect.stringContaining("projectIds")]]);
    }
    expect((await bob.call("POST", "/api/manage/account/tokens", { body: { name: "t", scope: "admin" } })).body.fields).toHaveProperty(
      "scope",
    );
  });

  it("[G21] a token whose only project was deleted finds nothing", async () => {
    const token = await createToken({ projectIds: [one.project] });
    expect((await ada.call("DELETE", `/api/manage/projects/${one.project}`)).status).toBe(204);
    expect((await token.call("GET", "projects")).body).toEqual([]);
    expect((await token.call("GET", `endpoints/${one.endpoint}`)).status).toBe(404);
  });
});

describe("signing out everywhere", () => {
  it("[G21] ends the other sessions and, if requested, the other tokens", async () => {
    const { db } = server.runtime;
    const open = () => db.session.create({ data: { userId: ada.id, expiresAt: new Date(Date.now() + 60_000) } });
    const token = await createToken({});
    await open();
    expect((await ada.call("DELETE", "/api/manage/account/sessions")).status).toBe(204);
    expect(await db.session.count({ where: { userId: ada.id, revokedAt: null } })).toBe(0);
    expect((await token.call("GET", "account")).status).toBe(200);
    await open();
    expect((await ada.call("DELETE", "/api/manage/account/sessions?tokens=true")).status).toBe(204);
    expect(await db.session.count({ where: { userId: ada.id, revokedAt: null } })).toBe(0);
    expect((await token.call("GET", "account")).body.code).toBe("management_token_invalid");
    expect((await ada.call("GET", "/api/manage/account")).status).toBe(200);
  });
});
