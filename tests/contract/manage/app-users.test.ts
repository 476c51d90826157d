/** Tests how the endpoint's owner manages the users of an application and their sessions (G11, G12). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

const NOBODY = "0".repeat(32);
const NO_SESSION = "019a0000-0000-7000-8000-000000000000";
const PASSWORD = "open sesame";

let server: ManageServer;
let ada: Person;
let eve: Person;
let projectId: string;
let endpointId: string;
let count = 0;
/** The projects whose tokens were invalidated. */
const invalidated: string[] = [];

beforeAll(async () => {
  server = await startManageServer();
  server.runtime.tokens.onInvalidate((id) => invalidated.push(id));
  eve = await server.createPerson("Eve");
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  projectId = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body.id;
  endpointId = (await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "people", kind: "authentication" } }))
    .body.id;
  invalidated.length = 0;
});

const toBody = (value: object) => ({ contentType: "json", data: JSON.stringify(value) }) as const;
const CALLER = ["account", "project", "caller"] as const;
const endpoint = () => ({ endpointId, projectId, schema: null });

async function register(name: string): Promise<string> {
  const body = toBody({ username: name, password: PASSWORD, plan: "free" });
  const { id } = await server.runtime.users.register({ endpoint: endpoint(), body, caller: CALLER, address: null, isTrusted: true });
  return id;
}

/** Returns the access token. */
async function login(name: string, { password = PASSWORD, userAgent = "Browser/1.0" } = {}): Promise<string> {
  const body = toBody({ username: name, password });
  return (await server.runtime.users.login({ endpoint: endpoint(), body, caller: CALLER, address: "192.0.2.9", userAgent })).token;
}

/** True if the access token still works. */
const works = async (token: string) => {
  const found = await server.runtime.tokens.find(token);
  return found !== undefined && found.revokedAt === null;
};

const users = (rest = "") => `/api/manage/endpoints/${endpointId}/users${rest}`;

describe("users of an application", () => {
  it("[G11] GET lists them by name, with their number of logins", async () => {
    const zoe = await register("Zoe");
    const bob = await register("bob");
    await login("zoe");
    await login("zoe");
    const answer = await ada.call("GET", users());
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      users: [
        { id: bob, name: "bob", createdAt: expect.any(String), updatedAt: expect.any(String), sessions: 0, lastUsedAt: null },
        { id: zoe, name: "zoe", createdAt: expect.any(String), updatedAt: expect.any(String), sessions: 2, lastUsedAt: expect.any(String) },
      ],
      next: null,
      total: 2,
    });
    expect((await ada.call("GET", users(`/${zoe}`))).body).toEqual(answer.body.users[1]);
  });

  it("[G11] pages by `after` are complete and without duplicates", async () => {
    for (const name of ["d", "a", "e", "c", "b"]) await register(`user-${name}`);
    const seen: string[] = [];
    let next: string | null = "";
    for (let page = 0; next !== null; page++) {
      const { body } = await ada.call("GET", users(`?limit=2${next === "" ? "" : `&after=${encodeURIComponent(next)}`}`));
      expect(body.total).toBe(5);
      seen.push(...body.users.map(({ name }: { name: string }) => name));
      next = body.next;
      expect(page).toBeLessThan(3);
    }
    expect(seen).toEqual(["user-a", "user-b", "user-c", "user-d", "user-e"]);
  });

  it("[G11] `search` finds a part of the name in the compared form, literally", async () => {
    for (const name of ["Émile", "emil_a", "emilya", "100%"]) await register(name);
    const find = async (search: string) => {
      const { body } = await ada.call("GET", users(`?search=${encodeURIComponent(search)}`));
      expect(body.total).toBe(body.users.length);
      return body.users.map(({ name }: { name: string }) => name);
    };
    expect(await find("E\u0301MILE")).toEqual(["émile"]);
    expect(await find("l_a")).toEqual(["emil_a"]);
    expect(await find("%")).toEqual(["100%"]);
    expect(await find("nobody")).toEqual([]);
  });

  it.each(["limit=0", "limit=201", "limit=two", "after=a%00b", `search=${"x".repeat(255)}`])("[G11] refuses %.12s", async (query) => {
    const answer = await ada.call("GET", users(`?${query}`));
    expect(answer).toMatchObject({
      status: 400,
      body: { code: "parameter_invalid", fields: { [query.split("=")[0] ?? ""]: expect.any(String) } },
    });
  });

  it("[G11] DELETE removes the user, the record and the sessions, and notifies streams", async () => {
    const zoe = await register("zoe");
    const bob = await register("bob");
    const token = await login("zoe");
    const bobs = await login("bob");
    server.notifications.length = 0;
    invalidated.length = 0;
    expect(await ada.call("DELETE", users(`/${zoe}`))).toMatchObject({ status: 204, text: "" });
    expect(await works(token)).toBe(false);
    expect(await works(bobs)).toBe(true);
    expect(invalidated).toContain(projectId);
    const heard = server.notifications.flatMap((notification) => (notification.kind === "changes" ? notification.changes : []));
    expect(heard).toMatchObject([{ type: "DELETE", endpointId, record: { id: zoe } }]);
    expect((await ada.call("GET", users())).body).toMatchObject({ users: [{ id: bob }], total: 1 });
    expect((await ada.call("GET", users(`/${zoe}`))).status).toBe(404);
    expect((await ada.call("DELETE", users(`/${zoe}`))).status).toBe(404);
  });

  it("[G11] a data endpoint has no users, and the error says so", async () => {
    const path = `/api/manage/projects/${projectId}/endpoints`;
    const { id } = (await ada.call("POST", path, { body: { name: "readings" } })).body;
    const answer = await ada.call("GET", `/api/manage/endpoints/${id}/users`);
    expect(answer).toMatchObject({ status: 404, body: { code: "not_found", detail: expect.stringContaining("data endpoint") } });
  });

  it("[G11] no response contains a hash, a password or a token", async () => {
    const zoe = await register("zoe");
    const token = await login("zoe");
    const answers = await Promise.all(["", `/${zoe}`, `/${zoe}/sessions`].map((rest) => ada.call("GET", users(rest))));
    for (const { status, text } of answers) {
      expect(status).toBe(200);
      expect(text).not.toMatch(/argon2|hash|password/i);
      expect(text).not.toContain(token);
    }
  });
});

describe("sessions of a user", () => {
  it("[G12] GET lists the valid ones, newest first", async () => {
    const zoe = await register("zoe");
    await login("zoe", { userAgent: "Old/1.0" });
    await login("zoe", { userAgent: "New/1.0" });
    const ended = await login("zoe", { userAgent: "Ended/1.0" });
    const found = await server.runtime.tokens.find(ended);
    await server.runtime.users.logout({ projectId, tokenId: found?.id ?? "" });
    const { status, body } = await ada.call("GET", users(`/${zoe}/sessions`));
    expect(status).toBe(200);
    expect(body).toMatchObject([{ userAgent: "New/1.0" }, { userAgent: "Old/1.0" }]);
    expect(body[0]).toEqual({
      id: expect.any(String),
      userAgent: "New/1.0",
      address: "192.0.2.9",
      createdAt: expect.any(String),
      lastUsedAt: null,
      expiresAt: expect.any(String),
    });
    expect((await ada.call("GET", users(`/${zoe}`))).body.sessions).toBe(2);
  });

  it("[G12] DELETE ends one immediately, and no other", async () => {
    const zoe = await register("zoe");
    const first = await login("zoe");
    const second = await login("zoe");
    expect(await works(first)).toBe(true);
    const { id } = (await server.runtime.tokens.find(first)) ?? { id: "" };
    expect((await ada.call("DELETE", users(`/${zoe}/sessions/${id}`))).status).toBe(204);
    expect(invalidated).toContain(projectId);
    expect([await works(first), await works(second)]).toEqual([false, true]);
    expect((await ada.call("DELETE", users(`/${zoe}/sessions/${id}`))).status).toBe(404);
  });

  it("[G12] DELETE of all ends all of this user's, and succeeds if there is none", async () => {
    const zoe = await register("zoe");
    await register("bob");
    const tokens = [await login("zoe"), await login("zoe")];
    const bobs = await login("bob");
    for (let round = 0; round < 2; round++) expect((await ada.call("DELETE", users(`/${zoe}/sessions`))).status).toBe(204);
    expect(await Promise.all(tokens.map(works))).toEqual([false, false]);
    expect(await works(bobs)).toBe(true);
  });

  it("[G12] a session of another or an unknown user is 404, and nothing ends", async () => {
    const zoe = await register("zoe");
    const bob = await register("bob");
    const token = await login("bob");
    const { id } = (await server.runtime.tokens.find(token)) ?? { id: "" };
    for (const rest of [`/${zoe}/sessions/${id}`, `/${NOBODY}/sessions/${id}`, `/${bob}/sessions/${NO_SESSION}`, `/${bob}/sessions/x`]) {
      expect((await ada.call("DELETE", users(rest))).status, rest).toBe(404);
    }
    expect(await works(token)).toBe(true);
  });
});

describe("the password of a user", () => {
  it("[G12] PUT sets a new one, and ends the user's sessions", async () => {
    const zoe = await register("zoe");
    const token = await login("zoe");
    const password = "another one";
    expect((await ada.call("PUT", users(`/${zoe}/password`), { body: { password } })).status).toBe(204);
    expect(await works(token)).toBe(false);
    await expect(login("zoe")).rejects.toMatchObject({ code: "login_failed" });
    expect(await works(await login("zoe", { password }))).toBe(true);
  });

  it.each([
    [{}, "password"],
    [{ password: "short" }, "password"],
    [{ password: "🙂🙂🙂🙂🙂" }, "password"],
    [{ password: "x".repeat(1001) }, "password"],
    [{ password: "long enough", currentPassword: "x" }, "currentPassword"],
  ])("[G12] reports %.40j as an invalid field", async (body, field) => {
    const zoe = await register("zoe");
    const token = await login("zoe");
    expect(await ada.call("PUT", users(`/${zoe}/password`), { body })).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { [field]: expect.any(String) } },
    });
    expect(await works(token)).toBe(true);
  });

  it("[G12] accepts any six characters", async () => {
    const zoe = await register("zoe");
    for (const password of ["🙂🙂🙂🙂🙂🙂", "🙂".repeat(1000)]) {
      expect((await ada.call("PUT", users(`/${zoe}/password`), { body: { password } })).status).toBe(204);
    }
  });
});

describe("users of another account", () => {
  it("[G6] are 404 by every path, and do not change", async () => {
    const zoe = await register("zoe");
    const token = await login("zoe");
    const { id } = (await server.runtime.tokens.find(token)) ?? { id: "" };
    const asked = [
      ["GET", ""],
      ["GET", `/${zoe}`],
      ["DELETE", `/${zoe}`],
      ["GET", `/${zoe}/sessions`],
      ["DELETE", `/${zoe}/sessions`],
      ["DELETE", `/${zoe}/sessions/${id}`],
      ["PUT", `/${zoe}/password`],
    ] as const;
    for (const [method, rest] of asked) {
      const call = method === "PUT" ? { body: { password: "stolen it" } } : {};
      expect((await eve.call(method, users(rest), call)).status, `${method} ${rest}`).toBe(404);
    }
    expect(await works(token)).toBe(true);
    expect(await works(await login("zoe"))).toBe(true);
  });

  it("[G6] a user of another authentication endpoint is 404 at this one", async () => {
    const zoe = await register("zoe");
    const path = `/api/manage/projects/${projectId}/endpoints`;
    const other = (await ada.call("POST", path, { body: { name: "other-people", kind: "authentication" } })).body.id;
    expect((await ada.call("DELETE", `/api/manage/endpoints/${other}/users/${zoe}`)).status).toBe(404);
    expect((await ada.call("GET", users(`/${zoe}`))).status).toBe(200);
  });
});
