/** Tests access functions (S8) over HTTP and on streams: verdicts, reasons, failures, finds, and that nobody receives what a GET refuses. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { openEvents } from "@/tests/support/clients/event-client";
import { expectProblem } from "@/tests/support/expect-problem";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import {
  addEndpoint,
  addRecord,
  createSecureWorld,
  MASTER_KEY,
  type SecureWorld,
  type WorldUser,
} from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
let world: SecureWorld;
beforeAll(async () => {
  server = await createRealtimeServer({ sandboxTimeoutMs: 400 });
});
afterAll(() => server.close());
beforeEach(async () => {
  world = await createSecureWorld(server, { secure: true, othersCanRead: true, othersCanUpdate: true, othersCanDelete: true });
});

/** A message is for its author and the user that it is sent to. */
const CHAT = `export default function ({ operation, user, record, input }) {
  if (operation === "create") return input.to !== undefined;
  return { allow: record.owner === user.uniqueId || record.data.to === user.uniqueId, reason: "This message is for somebody else." };
}`;

async function setFunction(source: string | null, endpointId = world.endpointId): Promise<void> {
  await server.pool.query(`UPDATE "Endpoint" SET "accessFunction" = $2 WHERE "id" = $1`, [endpointId, source]);
  await server.tick();
}

interface Options {
  user?: WorldUser | undefined;
  query?: string;
  key?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

function call(method: string, { user, query = "", key = world.keys.both, body, headers = {} }: Options = {}): Promise<Response> {
  return fetch(`${server.httpOrigin}${world.path}?key=${key}${query}`, {
    method,
    headers: {
      ...(user ? { Authorization: `Bearer ${user.token}` } : {}),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const connect = (user: WorldUser, query = "") =>
  server.connect(`${world.path}?key=${world.keys.both}${query}`, { headers: { Authorization: `Bearer ${user.token}` } });

async function send(user: WorldUser, to: WorldUser, text: string): Promise<string> {
  const answer = await call("POST", { user, body: { to: to.id, text } });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { uniqueId: string }).uniqueId;
}

const listTexts = async (options: Options): Promise<string[]> => {
  const answer = await call("GET", options);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { data: { text: string } }[]).map(({ data }) => data.text);
};

describe("on HTTP", () => {
  it("[S8] lists and requests for several ids leave out what is refused, and one id responds with the reason", async () => {
    await setFunction(CHAT);
    const { ann, bob, sue } = world.users;
    const first = await send(ann, bob, "to bob");
    const second = await send(bob, sue, "to sue");
    expect(await listTexts({ user: ann })).toEqual(["to bob"]);
    expect(await listTexts({ user: bob })).toEqual(["to bob", "to sue"]);
    expect(await listTexts({ user: sue })).toEqual(["to sue"]);
    expect(await listTexts({ user: sue, query: `&uniqueId=${first},${second}` })).toEqual(["to sue"]);
    expect(await expectProblem(await call("GET", { user: sue, query: `&uniqueId=${first}` }), "access_denied")).toBe(
      "This message is for somebody else.",
    );
    expect(await listTexts({ user: bob, query: `&uniqueId=${first}` })).toEqual(["to bob"]);
    expect(await (await call("GET", { user: sue, query: "&jsonata=$.data.text" })).json()).toEqual("to sue");
  });

  it("[S8] pages stay full", async () => {
    await setFunction("({ record }) => record.data.n % 7 === 0");
    for (let n = 0; n < 50; n += 1) await addRecord(server, world.endpointId, undefined, `{"n":${n},"text":"${n}"}`);
    const answer = await call("GET", { user: world.users.ann, query: "&limit=3" });
    expect(((await answer.json()) as { data: { n: number } }[]).map(({ data }) => data.n)).toEqual([0, 7, 14]);
    const next = /<([^>]+)>/.exec(answer.headers.get("link") ?? "")?.[1] ?? "";
    const more = await fetch(server.httpOrigin + next, { headers: { Authorization: `Bearer ${world.users.ann.token}` } });
    expect(((await more.json()) as { data: { n: number } }[]).map(({ data }) => data.n)).toEqual([21, 28, 35]);
  });

  it("[S8] creates, updates and deletes are judged with their input, and a refused one writes nothing", async () => {
    await setFunction(
      `({ operation, user, record, input }) => operation === "read" || (operation === "create" ? record === null && input.n < 10 : operation === "update" ? record.data.n < input.n : record.owner === user.uniqueId && input === null)`,
    );
    const { ann, bob } = world.users;
    await expectProblem(await call("POST", { user: ann, body: { n: 10 } }), "access_denied");
    const created = await call("POST", { user: ann, body: { n: 1 } });
    expect(created.status).toBe(201);
    const query = `&uniqueId=${((await created.json()) as { uniqueId: string }).uniqueId}`;
    await expectProblem(await call("PUT", { user: bob, query, body: { n: 0 } }), "access_denied");
    expect((await call("PUT", { user: bob, query, body: { n: 2 } })).status).toBe(200);
    await expectProblem(await call("DELETE", { user: bob, query }), "access_denied");
    expect(await (await call("GET", { user: bob, query })).json()).toMatchObject([{ data: { n: 2 } }]);
    expect((await call("DELETE", { user: ann, query })).status).toBe(200);
    await expectProblem(await call("POST", { user: ann, query: "&bulk=true", body: [{ n: 1 }, { n: 11 }] }), "access_denied");
    expect(await (await call("GET", { user: ann })).json()).toEqual([]);
  });

  it("[S8] a body with a duplicate key is refused, because a rule could read the value that the function does not see", async () => {
    const { ann } = world.users;
    const stored = await addRecord(server, world.endpointId, ann.id, '{"profile":{}}');
    await setFunction("({ input }) => !input || input.profile.role === undefined");
    const sendText = (method: string, query: string, text: string) =>
      fetch(`${server.httpOrigin}${world.path}?key=${world.keys.both}${query}`, {
        method,
        headers: { Authorization: `Bearer ${ann.token}`, "Content-Type": "application/json" },
        body: text,
      });
    const text = String.raw`{"profile":{"role":"admin"},"pro\u0066ile":{"x":1}}`;
    const puts = ["force", "replace", "merge"].map((strategy) => ["PUT", `&uniqueId=${stored}&strategy=${strategy}`, text] as const);
    for (const [method, query, body] of [["POST", "", text], ["POST", "&bulk=true", `[{"profile":{}},${text}]`], ...puts] as const)
      await expectProblem(await sendText(method, query, body), "access_denied");
    const refused = await sendText("POST", "", text);
    expect(((await refused.json()) as { detail: string }).detail).toBe("The body has a duplicate key at /profile. Send each key once.");
    expect((await sendText("PUT", `&uniqueId=${stored}`, '{"profile":{"x":1}}')).status).toBe(200);
    expect(await listTexts({ user: ann })).toHaveLength(1);
  });

  it("[S8] the function sees the user's data, the key without its secret, the origin and the time", async () => {
    const source = `({ user, request, now }) => ({ allow: false, reason: JSON.stringify([user, request, now]) })`;
    await setFunction(source);
    const id = await addRecord(server, world.endpointId, undefined);
    const { ann } = world.users;
    const answer = await call("GET", {
      user: ann,
      query: `&uniqueId=${id}`,
      key: world.keys.read,
      headers: { Origin: "https://app.example" },
    });
    expect(JSON.parse(await expectProblem(answer, "access_denied"))).toEqual([
      { uniqueId: ann.id, endpoint: "people/of-test", data: { username: "ann" } },
      { origin: "https://app.example", key: { name: "Another key", scope: "read" } },
      server.clock.at.getTime(),
    ]);
  });

  it("[S8] an endpoint that is not secure has no user unless a token is sent", async () => {
    world = await createSecureWorld(server, {});
    await setFunction("({ user }) => user !== null");
    const id = await addRecord(server, world.endpointId, undefined);
    await expectProblem(await call("GET", { query: `&uniqueId=${id}` }), "access_denied");
    expect(await (await call("GET")).json()).toEqual([]);
    expect((await call("GET", { query: `&uniqueId=${id}`, user: world.users.ann })).status).toBe(200);
  });

  it("[S8] the master key skips the function, and switches and the function must both allow", async () => {
    await setFunction("() => true");
    const id = await addRecord(server, world.endpointId, world.users.bob.id);
    await server.pool.query(`UPDATE "Endpoint" SET "othersCanRead" = false WHERE "id" = $1`, [world.endpointId]);
    await server.tick();
    await expectProblem(await call("GET", { user: world.users.ann, query: `&uniqueId=${id}` }), "access_denied");
    expect((await call("GET", { user: world.users.bob, query: `&uniqueId=${id}` })).status).toBe(200);
    await setFunction("() => false");
    await expectProblem(await call("GET", { user: world.users.bob, query: `&uniqueId=${id}` }), "access_denied");
    expect((await call("GET", { query: `&uniqueId=${id}`, headers: { "X-Master-Key": MASTER_KEY } })).status).toBe(200);
  });
});

describe("failures", () => {
  it.each([
    ["throws", "({ record }) =>\n  record.data.secret.missing.x"],
    ["returns 1", "() => 1"],
    ["returns a text", "() => 'true'"],
    ["never settles", "() => new Promise(() => {})"],
    ["never ends", "() => { for (;;); }"],
    ["has a reason that is too long", "() => ({ allow: true, reason: 'x'.repeat(1e6) })"],
    ["cannot be parsed any more", "() => {"],
  ])("[S8] a function that %s refuses: 403 access_function_failed, and lists are empty", async (_, source) => {
    await setFunction(source);
    const id = await addRecord(server, world.endpointId, world.users.ann.id, '{"text":"the secret text"}');
    server.logged.length = 0;
    const query = `&uniqueId=${id}`;
    const detail = await expectProblem(await call("GET", { user: world.users.ann, query }), "access_function_failed");
    expect(detail).not.toMatch(/secret/);
    expect(await listTexts({ user: world.users.ann })).toEqual([]);
    await expectProblem(await call("PUT", { user: world.users.ann, query, body: { text: "new" } }), "access_function_failed");
    await expectProblem(await call("DELETE", { user: world.users.ann, query }), "access_function_failed");
    await expectProblem(await call("POST", { user: world.users.ann, body: { text: "new" } }), "access_function_failed");
    expect((await server.records.readOne(world.endpointId, id))?.version).toBe(1);
    const logged = server.logged.filter((entry) => entry.includes("an access function failed"));
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join()).toContain(world.endpointId);
    expect(server.logged.join()).not.toMatch(/the secret text/);
  });

  it("[S8] the log has the line of an exception", async () => {
    await setFunction("({ record }) => {\n  // first\n  return record.data.secret.missing.x;\n}");
    const id = await addRecord(server, world.endpointId, undefined, '{"secret":{"text":"hidden"}}');
    server.logged.length = 0;
    await expectProblem(await call("GET", { user: world.users.ann, query: `&uniqueId=${id}` }), "access_function_failed");
    expect(server.logged.join()).toMatch(/an access function failed .*"exception" 3 1/);
  });

  it("[S8] a reason is plain text", async () => {
    await setFunction(`() => ({ allow: false, reason: "a\\r\\nb\\u0000c\\u2028d" })`);
    const id = await addRecord(server, world.endpointId, undefined);
    expect(await expectProblem(await call("GET", { user: world.users.ann, query: `&uniqueId=${id}` }), "access_denied")).toBe("a  b c d");
  });
});

describe("find", () => {
  const MEMBER = `export default async ({ record, user, find }) => {
    const [room] = await find("rooms/of-test", { uniqueId: record.data.room });
    return room !== undefined && room.data.members.includes(user.uniqueId);
  }`;

  it("[S8] reads records of the project's endpoints, also of those that the user cannot read", async () => {
    const { ann, bob } = world.users;
    const rooms = await addEndpoint(server, { projectId: world.projectId, name: "rooms/of-test", secure: true });
    await setFunction("() => false", rooms);
    const open = await addRecord(server, rooms, bob.id, JSON.stringify({ members: [ann.id, bob.id] }));
    const closed = await addRecord(server, rooms, bob.id, JSON.stringify({ members: [bob.id] }));
    for (let n = 0; n < 300; n += 1)
      await addRecord(server, world.endpointId, undefined, JSON.stringify({ text: `${n}`, room: [open, closed, createUniqueId()][n % 3] }));
    await setFunction(MEMBER);
    const numbers = Array.from({ length: 300 }, (_, n) => `${n}`);
    expect(await listTexts({ user: ann })).toEqual(numbers.filter((_, n) => n % 3 === 0));
    expect(await listTexts({ user: bob })).toEqual(numbers.filter((_, n) => n % 3 < 2));
  });

  it("[S8] finds by filters, newest first, with a limit", async () => {
    const roles = await addEndpoint(server, { projectId: world.projectId, name: "roles/of-test" });
    const { ann, bob } = world.users;
    await addRecord(server, roles, undefined, JSON.stringify({ user: ann.id, role: "admin" }));
    await addRecord(server, roles, undefined, JSON.stringify({ user: bob.id, role: "member" }));
    await addRecord(server, world.endpointId, undefined, '{"text":"x"}');
    await setFunction(
      `async ({ user, find }) => {
        const all = await find("roles/of-test", { limit: 1 });
        if (all.length !== 1 || all[0].data.role !== "member") return 0;
        const mine = await find("roles/of-test", { filter: ["user = " + JSON.stringify(user.uniqueId), "role = admin"] });
        return mine.length > 0;
      }`,
    );
    expect(await listTexts({ user: ann })).toEqual(["x"]);
    expect(await listTexts({ user: bob })).toEqual([]);
  });

  it.each([
    ["an endpoint that does not exist", `find("nothing/of-test", {})`, 404],
    ["a name that no endpoint can have", `find("Ü\\0", {})`, 404],
    ["an endpoint of another project", `find("elsewhere/of-test", {})`, 404],
    ["a uniqueId that cannot exist", `find("things/of-test", { uniqueId: "1" })`, 400],
    ["a filter that is not valid", `find("things/of-test", { filter: "a" })`, 400],
    ["too many filters", `find("things/of-test", { filter: Array(11).fill("a = 1") })`, 400],
  ])("[S8] %s throws inside the function", async (_, find, status) => {
    await server.seed({ endpointName: "elsewhere/of-test" });
    const id = await addRecord(server, world.endpointId, undefined);
    const { ann } = world.users;
    await setFunction(`({ find }) => ${find}.then(() => false, (error) => error.status === ${status})`);
    expect((await call("GET", { user: ann, query: `&uniqueId=${id}` })).status).toBe(200);
    await setFunction(`async ({ find }) => { await ${find}; return true; }`);
    await expectProblem(await call("GET", { user: ann, query: `&uniqueId=${id}` }), "access_function_failed");
  });

  it("[S8] results of more than 1 MiB throw inside the function", async () => {
    const large = await addEndpoint(server, { projectId: world.projectId, name: "large/of-test" });
    for (let n = 0; n < 3; n += 1) await addRecord(server, large, undefined, JSON.stringify("x".repeat(500_000)));
    const id = await addRecord(server, world.endpointId, undefined);
    const read = () => call("GET", { user: world.users.ann, query: `&uniqueId=${id}` });
    await setFunction(`async ({ find }) => (await find("large/of-test", { limit: 2 })).length === 2`);
    expect((await read()).status).toBe(200);
    await setFunction(`({ find }) => find("large/of-test", { limit: 3 }).then(() => false, (error) => error.status === 413)`);
    expect((await read()).status).toBe(200);
    await setFunction(
      `async ({ find }) => { await find("large/of-test", { limit: 2 }); return find("large/of-test", { limit: 1 }).then(() => false, (error) => error.status === 413); }`,
    );
    expect((await read()).status).toBe(200);
  });
});

describe("on streams", () => {
  it("[S8] [W29] changes, snapshots and replays contain what GET would show", async () => {
    await setFunction(CHAT);
    const { ann, bob, sue } = world.users;
    await send(ann, bob, "before");
    const streams = { ann: await connect(ann, "&since=now"), bob: await connect(bob, "&since=now"), sue: await connect(sue, "&since=now") };
    const first = await send(ann, bob, "ann to bob");
    await send(bob, sue, "bob to sue");
    await call("DELETE", { user: ann, query: `&uniqueId=${first}` });
    await send(ann, sue, "ann to sue");
    const textsOf = (texts: readonly string[]) =>
      texts.map((text) => JSON.parse(text)).flatMap(({ type, record }) => (record ? [`${type} ${record.data.text}`] : []));
    const until = async (client: (typeof streams)["ann"], count: number) => {
      for (let at = 0; textsOf(client.texts).length < count; at += 1) await client.at(at);
      return textsOf(client.texts);
    };
    expect(await until(streams.sue, 2)).toEqual(["POST bob to sue", "POST ann to sue"]);
    expect(await until(streams.bob, 3)).toEqual(["POST ann to bob", "POST bob to sue", "DELETE ann to bob"]);
    expect(await until(streams.ann, 3)).toEqual(["POST ann to bob", "DELETE ann to bob", "POST ann to sue"]);
    const snapshot = await openEvents(`${server.httpOrigin}${world.path}?key=${world.keys.both}&snapshot=true`, {
      Authorization: `Bearer ${sue.token}`,
    });
    await snapshot.until("the end of the snapshot", (client) => client.text().includes("ann to sue"));
    expect(snapshot.text()).not.toMatch(/before|ann to bob/);
    snapshot.drop();
  });

  it("[S8] a stream needs a function that allows read and subscribe", async () => {
    await setFunction(`({ operation, record }) => operation === "create" || record.data[operation] === true`);
    const { ann } = world.users;
    const stream = await connect(ann);
    for (const data of [{ read: true }, { subscribe: true }, { read: false, subscribe: true }, { read: true, subscribe: true, n: 1 }])
      await addRecord(server, world.endpointId, undefined, JSON.stringify(data));
    expect(await stream.at(0)).toMatchObject({ record: { data: { read: true, subscribe: true, n: 1 } } });
  });

  it("[S8] [W6] a stream ends when the function changes, and when a record that it found changes", async () => {
    const { ann } = world.users;
    const rooms = await addEndpoint(server, { projectId: world.projectId, name: "rooms/of-test" });
    const room = await addRecord(server, rooms, undefined, '{"open":true}');
    await setFunction(
      `async ({ find }) => { const [room] = await find("rooms/of-test", { uniqueId: "${room}" }); return room.data.open; }`,
    );
    const stream = await connect(ann);
    await addRecord(server, world.endpointId, undefined, '{"n":1}');
    expect(await stream.at(0)).toMatchObject({ record: { data: { n: 1 } } });
    await server.records.commit(rooms, [{ type: "PUT", id: room, contentType: "json", data: '{"open":false}' }]);
    await server.tick();
    expect(await stream.closed).toMatchObject({ code: 1000 });
    const other = await connect(ann);
    await setFunction("() => true");
    expect(await other.closed).toMatchObject({ code: 1000 });
  });
});
