/** Tests snapshots (W11) over real sockets, a real log and two nodes: the records and the changes after them result in the stored state. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEvents } from "@/tests/support/clients/event-client";
import { readCursor } from "@/tests/support/clients/read-cursor";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { expectProblem } from "@/tests/support/expect-problem";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
/** A second node, whose writes reach the subscribers of the first one only through the log. */
let node: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer({ queueBytesMax: 262_144 });
  node = await createRealtimeServer({ database: server.database });
});
afterAll(async () => {
  await node.close();
  await server.close();
});

interface WireRecord {
  uniqueId: string;
  data: unknown;
}
interface Message {
  type: string;
  record: WireRecord | WireRecord[];
  cursor?: string;
}

const toMessage = (text: string): Message => JSON.parse(text);
const messagesOf = ({ texts }: StreamClient) => texts.map(toMessage);
const recordsOf = (messages: readonly Message[]) => messages.filter(({ type }) => type === "SNAPSHOT").flatMap(({ record }) => record);

const cursorOf = ({ endpointId }: Seed, seq?: number) => readCursor(server.changes, endpointId, seq);

const list = async ({ path }: { path: string }, headers: Record<string, string> = {}): Promise<WireRecord[]> =>
  (await fetch(`${server.httpOrigin}${path}`, { headers })).json();

async function change(at: RealtimeServer, { path }: Seed, method: "PUT" | "DELETE", id: string, data?: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const body = data === undefined ? {} : { body: JSON.stringify(data) };
  const answer = await fetch(`${at.httpOrigin}${path}&uniqueId=${id}`, { method, headers, ...body });
  await answer.text();
}

/** The position of each state of each record in the log. The data is a number that is unique for each write. */
async function readOrder({ endpointId }: Seed): Promise<Map<string, number>> {
  const log = await server.changes.read(endpointId, 0, 1_000);
  return new Map(log.filter(({ type }) => type !== "DELETE").map(({ seq, record }) => [`${record.id} ${Number(record.data)}`, seq]));
}

/** The records of a client that follows the protocol. Expects that no record goes backwards and that no change arrives twice. */
function toHeld(messages: readonly Message[], order: ReadonlyMap<string, number>): Map<string, unknown> {
  const held = new Map<string, unknown>();
  const seqOf = (id: string) => order.get(`${id} ${held.get(id)}`) ?? 0;
  for (const { type, record } of messages) {
    for (const { uniqueId, data } of record === undefined ? [] : [record].flat()) {
      const before = seqOf(uniqueId);
      if (type === "DELETE") held.delete(uniqueId);
      else {
        held.set(uniqueId, data);
        expect(seqOf(uniqueId)).toBeGreaterThan(before);
      }
    }
  }
  return held;
}

describe("snapshot=true", () => {
  it("[W11] sends the records as GET returns them, then the changes; without since, no message has a cursor", async () => {
    const seed = await server.seed();
    for (const data of [{ b: 1, a: [2] }, "text", null]) await server.post(seed, data);
    const records = await list(seed);
    const client = await server.connect(`${seed.path}&snapshot=true`);
    await client.take(1);
    const id = await server.post(seed, "live");
    await client.take(2);
    expect(messagesOf(client)).toEqual([
      { type: "SNAPSHOT", record: records },
      { type: "POST", record: expect.objectContaining({ uniqueId: id }) },
    ]);
  });

  it("[W11] an empty endpoint: one message with an empty array", async () => {
    const seed = await server.seed();
    const client = await server.connect(`${seed.path}&snapshot=true`);
    await client.take(1);
    expect(client.texts).toEqual(['{"type":"SNAPSHOT","record":[]}']);
  });

  it("[W9] [W11] since=now: READY, and only the last message of the snapshot has a cursor, from which the stream resumes", async () => {
    const seed = await server.seed();
    await server.pool.query(
      `INSERT INTO "Record" ("id", "endpointId", "data") SELECT gen_random_uuid(), $1, to_json(repeat('x', 1000) || n) FROM generate_series(1, 500) AS n`,
      [seed.endpointId],
    );
    const cursor = await cursorOf(seed);
    const client = await server.connect(`${seed.path}&since=now&snapshot=true`);
    let count = 2;
    while ((await client.at(count - 1)).cursor === undefined) count++;
    const [ready, ...pages] = messagesOf(client);
    expect(ready).toEqual({ type: "READY" });
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.map((page) => page.cursor)).toEqual([...pages.slice(1).map(() => undefined), cursor]);
    expect(recordsOf(pages)).toEqual(await list(seed));
    for (const text of client.texts) expect(text.length).toBeLessThan(65_536 + 2_000);
    await client.close();
    const id = await server.post(seed, "missed");
    const again = await server.connect(`${seed.path}&since=${cursor}`);
    expect((await again.at(1)).record?.uniqueId).toBe(id);
  });

  it("[W11] with a record larger than the queue and a slow client, nothing is lost", async () => {
    const seed = await server.seed();
    for (let i = 0; i < 12; i++) await server.post(seed, `${i}${"x".repeat(i === 3 ? 900_000 : 200_000)}`);
    const client = await server.connect(`${seed.path}&snapshot=true`);
    client.webSocket.pause();
    await server.hub.poll();
    const backlogBytes = [...server.hub.connections()].find(({ endpointId }) => endpointId === seed.endpointId)?.backlogBytes ?? 0;
    expect(backlogBytes).toBeLessThan(1_300_000);
    client.webSocket.resume();
    const records = await list(seed);
    let count = 1;
    while (recordsOf(messagesOf(client)).length < records.length) await client.take(count++);
    expect(recordsOf(messagesOf(client))).toEqual(records);
  });

  it("[S2] [W5] [W11] sends only records that the subscriber may read", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { ann, bob } = world.users;
    const own = [await addRecord(server, world.endpointId, ann.id)];
    await addRecord(server, world.endpointId, bob.id);
    own.push(await addRecord(server, world.endpointId, ann.id));
    const path = `${world.path}?key=${world.keys.both}`;
    const client = await server.connect(`${path}&accessToken=${ann.token}&snapshot=true`);
    await client.take(1);
    const [snapshot] = messagesOf(client);
    expect(recordsOf(messagesOf(client)).map(({ uniqueId }) => uniqueId)).toEqual(own);
    expect(snapshot?.record).toEqual(await list({ path }, { Authorization: `Bearer ${ann.token}` }));
  });

  it("[W11] [W12] as server-sent events, only the last part of the snapshot has an id; a client that resumes with it gets no second snapshot", async () => {
    const seed = await server.seed();
    await server.post(seed, 1);
    const url = `${server.httpOrigin}${seed.path}&snapshot=true`;
    const client = await openEvents(url);
    await client.until("the snapshot", () => client.events().length === 1);
    expect(client.blocks()).toEqual([
      { type: "message", data: undefined, id: undefined },
      { type: "message", data: JSON.stringify({ type: "SNAPSHOT", record: await list(seed) }), id: await cursorOf(seed) },
    ]);
    client.drop();
    const id = await server.post(seed, 2);
    const again = await openEvents(url, { "Last-Event-ID": client.lastEventId() });
    await again.until("what was missed", () => again.events().length === 1);
    expect(again.messages().map(({ type, record }) => [type, record.uniqueId])).toEqual([["POST", id]]);
  });

  it("[W11] with a cursor, or with a value other than true and false, it is an error", async () => {
    const seed = await server.seed();
    for (const query of [`&since=${await cursorOf(seed)}&snapshot=true`, "&snapshot=yes"]) {
      const client = await server.connect(`${seed.path}${query}`);
      expect((await client.closed).code).toBe(4000);
      const answer = await fetch(`${server.httpOrigin}${seed.path}${query}`, { headers: { Accept: "text/event-stream" } });
      expect(await expectProblem(answer, "parameter_invalid")).toMatch(/snapshot/);
    }
    const plain = await server.connect(`${seed.path}&since=now&snapshot=false`);
    expect((await plain.at(0)).cursor).toBe(await cursorOf(seed));
  });
});

type Step = { do: "post" } | { do: "put" | "delete"; index: number } | { do: "subscribe"; how: "" | "&since=now" } | { do: "poll" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("post" as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("put" as const, "delete" as const, "put" as const), index: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("subscribe" as const), how: fc.constantFrom("" as const, "&since=now" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("poll" as const) }) },
);

describe("interleavings", () => {
  it("[W11] a client has the stored state in the end, and no record goes backwards, in any interleaving of snapshots and writes of two nodes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const seed = await server.seed();
        // The records are large enough for several pages.
        await server.pool.query(
          `INSERT INTO "Record" ("id", "endpointId", "data") SELECT gen_random_uuid(), $1, ('1' || repeat(' ', 20000))::json FROM generate_series(1, 12)`,
          [seed.endpointId],
        );
        const ids = (await list(seed)).map(({ uniqueId }) => uniqueId);
        const clients: Promise<StreamClient>[] = [];
        const writing: Promise<unknown>[] = [];
        for (const [index, next] of steps.entries()) {
          const at = index % 2 === 0 ? server : node;
          const id = "index" in next ? (ids[next.index % ids.length] ?? "") : "";
          // None is awaited, so that they overlap.
          switch (next.do) {
            case "post":
              writing.push(at.post(seed, index + 2));
              break;
            case "put":
              writing.push(change(at, seed, "PUT", id, index + 2));
              break;
            case "delete":
              writing.push(change(at, seed, "DELETE", id));
              break;
            case "subscribe":
              clients.push(server.connect(`${seed.path}&snapshot=true${next.how}`));
              break;
            case "poll":
              writing.push(server.hub.poll());
              break;
          }
          if (index % 3 === 0) await new Promise(setImmediate);
        }
        await Promise.all(writing);
        const streams = await Promise.all(clients);
        await server.hub.poll();
        const last = await server.post(seed, 1_000);
        const order = await readOrder(seed);
        const stored = new Map((await list(seed)).map(({ uniqueId, data }) => [uniqueId, data]));
        for (const stream of streams) {
          let count = 1;
          while (!stream.texts.some((text) => text.includes(last))) await stream.take(count++);
          expect(toHeld(messagesOf(stream), order)).toEqual(stored);
          await stream.close();
        }
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
