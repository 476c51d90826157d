/** Tests the resumable mode (W9, W10) over real sockets and a real log: every change arrives once, and expired changes are reported. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "@/src/shared/streams/cursor";
import { readCursor } from "@/tests/support/clients/read-cursor";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import type { StreamMessage } from "@/tests/support/memory/memory-sink";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
/** A second node, whose writes reach the subscribers of the first one only through the log. */
let node: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
  node = await createRealtimeServer({ database: server.database });
});
afterAll(async () => {
  await node.close();
  await server.close();
});

const OTHER_EPOCH = "0".repeat(32);

async function positionOf({ endpointId }: Seed): Promise<{ epoch: string; seq: number }> {
  const position = (await server.changes.positions([endpointId])).get(endpointId);
  if (!position) throw new Error("no such endpoint");
  return position;
}

const cursorOf = ({ endpointId }: Seed, seq?: number) => readCursor(server.changes, endpointId, seq);

async function postSeveral(seed: Seed, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await server.post(seed, i));
  return ids;
}

const idsOf = (messages: readonly StreamMessage[]) => messages.flatMap(({ record }) => (record ? [record.uniqueId] : []));

describe("since", () => {
  it("[W9] lastEventId in the URL, or the header Last-Event-ID, resumes a WebSocket as since=<cursor> does, and goes before since", async () => {
    const seed = await server.seed();
    const ids = await postSeveral(seed, 3);
    const { epoch } = await positionOf(seed);
    const id = formatCursor({ epoch, seq: 1 });
    const clients = [
      await server.connect(`${seed.path}&lastEventId=${id}`),
      await server.connect(`${seed.path}&since=now&lastEventId=${id}`),
      await server.connect(seed.path, { headers: { "Last-Event-ID": id } }),
    ];
    for (const client of clients) {
      const [ready, ...changes] = await client.take(3);
      expect(ready).toEqual({ type: "READY", cursor: id });
      expect(idsOf(changes)).toEqual(ids.slice(1));
    }
    const refused = await server.connect(`${seed.path}&lastEventId=${id}`, {
      headers: { "Last-Event-ID": formatCursor({ epoch, seq: 2 }) },
    });
    expect(await refused.closed).toEqual({
      code: 4000,
      reason: expect.stringMatching(/header Last-Event-ID and the parameter lastEventId/),
    });
  });

  it("[W9] since=now: READY with the cursor, then changes with theirs", async () => {
    const seed = await server.seed();
    await postSeveral(seed, 2);
    const before = await cursorOf(seed);
    const client = await server.connect(`${seed.path}&since=now`);
    const id = await server.post(seed, { a: 1 });
    const [ready, change] = await client.take(2);
    expect(ready).toEqual({ type: "READY", cursor: before });
    expect(Object.keys(change ?? {})).toEqual(["type", "record", "cursor"]);
    expect(change).toMatchObject({ type: "POST", record: { uniqueId: id, data: { a: 1 } }, cursor: await cursorOf(seed, 3) });
  });

  it("[W9] since=<cursor>: every missed change with its type, then live", async () => {
    const seed = await server.seed();
    const first = await server.connect(`${seed.path}&since=now`);
    const { cursor } = await first.at(0);
    await first.close();
    const [id = ""] = await postSeveral(seed, 1);
    await fetch(`${server.httpOrigin}${seed.path}&uniqueId=${id}`, {
      method: "PUT",
      body: '{"n":1.0}',
      headers: { "Content-Type": "application/json" },
    });
    await fetch(`${server.httpOrigin}${seed.path}&uniqueId=${id}`, { method: "DELETE" });
    const client = await server.connect(`${seed.path}&since=${cursor}`);
    await client.take(4);
    const last = await server.post(seed, "live");
    const messages = await client.take(5);
    expect(messages.map(({ type }) => type)).toEqual(["READY", "POST", "PUT", "DELETE", "POST"]);
    expect(idsOf(messages)).toEqual([id, id, id, last]);
    expect(messages[0]?.cursor).toBe(cursor);
    // The data is stored as it was sent, in the log too.
    expect(client.texts[2]).toContain('"data":{"n":1.0}');
  });

  it("[W9] a current cursor replays nothing", async () => {
    const seed = await server.seed();
    await postSeveral(seed, 3);
    const client = await server.connect(`${seed.path}&since=${await cursorOf(seed)}`);
    const id = await server.post(seed, "next");
    expect(idsOf(await client.take(2))).toEqual([id]);
  });

  it("[W9] a long log is replayed completely", async () => {
    const seed = await server.seed();
    const { epoch } = await positionOf(seed);
    await server.pool.query(
      `INSERT INTO "Record" ("id", "endpointId", "data") SELECT gen_random_uuid(), $1, to_json(n) FROM generate_series(1, 3000) AS n`,
      [seed.endpointId],
    );
    const client = await server.connect(`${seed.path}&since=${formatCursor({ epoch, seq: 0 })}`);
    const messages = await client.take(3001);
    expect(messages.slice(1).map(({ cursor }) => parseCursor(cursor ?? "")?.seq)).toEqual(
      Array.from({ length: 3000 }, (_, index) => index + 1),
    );
  });
});

describe("gaps", () => {
  it("[W10] a cursor of another epoch: GAP, then live", async () => {
    const seed = await server.seed();
    await postSeveral(seed, 2);
    const from = formatCursor({ epoch: OTHER_EPOCH, seq: 1 });
    const client = await server.connect(`${seed.path}&since=${from}`);
    await client.take(2);
    const id = await server.post(seed, "live");
    const messages = await client.take(3);
    const to = await cursorOf(seed, 2);
    expect(messages.slice(0, 2)).toEqual([
      { type: "READY", cursor: from },
      { type: "GAP", from, to, reason: "epoch_changed", cursor: to },
    ]);
    expect(idsOf(messages)).toEqual([id]);
  });

  it("[W10] for a cursor before the kept log, sends a GAP, then the kept changes, then live ones", async () => {
    const seed = await server.seed();
    const ids = await postSeveral(seed, 5);
    const { epoch } = await positionOf(seed);
    await server.pool.query(`DELETE FROM "Change" WHERE "endpointId" = $1 AND seq <= 3`, [seed.endpointId]);
    const [from, to] = [formatCursor({ epoch, seq: 1 }), formatCursor({ epoch, seq: 3 })];
    const client = await server.connect(`${seed.path}&since=${from}`);
    const messages = await client.take(4);
    expect(messages[1]).toEqual({ type: "GAP", from, to, reason: "expired", cursor: to });
    expect(idsOf(messages)).toEqual(ids.slice(3));
  });

  it("[W10] for a cursor directly before the kept log, sends no GAP", async () => {
    const seed = await server.seed();
    const ids = await postSeveral(seed, 5);
    const { epoch } = await positionOf(seed);
    await server.pool.query(`DELETE FROM "Change" WHERE "endpointId" = $1 AND seq <= 3`, [seed.endpointId]);
    const client = await server.connect(`${seed.path}&since=${formatCursor({ epoch, seq: 3 })}`);
    const messages = await client.take(3);
    expect(messages.map(({ type }) => type)).toEqual(["READY", "POST", "POST"]);
    expect(idsOf(messages)).toEqual(ids.slice(3));
  });

  it("[W10] a cursor ahead of the log: GAP, then live", async () => {
    const seed = await server.seed();
    await postSeveral(seed, 2);
    const { epoch } = await positionOf(seed);
    const client = await server.connect(`${seed.path}&since=${formatCursor({ epoch, seq: 9_007_199_254_740_991 })}`);
    expect(await client.at(1)).toMatchObject({ type: "GAP", reason: "log_rewound", to: await cursorOf(seed, 2) });
  });

  it("[W10] the log of open streams is replaced: GAP in resumable mode, nothing in plain; both receive the changes after that", async () => {
    const seed = await server.seed();
    const [resumable, plain] = [await server.connect(`${seed.path}&since=now`), await server.connect(seed.path)];
    await postSeveral(seed, 1);
    await resumable.take(2);
    await server.pool.query(`UPDATE "Endpoint" SET epoch = gen_random_uuid() WHERE id = $1`, [seed.endpointId]);
    await server.tick();
    const id = await server.post(seed, "after");
    const messages = await resumable.take(4);
    expect(messages[2]).toMatchObject({ type: "GAP", reason: "epoch_changed", to: await cursorOf(seed, 1) });
    expect(messages[3]).toMatchObject({ type: "POST", cursor: await cursorOf(seed, 2) });
    expect(idsOf(await plain.take(2)).at(-1)).toBe(id);
    expect(plain.texts).toHaveLength(2);
  });
});

type Step = { do: "write"; on: "node" | "server"; count: number } | { do: "poll" } | { do: "drop" | "resume"; client: 0 | 1 | 2 };

const script = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("write" as const),
        on: fc.constantFrom("node" as const, "server" as const),
        count: fc.integer({ min: 1, max: 10 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("poll" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom("drop" as const, "resume" as const),
        client: fc.constantFrom(0 as const, 1 as const, 2 as const),
      }),
    },
  ),
  { minLength: 8, maxLength: 20 },
);

describe("interleavings", () => {
  it("[W4] [W9] each client receives exactly the log, in any interleaving of writes of two nodes, disconnects and resumes", async () => {
    await fc.assert(
      fc.asyncProperty(script, async (steps: Step[]) => {
        const seed = await server.seed();
        const { epoch } = await positionOf(seed);
        const heard: StreamMessage[][] = [[], [], []];
        const streams: (StreamClient | undefined)[] = [];
        const writing: Promise<unknown>[] = [];

        const drop = async (index: number) => {
          const stream = streams[index];
          if (!stream) return;
          streams[index] = undefined;
          // Without a close handshake, messages in flight are lost.
          stream.webSocket.terminate();
          await stream.closed;
          heard[index]?.push(...(await stream.take(stream.texts.length)));
        };
        const resume = async (index: number) => {
          if (streams[index]) return;
          const cursor = heard[index]?.at(-1)?.cursor ?? formatCursor({ epoch, seq: 0 });
          streams[index] = await server.connect(`${seed.path}&since=${cursor}`);
        };

        for (const step of steps) {
          switch (step.do) {
            case "write":
              // Not awaited, so that it overlaps with the next steps.
              for (let i = 0; i < step.count; i++) writing.push((step.on === "node" ? node : server).post(seed, i));
              break;
            case "poll":
              writing.push(server.hub.poll());
              break;
            case "drop":
              await drop(step.client);
              break;
            case "resume":
              await resume(step.client);
              break;
          }
        }
        await Promise.all(writing);
        await server.hub.poll();

        const log = await server.changes.read(seed.endpointId, 0, 1_000);
        for (const index of [0, 1, 2]) {
          await resume(index);
          const before = heard[index]?.filter(({ record }) => record).length ?? 0;
          // Expects READY and the rest of the log.
          await streams[index]?.take(1 + log.length - before);
          await drop(index);
          const messages = heard[index] ?? [];
          expect(messages.every(({ type }) => type === "READY" || type === "POST")).toBe(true);
          expect(idsOf(messages)).toEqual(log.map(({ record }) => record.id));
        }
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
