/** Tests changes as server-sent events (W12) over real sockets and a real log: their format, and that none is missed. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toProjectDocument } from "@/src/management/openapi/project/document";
import { listOperations } from "@/src/shared/openapi";
import { type EventClient, openEvents } from "@/tests/support/clients/event-client";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { readCursor } from "@/tests/support/clients/read-cursor";
import { expectProblem } from "@/tests/support/expect-problem";
import { createSchemaCheck } from "@/tests/support/openapi";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const open = (path: string, headers: Record<string, string> = {}) => openEvents(`${server.httpOrigin}${path}`, headers);

const cursorOf = ({ endpointId }: Seed, seq?: number) => readCursor(server.changes, endpointId, seq);

async function send(path: string, method: string, body?: string): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${server.httpOrigin}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  expect(answer.ok).toBe(true);
  return answer.text();
}

async function upload(path: string, texts: readonly string[]): Promise<string> {
  const body = toForm(texts.map((text) => filePart(text)));
  const answer = await fetch(`${server.httpOrigin}${path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE }, body });
  expect(answer.status).toBe(201);
  return answer.text();
}

const hasMessages = (count: number) => (client: EventClient) => client.messages().length >= count;
const idsOf = (client: EventClient) => client.messages().map(({ record }) => record.uniqueId);

describe("events", () => {
  it("[G5] [W12] are described, and each has a Change as its data", async () => {
    const seed = await server.seed();
    const switches = { othersCanRead: false, othersCanUpdate: false, othersCanDelete: false } as const;
    const kind = { kind: "data", secure: false, ...switches, rules: null, accessFunction: null } as const;
    const endpoint = { id: seed.endpointId, name: seed.endpointName, description: "", ...kind, schema: null };
    const document = toProjectDocument({
      origin: "https://rested.test",
      projectId: seed.projectId,
      projectName: "Test",
      endpoints: [endpoint],
    });
    const get = listOperations(document).find(({ path }) => path.endsWith(":events"));
    const client = await open(seed.path);
    const type = client.headers["content-type"]?.split(";")[0] ?? "";
    expect(get?.responses.find(({ status }) => status === "200")?.response.content?.[type]).toBeDefined();
    await server.post(seed, { n: 1 });
    await client.until("the change", ({ messages }) => messages().length === 1);
    expect(createSchemaCheck(document, { $ref: "#/components/schemas/StoredChange" })(client.messages()[0])).toEqual([]);
    client.drop();
  });

  it("[W12] a change is a message whose id is its cursor; nothing else is dispatched, but the stream has an id from its beginning", async () => {
    const seed = await server.seed();
    await server.post(seed, "before");
    const client = await open(seed.path);
    const posted = await send(seed.path, "POST", '{"b":1.0, "a":2}');
    const { uniqueId } = JSON.parse(posted);
    const put = await send(`${seed.path}&uniqueId=${uniqueId}`, "PUT", "[]");
    const deleted = await send(`${seed.path}&uniqueId=${uniqueId}`, "DELETE");
    await client.until("three changes", hasMessages(3));
    const changes = [
      ["POST", posted],
      ["PUT", put],
      ["DELETE", deleted],
    ];
    const events = await Promise.all(
      changes.map(
        async ([type, record], index) => `id: ${await cursorOf(seed, index + 2)}\ndata: {"type":"${type}","record":${record}}\n\n`,
      ),
    );
    expect(client.text()).toBe(`retry: 1000\nid: ${await cursorOf(seed, 1)}\n\n${events.join("")}`);
  });

  it("[W16] line breaks within a record do not end an event", async () => {
    const seed = await server.seed();
    const client = await open(seed.path);
    await send(seed.path, "POST", '{\r\n  "a": 1,\r\r\n\n"data: x":\n "\\n\\nid: 1"}');
    await client.until("the change", hasMessages(1));
    expect(client.messages()[0]?.record.data).toEqual({ a: 1, "data: x": "\n\nid: 1" });
    expect(client.lastEventId()).toBe(await cursorOf(seed, 1));
  });

  it("[W12] with since the messages are those of a WebSocket, cursors included, and have ids too", async () => {
    const seed = await server.seed();
    const client = await open(`${seed.path}&since=now`);
    const id = await server.post(seed, "x");
    await client.until("READY and a change", hasMessages(2));
    const [before, after] = [await cursorOf(seed, 0), await cursorOf(seed, 1)];
    expect(client.messages()).toMatchObject([
      { type: "READY", cursor: before },
      { type: "POST", record: { uniqueId: id, data: "x" }, cursor: after },
    ]);
    expect(client.events().map((event) => event.id)).toEqual([before, after]);
  });

  it("[W16] files that are sent together are one message, live and after a resume, with the id of the last; with since, each file is a message", async () => {
    const seed = await server.seed();
    const live = await open(seed.path);
    const each = await open(`${seed.path}&since=now`);
    const start = live.lastEventId() || (await cursorOf(seed, 0));
    const records = await upload(seed.path, ["a", "b", "c"]);
    const one = JSON.parse(await upload(seed.path, ["d"]));
    await live.until("both uploads", hasMessages(2));
    const resumed = await open(seed.path, { "Last-Event-ID": start });
    await resumed.until("both uploads", hasMessages(2));
    for (const client of [live, resumed]) {
      expect(client.events().map(({ id, data }) => ({ id, data }))).toEqual([
        { id: await cursorOf(seed, 3), data: `{"type":"POST","record":${records}}` },
        { id: await cursorOf(seed, 4), data: `{"type":"POST","record":${JSON.stringify(one)}}` },
      ]);
    }
    await each.until("READY and four changes", hasMessages(5));
    expect(
      each
        .messages()
        .slice(1)
        .map(({ record }) => record),
    ).toEqual([...JSON.parse(records), one]);
  });

  it("[W5] [W12] a user receives only changes of its own records", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { ann, bob } = world.users;
    const path = `${world.path}?key=${world.keys.both}`;
    const client = await open(`${path}&accessToken=${ann.token}`);
    await addRecord(server, world.endpointId, bob.id);
    const first = await addRecord(server, world.endpointId, ann.id);
    await client.until("its own", hasMessages(1));
    client.drop();
    await addRecord(server, world.endpointId, bob.id);
    const second = await addRecord(server, world.endpointId, ann.id);
    const again = await open(path, { Authorization: `Bearer ${ann.token}`, "Last-Event-ID": client.lastEventId() });
    await again.until("its own", hasMessages(1));
    expect([...idsOf(client), ...idsOf(again)]).toEqual([first, second]);
  });
});

describe("resuming", () => {
  it("[W12] nothing is missed between the head and the first change: the stream's first id resumes", async () => {
    const seed = await server.seed();
    await server.post(seed, "before");
    const client = await open(seed.path);
    await client.until("an id", () => client.lastEventId() !== "");
    client.drop();
    const id = await server.post(seed, "missed");
    const again = await open(seed.path, { "Last-Event-ID": client.lastEventId() });
    await again.until("what was missed", hasMessages(1));
    expect(idsOf(again)).toEqual([id]);
    expect(again.blocks()[0]).toEqual({ type: "message", data: undefined, id: client.lastEventId() });
  });

  it("[W12] Last-Event-ID goes before the URL's since: browsers connect again with the old URL", async () => {
    const seed = await server.seed();
    const ids = [await server.post(seed, 1), await server.post(seed, 2), await server.post(seed, 3)];
    for (const since of ["now", await cursorOf(seed, 0)]) {
      const client = await open(`${seed.path}&since=${since}`, { "Last-Event-ID": await cursorOf(seed, 1) });
      await client.until("READY and two changes", hasMessages(3));
      const [ready, ...changes] = client.messages();
      expect(ready).toEqual({ type: "READY", cursor: await cursorOf(seed, 1) });
      expect(changes.map(({ record }) => record.uniqueId)).toEqual(ids.slice(1));
    }
  });

  it("[W12] lastEventId in the URL resumes as the header does, before since and snapshot", async () => {
    const seed = await server.seed();
    const ids = [await server.post(seed, 1), await server.post(seed, 2), await server.post(seed, 3)];
    const id = await cursorOf(seed, 1);
    const changedIds = (client: EventClient) => client.messages().flatMap(({ type, record }) => (type === "POST" ? [record.uniqueId] : []));
    for (const query of ["", "&since=now", "&snapshot=true"]) {
      const client = await open(`${seed.path}${query}&lastEventId=${id}`);
      await client.until("what was missed", () => changedIds(client).length === 2);
      expect(changedIds(client)).toEqual(ids.slice(1));
    }
    const both = await open(`${seed.path}&lastEventId=${id}`, { "Last-Event-ID": id });
    await both.until("what was missed", hasMessages(2));
  });

  it("[W12] a header and a parameter that differ are refused by both names", async () => {
    const seed = await server.seed();
    const headers = { Accept: "text/event-stream", "Last-Event-ID": await cursorOf(seed, 1) };
    const answer = await fetch(`${server.httpOrigin}${seed.path}&lastEventId=${await cursorOf(seed, 0)}`, { headers });
    expect(await expectProblem(answer, "parameter_invalid")).toMatch(/header Last-Event-ID and the parameter lastEventId differ/);
    const malformed = await fetch(`${server.httpOrigin}${seed.path}&lastEventId=x`, { headers: { Accept: "text/event-stream" } });
    await expectProblem(malformed, "cursor_invalid");
  });

  it("[W12] an empty Last-Event-ID is ignored", async () => {
    const seed = await server.seed();
    await server.post(seed, "before");
    const client = await open(seed.path, { "Last-Event-ID": "" });
    const id = await server.post(seed, "after");
    await client.until("a change", hasMessages(1));
    expect(idsOf(client)).toEqual([id]);
  });

  it("[W10] [W12] expired changes are an event of the type gap; with since, a message", async () => {
    const seed = await server.seed();
    const ids = [await server.post(seed, 1), await server.post(seed, 2), await server.post(seed, 3)];
    await server.pool.query(`DELETE FROM "Change" WHERE "endpointId" = $1 AND seq <= 2`, [seed.endpointId]);
    const [from, to] = [await cursorOf(seed, 0), await cursorOf(seed, 2)];
    const gap = { type: "GAP", from, to, reason: "expired", cursor: to };
    const plain = await open(seed.path, { "Last-Event-ID": from });
    await plain.until("what is kept", hasMessages(1));
    expect(plain.events()).toMatchObject([
      { type: "gap", id: to, data: JSON.stringify(gap) },
      { type: "message", id: await cursorOf(seed, 3) },
    ]);
    expect(idsOf(plain)).toEqual(ids.slice(2));
    const withCursors = await open(`${seed.path}&since=${from}`);
    await withCursors.until("what is kept", hasMessages(3));
    expect(withCursors.messages().map((message) => message.type)).toEqual(["READY", "GAP", "POST"]);
    expect(withCursors.messages()[1]).toEqual(gap);
  });

  it("[W12] every record arrives once and in order, in any interleaving of writes, uploads and disconnects", async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant("write" as const), count: fc.integer({ min: 1, max: 5 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("upload" as const), count: fc.integer({ min: 2, max: 4 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("reconnect" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const seed = await server.seed();
        const writing: Promise<unknown>[] = [];
        const heard: string[] = [];
        let client = await open(seed.path);
        let lastEventId = await cursorOf(seed, 0);
        const reconnect = async () => {
          client.drop();
          await client.ended;
          lastEventId = client.lastEventId() || lastEventId;
          heard.push(...toIds(client));
          client = await open(seed.path, { "Last-Event-ID": lastEventId });
        };
        for (const { do: what, ...rest } of steps) {
          const count = "count" in rest ? rest.count : 0;
          // Not awaited, so that they overlap with the next steps.
          if (what === "write") for (let i = 0; i < count; i++) writing.push(server.post(seed, i));
          else if (what === "upload") writing.push(upload(seed.path, Array.from({ length: count }, String)));
          else await reconnect();
        }
        await Promise.all(writing);
        const log = await server.changes.read(seed.endpointId, 0, 1_000);
        await client.until("the rest of the log", () => heard.length + toIds(client).length >= log.length);
        await reconnect();
        expect(heard).toEqual(log.map(({ record }) => record.id));
        client.drop();
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});

/** Returns the changes of an event; an upload has one for each record. */
function toIds(client: EventClient): string[] {
  return client
    .messages<{ record: { uniqueId: string } | { uniqueId: string }[] }>()
    .flatMap(({ record }) => record)
    .map(({ uniqueId }) => uniqueId);
}
