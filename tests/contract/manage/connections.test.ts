/** Tests the open streams of another server as the dashboard lists and ends them (G16), and the delivery of changes (G17). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createOpenStreamStore } from "@/src/db/stores/open-streams";
import type { Connections, Deliveries } from "@/src/shared/management/schemas";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { addTicket } from "@/tests/support/clients/tickets";
import { createUser } from "@/tests/support/clients/users";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let database: TestDatabase;
/** Serves the dashboard. */
let server: ManageServer;
/** Holds the streams. */
let node: RealtimeServer;
let ada: Person;
let projectId: string;
let endpoint: { id: string; name: string };
let key: { id: string; key: string };
let count = 0;
const clients: StreamClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startManageServer({}, database);
  node = await createRealtimeServer({ database });
});
afterAll(async () => {
  await node.close();
  await server.stop();
  await database.drop();
});
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const { body } = await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } });
  projectId = body.project.id;
  endpoint = body.endpoint;
  key = body.key;
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await node.tick();
});

const pathOf = (name = endpoint.name) => `/api/1/ce/${name}?key=${key.key}`;

async function connect(path: string, headers: Record<string, string> = {}, origin?: string): Promise<StreamClient> {
  // Streams that open within a millisecond have no order.
  node.clock.at = new Date(node.clock.at.getTime() + 1000);
  const client = await node.connect(path, { headers, ...(origin === undefined ? {} : { origin }) });
  clients.push(client);
  return client;
}

async function list(query = "", person = ada): Promise<Connections> {
  const answer = await person.call("GET", `/api/manage/projects/${projectId}/connections${query}`);
  expect(answer.status).toBe(200);
  return answer.body;
}

describe("open streams", () => {
  it("[G16] of another server are listed with their access, newest first, and removed when they close", async () => {
    const first = await connect(pathOf());
    const second = await connect(`${pathOf()}&since=now`, {}, "https://app.example");
    await second.take(1);
    await node.tick();
    const { connections, total } = await list();
    expect(total).toBe(2);
    expect(connections).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        endpointId: endpoint.id,
        endpoint: endpoint.name,
        transport: "ws",
        dashboard: false,
        keyId: key.id,
        key: "First key",
        origin: "https://app.example",
        user: null,
        filter: null,
        openedAt: expect.any(String),
        resumable: true,
        state: "live",
        lag: 0,
        queueBytes: 0,
      },
      expect.objectContaining({ origin: null, resumable: false }),
    ]);
    await first.close();
    await node.tick();
    expect((await list()).connections.map(({ id }) => id)).toEqual([connections[0]?.id]);
  });

  it("[G2] [G16] are counted by endpoint, on whichever server", async () => {
    const count = async () => (await ada.call("GET", `/api/manage/endpoints/${endpoint.id}`)).body.subscribers;
    expect(await count()).toBe(0);
    const first = await connect(pathOf());
    await connect(`${pathOf()}&since=now`);
    await node.tick();
    expect(await count()).toBe(2);
    await first.close();
    await node.tick();
    expect(await count()).toBe(1);
  });

  it("[G16] of users are listed with names, and those of the dashboard as such, without keys, tokens or master keys", async () => {
    const users = await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, {
      body: { name: "app/users", kind: "authentication" },
    });
    const ann = await createUser({ origin: node.httpOrigin, path: pathOf("app/users") }, { username: "ann" });
    await connect(pathOf("app/users"), ann.headers);
    const ticket = await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/stream-ticket`);
    await connect(ticket.body.path);
    await node.tick();
    const { connections } = await list();
    expect(connections.map(({ endpointId, user, dashboard }) => [endpointId, user, dashboard])).toEqual([
      [endpoint.id, null, true],
      [users.body.id, "ann", false],
    ]);
    const text = JSON.stringify(connections);
    for (const secret of [key.key, ann.token, ticket.body.ticket]) expect(text).not.toContain(secret);
  });

  it("[G16] can be filtered by endpoint, and are counted beyond the limit", async () => {
    const other = await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "other/readings" } });
    for (const name of [endpoint.name, "other/readings", "other/readings"]) await connect(pathOf(name));
    await node.tick();
    expect((await list(`?endpointId=${other.body.id}`)).total).toBe(2);
    expect(await list("?limit=1")).toMatchObject({ total: 3, connections: [{ endpointId: other.body.id }] });
    for (const query of ["?limit=0", "?limit=501", "?limit=x", "?endpointId=x"])
      expect(await ada.call("GET", `/api/manage/projects/${projectId}/connections${query}`)).toMatchObject({
        status: 400,
        body: { code: "parameter_invalid" },
      });
  });

  it("[G16] can be filtered by key", async () => {
    const other = (await ada.call("POST", `/api/manage/projects/${projectId}/keys`, { body: { name: "Other" } })).body;
    await connect(pathOf());
    await connect(`/api/1/ce/${endpoint.name}?key=${other.key}`);
    await node.tick();
    expect(await list(`?keyId=${other.id}`)).toMatchObject({ total: 1, connections: [{ keyId: other.id, key: "Other" }] });
    expect((await list(`?keyId=${key.id}`)).connections.map(({ keyId }) => keyId)).toEqual([key.id]);
  });

  it("[G16] [W6] can be ended, with the reason; others continue", async () => {
    const [stays, goes] = [await connect(pathOf()), await connect(`${pathOf()}&since=now`)];
    await goes.take(1);
    await node.tick();
    const target = (await list()).connections.find(({ resumable }) => resumable);
    expect(await ada.call("DELETE", `/api/manage/connections/${target?.id}`)).toMatchObject({ status: 204 });
    await node.tick();
    expect(await goes.closed).toEqual({ code: 1000, reason: "The project's owner ended this connection." });
    await node.tick();
    expect((await list()).total).toBe(1);
    expect(await ada.call("DELETE", `/api/manage/connections/${target?.id}`)).toMatchObject({ status: 404 });
    await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/records`, { body: { n: 1 } });
    await node.tick();
    expect((await stays.take(1))[0]?.record?.data).toEqual({ n: 1 });
  });

  it("[G6] [G16] of another account can be neither listed nor ended", async () => {
    await connect(pathOf());
    await node.tick();
    const [connection] = (await list()).connections;
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("GET", `/api/manage/projects/${projectId}/connections`)).toMatchObject({ status: 404 });
    expect(await eve.call("DELETE", `/api/manage/connections/${connection?.id}`)).toMatchObject({ status: 404 });
    await node.tick();
    expect((await list()).total).toBe(1);
  });

  it("[G16] of a server without a heartbeat are not listed, and come back with the server", async () => {
    await connect(pathOf());
    await node.tick();
    expect((await list()).total).toBe(1);
    await node.pool.query(`UPDATE "ServerNode" SET "seenAt" = now() - interval '20 seconds'`);
    expect((await list()).total).toBe(0);
    // As another server's sweep, or a crash of PostgreSQL, leaves it.
    await node.pool.query(`DELETE FROM "ServerNode"`);
    for (let tick = 0; tick < 4; tick++) await node.tick();
    expect((await list()).total).toBe(1);
  });

  it("[G16] of servers without a heartbeat for long are deleted", async () => {
    const store = createOpenStreamStore({ db: node.db });
    await store.heartbeat("00000000-0000-4000-8000-000000000001");
    await node.pool.query(`UPDATE "ServerNode" SET "seenAt" = now() - interval '1 hour' WHERE id = '00000000-0000-4000-8000-000000000001'`);
    await store.heartbeat("00000000-0000-4000-8000-000000000002");
    const { rows } = await node.pool.query<{ id: string }>(`SELECT id FROM "ServerNode" WHERE id::text LIKE '00000000%'`);
    expect(rows).toEqual([{ id: "00000000-0000-4000-8000-000000000002" }]);
    await store.remove("00000000-0000-4000-8000-000000000002");
  });
});

describe("the delivery of a change", () => {
  const read = (seq: number | string, person = ada) => person.call("GET", `/api/manage/endpoints/${endpoint.id}/changes/${seq}/delivery`);

  it("[G17] reports who receives it, who does not, and why", async () => {
    await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "app/users", kind: "authentication" } });
    const secured = await ada.call("PATCH", `/api/manage/endpoints/${endpoint.id}`, { body: { secure: true } });
    expect(secured.status).toBe(200);
    node.definitions.invalidate(projectId);
    const people = { origin: node.httpOrigin, path: pathOf("app/users") };
    const [ann, bob] = [await createUser(people, { username: "ann" }), await createUser(people, { username: "bob" })];
    await connect(pathOf(), ann.headers);
    await connect(pathOf(), bob.headers);
    const headers = { ...ann.headers, "Content-Type": "application/json" };
    await fetch(node.httpOrigin + pathOf(), { method: "POST", headers, body: "1" });
    await connect(pathOf(), ann.headers);
    await node.tick();
    const { status, body }: { status: number; body: Deliveries } = await read(1);
    expect(status).toBe(200);
    expect(body).toMatchObject({ owner: "ann", total: 3, at: expect.any(String) });
    expect(body.streams.map(({ user, verdict, reason }) => [user, verdict, reason])).toEqual([
      ["ann", "later", "It was opened later, and did not request a replay."],
      ["bob", "refused", "The record belongs to ann, and this stream receives only its own user's records."],
      ["ann", "sent", "It was open."],
    ]);
  });

  it("[G17] [W29] reports whom access rules and an access function refuse it, by the record as it was in the change", async () => {
    await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "app/users", kind: "authentication" } });
    const rules = { read: "data.room = @user.data.room | data.isPublic = true" };
    const accessFunction = "({ record }) => ({ allow: record.data.n !== 13, reason: 'unlucky' })";
    await node.pool.query(`UPDATE "Endpoint" SET secure = true, rules = $2::json, "accessFunction" = $3 WHERE id = $1`, [
      ...[endpoint.id, JSON.stringify(rules), accessFunction],
    ]);
    node.definitions.invalidate(projectId);
    server.runtime.definitions.invalidate(projectId);
    const people = { origin: node.httpOrigin, path: pathOf("app/users") };
    const [ann, bob] = [
      await createUser(people, { username: "ann", data: { room: "red" } }),
      await createUser(people, { username: "bob", data: { room: "blue" } }),
    ];
    const streams = [await connect(pathOf(), ann.headers), await connect(pathOf(), bob.headers)];
    await connect(`/api/1/ce/${endpoint.name}?ticket=${(await addTicket(node, { projectId, endpointId: endpoint.id })).ticket}`);
    const post = (data: object) =>
      node.records.commit(endpoint.id, [{ type: "POST", id: createUniqueId(), contentType: "json", data: JSON.stringify(data) }]);
    await post({ room: "red" });
    await post({ isPublic: true, n: 13 });
    await post({ isPublic: true, n: 14 });
    await Promise.all(streams.map((stream, index) => stream.take(2 - index)));
    await node.tick();
    const readReasons = async (seq: number) => {
      const { body }: { body: Deliveries } = await read(seq);
      return body.streams.map(({ user, dashboard, verdict, reason }) => [dashboard ? "the console" : user, verdict, reason]);
    };
    const whole = ["the console", "sent", "It was open."];
    const refusal =
      "The rule for reading refuses it: data.isPublic = true is undecided, because a value is missing, null or of another type.";
    expect(await readReasons(1)).toEqual([whole, ["bob", "refused", refusal], ["ann", "sent", "It was open."]]);
    const unlucky = "The access function refuses it: unlucky";
    expect(await readReasons(2)).toEqual([whole, ["bob", "refused", unlucky], ["ann", "refused", unlucky]]);
    expect((await readReasons(3)).map(([, verdict]) => verdict)).toEqual(["sent", "sent", "sent"]);
  });

  it("[G16] [G17] [W13] reports whose filter omits it", async () => {
    for (const filter of ["data.n > 1", "data.n = 1", "data.n + 'x'"]) await connect(`${pathOf()}&jsonata=${encodeURIComponent(filter)}`);
    await node.tick();
    // The streams' server must not receive it: it would end the stream whose filter fails.
    await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/records`, { body: { n: 1 } });
    const { body }: { body: Deliveries } = await read(1);
    expect(body.streams.map(({ filter, verdict, reason }) => [filter, verdict, reason])).toEqual([
      ["data.n + 'x'", "sent", "It was open. Its filter could not be evaluated."],
      ["data.n = 1", "sent", "It was open. Its filter matches the record."],
      ["data.n > 1", "filtered", "Its filter does not match the record."],
    ]);
  });

  it.each(["2", "0", "x", "99999999999999999999"])("[G17] of the nonexistent change %s is not found", async (seq) => {
    await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/records`, { body: { n: 1 } });
    expect(await read(seq)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("[G6] [G17] of another account's endpoint is not found", async () => {
    await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/records`, { body: { n: 1 } });
    expect((await read(1)).status).toBe(200);
    expect((await read(1, await server.createPerson(`Eve${count}`))).status).toBe(404);
  });
});
