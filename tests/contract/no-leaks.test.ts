/**
 * Tests that stored data is visible only to those who may read it, and passwords and tokens to nobody, for all kinds of requests (L1, L2, S2, W5,
 * G6).
 */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addEndpoint, addRecord, MASTER_KEY } from "@/tests/support/servers/secure-world";
import { until } from "@/tests/support/until";
import { MANAGE_PATHS, type ManageServer, type Person, startManageServer } from "../support/servers/manage-server";

/** The people who see responses and messages. ada is the project's owner, eve has another account on the server; the others are users of ada's application. */
type Viewer = "ann" | "bob" | "nobody" | "back end" | "ada" | "eve" | "the log" | "the database";

interface Secret {
  what: string;
  value: string;
  readers: readonly Viewer[];
}

const secrets: Secret[] = [];
/** Everything that anybody saw. `handsOut`: the one token that this response issues. */
const sightings: { viewer: Viewer; what: string; text: string; handsOut?: string }[] = [];

let server: RealtimeServer;
let manage: ManageServer;
let ada: Person;
let eve: Person;
let projectId: string;
let keyId: string;
let webhookId: string;
let key: string;
const endpointIds: Record<"things" | "people", string> = { things: "", people: "" };
const users: Record<"ann" | "bob", { id: string; username: string; password: string; token: string }> = {
  ann: { id: "", username: "ann", password: "", token: "" },
  bob: { id: "", username: "bob", password: "", token: "" },
};
/** The stored records: two of ann, two of bob, one without an owner. */
const recordIds: string[] = [];
const streams: { viewer: Viewer; what: string; client: StreamClient }[] = [];

/** A new text that only `readers` may ever see. */
function createSecret(what: string, readers: readonly Viewer[]): string {
  const value = `secret${randomBytes(12).toString("hex")}`;
  secrets.push({ what, value, readers });
  return value;
}

/** A text in a user's data. */
const ofUser = (name: "ann" | "bob", what: string) => createSecret(`${what} of ${name}`, [name, "back end", "ada", "the database"]);

function addToken(name: "ann" | "bob", token: string): void {
  secrets.push({ what: `a token of ${name}`, value: token, readers: [] });
  for (const encoding of ["hex", "base64url"] as const)
    secrets.push({
      what: `the hash of a token of ${name}`,
      value: createHash("sha256").update(token).digest(encoding),
      readers: ["the database"],
    });
}

const headersOf = (viewer: Viewer): Record<string, string> => {
  if (viewer === "ann" || viewer === "bob") return { Authorization: `Bearer ${users[viewer].token}` };
  return viewer === "back end" ? { "X-Master-Key": MASTER_KEY } : {};
};

const pathOf = (at: "things" | "people", query = "") => `/api/1/ce/${at}/of-test?key=${key}${query}`;

interface Request {
  method?: string;
  query?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** Sends a request and keeps the response. */
async function ask(
  viewer: Viewer,
  at: "things" | "people",
  request: Request = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const { method = "GET", query = "", body, headers = {} } = request;
  const answer = await fetch(`${server.httpOrigin}${pathOf(at, query)}`, {
    method,
    headers: { ...headersOf(viewer), ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  const what = `${method} ${at} ${query} ${body ?? ""}`;
  const token =
    /^Bearer (\S+)$/.exec(answer.headers.get("authorization") ?? "")?.[1] ??
    /access-token-[0-9a-f]{12}=([^;]+)/.exec(answer.headers.getSetCookie().join())?.[1];
  sightings.push({ viewer, what, text: `${JSON.stringify([...answer.headers])} ${text}`, ...(token ? { handsOut: token } : {}) });
  return { status: answer.status, headers: answer.headers, text };
}

async function register(name: "ann" | "bob"): Promise<void> {
  const password = createSecret(`the password of ${name}`, []);
  const body = JSON.stringify({ username: name, password, profile: ofUser(name, "the profile") });
  const registered = await ask(name, "people", { method: "POST", body, headers: { Authorization: "" } });
  expect(registered.status).toBe(201);
  Object.assign(users[name], { id: JSON.parse(registered.text).uniqueId, password });
}

async function logIn(name: "ann" | "bob", query = "&noATCookie=true"): Promise<string> {
  const { username, password } = users[name];
  const body = JSON.stringify({ username, password });
  const answer = await ask(name, "people", { method: "POST", query: `&login=true${query}`, body, headers: { Authorization: "" } });
  expect(answer.status).toBe(200);
  const token = sightings.at(-1)?.handsOut ?? "";
  expect(token).toMatch(/^[\w-]{43}$/);
  addToken(name, token);
  return token;
}

async function listen(viewer: Viewer, at: "things" | "people", query: string, headers = headersOf(viewer)): Promise<StreamClient> {
  const client = await server.connect(pathOf(at, query), { headers });
  streams.push({ viewer, what: `stream of ${at} ${query}`, client });
  return client;
}

const ownerOf = (id: string): Viewer | undefined =>
  (["ann", "bob"] as const).find((name, index) => users[name].id === id || recordIds.slice(2 * index, 2 * index + 2).includes(id));

/** Every kind of request about records and accounts, allowed or not, valid or malformed. */
function requestsOf(viewer: Viewer): Request[] {
  const ids = [...recordIds, users.ann.id, users.bob.id];
  const toNote = (id?: string): string => {
    const owner = id === undefined ? undefined : ownerOf(id);
    const readers: Viewer[] = ["back end", "ada", "the database", viewer, ...(owner && viewer === "back end" ? [owner] : [])];
    return JSON.stringify({ note: createSecret(`a change of ${viewer}`, readers) });
  };
  const note = toNote();
  const [first = ""] = ids;
  const lists = [
    "",
    "&dataOnly=true",
    "&limit=1",
    "&limit=2&order=desc",
    "&limit=0",
    "&cursor=bad",
    "&jsonata=$",
    "&jsonata=$[",
    `&uniqueId=${ids.join()}`,
    "&uniqueId=bad",
  ];
  const newPassword = JSON.stringify({ password: "a new one", currentPassword: "wrong" });
  const others = viewer === "bob" ? users.ann : users.bob;
  return [
    ...lists.flatMap((query): Request[] => [{ query }, { method: "HEAD", query }]),
    ...ids.flatMap((id): Request[] => [
      { query: `&uniqueId=${id}` },
      { query: `&uniqueId=${id}&jsonata=$` },
      { query: `&uniqueId=${id}&fileOnly=true` },
      { query: `&uniqueId=${id}`, headers: { "If-None-Match": '"1"' } },
      ...["force", "merge", "replace", "bad"].map(
        (strategy): Request => ({ method: "PUT", query: `&uniqueId=${id}&strategy=${strategy}`, body: toNote(id) }),
      ),
      { method: "PUT", query: `&uniqueId=${id}`, body: '"a text"' },
      { method: "PUT", query: `&uniqueId=${id}`, body: '{"broken":' },
      { method: "PUT", query: `&uniqueId=${id}`, body: toNote(id), headers: { "If-Match": '"77"' } },
      // Without the current password of the back end, which would lock the users out.
      ...(viewer === "back end" ? [] : [{ method: "PUT", query: `&uniqueId=${id}`, body: newPassword }]),
      // Callers who may delete it do so at the end.
      ...(viewer === "back end" || ownerOf(id) === viewer ? [] : [{ method: "DELETE", query: `&uniqueId=${id}` }]),
    ]),
    { method: "OPTIONS", headers: { Origin: "https://other.example" } },
    { method: "PATCH" },
    { method: "POST", body: note },
    { method: "POST", body: note, headers: { "Idempotency-Key": "the same for all" } },
    { method: "POST", query: "&bulk=true", body: `[${note}]` },
    { method: "POST", query: "&bulk=true", body: note },
    { method: "POST", body: "" },
    { method: "POST", body: '{"a":"\\u0000"}' },
    { method: "POST", body: note, headers: { "Content-Type": "image/png" } },
    { method: "POST", query: "&login=true&logout=true", body: note },
    { method: "POST", query: "&login=true", body: JSON.stringify({ username: others.username, password: "not that one" }) },
    { method: "POST", body: JSON.stringify({ username: "ann", password: "somebody else's" }) },
    { method: "GET", query: `&uniqueId=${first}&masterKey=wrong` },
    // The link to the next page must not contain credentials.
    ...["", "&order=desc"].flatMap((order): Request[] => [
      ...(viewer === "ann" || viewer === "bob" ? [{ query: `&accessToken=${users[viewer].token}&limit=1${order}` }] : []),
      ...(viewer === "back end" ? [{ query: `&masterKey=${MASTER_KEY}&limit=1${order}` }] : []),
    ]),
    { method: "GET", query: "&accessToken=bad", headers: { Cookie: "__Secure-rested-access-token=bad" } },
  ];
}

/** A webhook whose address and secret only its owner may see, and the secret only now. */
async function addWebhook(): Promise<void> {
  const url = `https://example.invalid/${createSecret("the path of a webhook", ["ada", "the database"])}`;
  const answer = await ada.call("POST", `/api/manage/projects/${projectId}/webhooks`, { body: { url } });
  expect(answer.status, answer.text).toBe(201);
  webhookId = answer.body.id;
  const secret: string = answer.body.secret;
  for (const value of [secret, Buffer.from(secret).toString("hex"), Buffer.from(secret.slice(6), "base64").toString("hex")])
    secrets.push({ what: "the secret of a webhook", value, readers: [] });
}

/** Every management route with every matching id of ada's. */
function managePaths(): string[] {
  const ids = [projectId, keyId, endpointIds.things, endpointIds.people, webhookId];
  const uniqueIds = [...recordIds, users.ann.id, users.bob.id];
  return MANAGE_PATHS.flatMap((path) => (path.includes("{id}") ? ids.map((id) => path.replace("{id}", id)) : [path]))
    .flatMap((path) => (path.includes("{uniqueId}") ? uniqueIds.map((id) => path.replace("{uniqueId}", id)) : [path]))
    .map((path) => path.replace(/\{\w+\}/, "019a0000-0000-7000-8000-000000000000"));
}

async function manageAll(viewer: "ada" | "eve", methods: readonly string[]): Promise<void> {
  const person = viewer === "ada" ? ada : eve;
  for (const path of managePaths())
    for (const method of methods) {
      const call = method === "GET" || method === "DELETE" ? {} : { body: {} };
      const answer = await person.call(method, path, call).catch((error: unknown) => {
        // Only the methods that the route has.
        if (!String(error).includes("does not export")) throw error;
      });
      if (answer) sightings.push({ viewer, what: `${method} ${path}`, text: `${JSON.stringify([...answer.headers])} ${answer.text}` });
    }
}

async function dumpDatabase(): Promise<void> {
  const tables = await server.pool.query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
  for (const { name } of tables.rows) {
    const { rows } = await server.pool.query<{ text: string }>(`SELECT t::text AS text FROM "${name}" t`);
    for (const { text } of rows) sightings.push({ viewer: "the database", what: name, text });
  }
}

beforeAll(async () => {
  server = await createRealtimeServer();
  manage = await startManageServer({}, server.database);
  ada = await manage.createPerson("Ada");
  eve = await manage.createPerson("Eve");
  const seed = await server.seed({ kind: "authentication", endpointName: "people/of-test", masterKey: MASTER_KEY });
  ({ projectId, key, keyId } = seed);
  await server.pool.query(`UPDATE "Project" SET "ownerId" = $2 WHERE id = $1`, [projectId, ada.id]);
  endpointIds.people = seed.endpointId;
  endpointIds.things = await addEndpoint(server, { projectId, name: "things/of-test", secure: true });
  secrets.push({ what: "the master key", value: MASTER_KEY, readers: [] });
  await addWebhook();
  await register("ann");
  await register("bob");

  // First the existing data, then the streams, then everything else.
  for (const name of ["ann", "bob"] as const) {
    users[name].token = await logIn(name);
    for (const what of ["a record", "another record"])
      recordIds.push(await addRecord(server, endpointIds.things, users[name].id, JSON.stringify({ [name]: ofUser(name, what) })));
  }
  recordIds.push(
    await addRecord(
      server,
      endpointIds.things,
      undefined,
      JSON.stringify({ x: createSecret("nobody's record", ["back end", "ada", "the database"]) }),
    ),
  );
  for (const at of ["things", "people"] as const)
    for (const viewer of ["ann", "bob", "nobody", "back end"] as const)
      for (const query of ["", "&since=now"]) await listen(viewer, at, query);
}, 60_000);

afterAll(async () => {
  await manage.stop();
  await server.close();
});

describe("secrets", () => {
  it("[L1] [L2] [S2] [W5] [G6] are shown only to those who may see them, in every response, message, log line and row", async () => {
    for (const at of ["things", "people"] as const) await ask("back end", at);
    for (const viewer of ["ann", "bob", "nobody", "back end"] as const)
      for (const at of ["things", "people"] as const) for (const request of requestsOf(viewer)) await ask(viewer, at, request);

    // Accounts: another token by cookie, a new password, a logout, and the deletion of an account.
    const cookieToken = await logIn("ann", "");
    await ask("ann", "people", { headers: { Authorization: "", Cookie: `__Secure-rested-access-token=${cookieToken}` } });
    const password = createSecret("the new password of ann", []);
    const change = JSON.stringify({
      username: "ann",
      password,
      currentPassword: users.ann.password,
      profile: ofUser("ann", "the new profile"),
    });
    expect((await ask("ann", "people", { method: "PUT", query: `&uniqueId=${users.ann.id}`, body: change })).status).toBe(200);
    users.ann.password = password;
    users.ann.token = await logIn("ann");
    await ask("bob", "people", { method: "POST", query: "&logout=true" });
    users.bob.token = await logIn("bob");

    // Streams: replays from the start, and callers without access.
    const { epoch } = (await server.changes.positions([endpointIds.things])).get(endpointIds.things) ?? {};
    const replays = (["ann", "bob", "back end"] as const).map((viewer) => listen(viewer, "things", `&since=${epoch}-0`));
    await listen("bob", "people", "&since=now", { Authorization: "Bearer bad" });
    await listen("nobody", "things", `&accessToken=${"A".repeat(43)}`);
    for (const [index, viewer] of (["ann", "bob", "back end"] as const).entries()) {
      // The last change that the viewer may see. All earlier ones have arrived before it.
      const body = JSON.stringify({ last: viewer === "back end" ? "of all" : ofUser(viewer, "the last record") });
      expect((await ask(viewer, "things", { method: "POST", body })).status).toBe(201);
      const client = await replays[index];
      await until(`the replay of ${viewer}`, () => client?.texts.at(-1)?.includes('"last"'));
    }

    await manageAll("eve", ["GET", "POST", "PUT", "PATCH", "DELETE"]);
    await manageAll("ada", ["GET"]);
    await dumpDatabase();
    for (const viewer of ["ann", "bob"] as const)
      for (const id of [...recordIds, users[viewer].id])
        for (const at of ["things", "people"] as const) await ask(viewer, at, { method: "DELETE", query: `&uniqueId=${id}` });
    await server.tick();

    for (const { viewer, what, client } of streams) {
      client.webSocket.close();
      const { reason } = await client.closed;
      sightings.push({ viewer, what, text: `${client.texts.join("\n")} ${reason}` });
    }
    for (const line of server.logged) sightings.push({ viewer: "the log", what: "log", text: line });
    for (const entry of manage.logged) sightings.push({ viewer: "the log", what: "log", text: JSON.stringify(entry) });
    await dumpDatabase();

    const leaks = sightings.flatMap(({ viewer, what, text, handsOut }) =>
      secrets
        .filter(({ value, readers }) => text.includes(value) && !readers.includes(viewer) && value !== handsOut)
        .map(
          ({ what: secret, value }) =>
            `${viewer} saw ${secret} in ${what}: ${text.slice(Math.max(text.indexOf(value) - 100, 0)).slice(0, 200)}`,
        ),
    );
    expect(leaks).toEqual([]);
    const hashes = sightings.filter(({ viewer, text }) => viewer !== "the database" && text.includes("$argon2"));
    expect(hashes).toEqual([]);
  }, 120_000);

  it("were seen by those who may see them, so the test above is effective", () => {
    const seenBy = (viewer: Viewer, what: string) =>
      secrets.some(
        (secret) =>
          secret.what === what && sightings.some((sighting) => sighting.viewer === viewer && sighting.text.includes(secret.value)),
      );
    for (const name of ["ann", "bob"] as const) {
      for (const what of ["a record", "another record", "the profile", "a change", "the last record"]) {
        expect(seenBy(name, `${what} of ${name}`), `${name}: ${what}`).toBe(true);
        expect(seenBy("back end", `${what} of ${name}`), `back end: ${what} of ${name}`).toBe(true);
      }
      expect(seenBy("ada", `a change of ${name}`)).toBe(true);
      expect(seenBy("the database", `the hash of a token of ${name}`)).toBe(true);
    }
    const streamed = sightings
      .filter(({ what, text }) => what.startsWith("stream") && text.includes('"record"'))
      .map(({ viewer }) => viewer);
    expect(new Set(streamed)).toEqual(new Set(["ann", "bob", "back end"]));
    expect(sightings.filter(({ handsOut }) => handsOut !== undefined).length).toBeGreaterThanOrEqual(4);
  });
});
