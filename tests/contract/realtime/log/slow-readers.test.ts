/** Tests readers that are slower than the writers (W7): a resumable stream continues from the log and receives every change once, in order. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openEvents } from "@/tests/support/clients/event-client";
import { openRawStream, type RawStream } from "@/tests/support/clients/raw-stream";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { until } from "@/tests/support/until";

const QUEUE_BYTES_MAX = 131_072;
/** More bytes than the operating system accepts for a client that reads nothing. */
const RECORDS = 160;
const RECORD_BYTES = 100_000;

let server: RealtimeServer;
let seed: Seed;

beforeAll(async () => {
  server = await createRealtimeServer({ queueBytesMax: QUEUE_BYTES_MAX });
});
afterAll(() => server.close());
beforeEach(async () => {
  seed = await server.seed();
});

async function write(n: number, bytes = RECORD_BYTES): Promise<void> {
  const id = randomUUID().replaceAll("-", "");
  const data = JSON.stringify({ n, text: "x".repeat(bytes) });
  await server.records.commit(seed.endpointId, [{ type: "POST", id, contentType: "json", data }]);
}

const connectionsHere = () => [...server.hub.connections()].filter(({ endpointId }) => endpointId === seed.endpointId);
const hasFallenBehind = () => connectionsHere().every(({ replayedTo }) => replayedTo !== undefined);
const TIMEOUT_MS = 60_000;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

function numbersOf(stream: RawStream): (number | undefined)[] {
  const messages = stream.frames().flatMap((frame) => (frame.kind === "text" ? [JSON.parse(frame.text)] : []));
  return messages.filter(({ type }) => type !== "BEAT").map(({ record }) => record?.data.n);
}

/** Reads slowly during the writes, and then the rest. */
async function readSlowly(stream: RawStream): Promise<void> {
  let largestBacklog = 0;
  for (const n of range(RECORDS)) {
    await write(n);
    if (n % 8 === 0) {
      stream.socket.resume();
      await new Promise((resolve) => stream.socket.once("data", resolve));
      stream.socket.pause();
    }
    for (const { backlogBytes } of connectionsHere()) largestBacklog = Math.max(largestBacklog, backlogBytes);
  }
  await until("it has fallen behind", hasFallenBehind);
  // One record always fits into an empty queue.
  expect(largestBacklog).toBeLessThan(QUEUE_BYTES_MAX + 2 * RECORD_BYTES);
  stream.socket.resume();
}

describe("a reader that can be resumed", () => {
  it.each([
    ["all", "", (_n: number) => true],
    ["what passes its filter", `&jsonata=${encodeURIComponent("data.n % 2 = 0")}`, (n: number) => n % 2 === 0],
  ])(
    "[W7] [W9] [W13] throttled below the rate of the writes has %s in the end, once, in order",
    async (_, parameter, passes) => {
      const stream = await openRawStream(server.port, `${seed.path}&since=now${parameter}`);
      stream.socket.pause();
      await readSlowly(stream);
      await until("all of it", () => numbersOf(stream).at(-1) === range(RECORDS).filter(passes).at(-1), { timeoutMs: 30_000 });
      expect(numbersOf(stream)).toEqual([undefined, ...range(RECORDS).filter(passes)]);
      // The stream is live again.
      await until("it has caught up", () => connectionsHere()[0]?.replayedTo === undefined);
      await write(RECORDS, 10);
      await until("what is written now", () => numbersOf(stream).at(-1) === RECORDS);
      stream.socket.destroy();
    },
    TIMEOUT_MS,
  );

  it(
    "[W7] [W12] as server-sent events, likewise",
    async () => {
      const client = await openEvents(`${server.httpOrigin}${seed.path}`);
      client.pause();
      for (const n of range(RECORDS)) await write(n);
      await until("it has fallen behind", hasFallenBehind);
      client.resume();
      const last = `"n":${RECORDS - 1},`;
      await until("all of it", () => client.text().length > RECORDS * RECORD_BYTES && client.text().includes(last), { timeoutMs: 30_000 });
      await client.until("the last one is whole", () => client.messages().length === RECORDS);
      expect(client.messages<{ record: { data: { n: number } } }>().map(({ record }) => record.data.n)).toEqual(range(RECORDS));
      client.drop();
    },
    TIMEOUT_MS,
  );

  it(
    "[W7] [W11] during its snapshot and after, likewise",
    async () => {
      for (const n of range(20)) await write(n);
      const stream = await openRawStream(server.port, `${seed.path}&since=now&snapshot=true`);
      stream.socket.pause();
      for (const n of range(RECORDS - 20)) await write(n + 20);
      await until("it has fallen behind", hasFallenBehind);
      stream.socket.resume();
      const numbers = () =>
        stream.frames().flatMap((frame) => {
          if (frame.kind !== "text") return [];
          const { record = [] } = JSON.parse(frame.text);
          return [record].flat().map(({ data }: { data: { n: number } }) => data.n);
        });
      await until("all of it", () => numbers().length >= RECORDS, { timeoutMs: 30_000 });
      expect(numbers()).toEqual(range(RECORDS));
      stream.socket.destroy();
    },
    TIMEOUT_MS,
  );

  it(
    "[W7] that takes no bytes for 30 s is ended with 1013, and continues from its last cursor",
    async () => {
      const start = server.clock.at;
      const stream = await openRawStream(server.port, `${seed.path}&since=now`);
      stream.socket.pause();
      for (const n of range(RECORDS)) await write(n);
      await until("it has fallen behind", hasFallenBehind);
      const pass = async (seconds: number) => {
        for (let second = 0; second < seconds; second++) {
          server.clock.at = new Date(server.clock.at.getTime() + 1_000);
          await server.hub.poll();
        }
      };
      try {
        // The bytes that the operating system still accepted count as progress.
        await pass(29);
        expect(server.hub.subscriberCount(seed.endpointId)).toBe(1);
        await pass(3);
      } finally {
        server.clock.at = start;
      }
      const close = (await stream.ended()).at(-1);
      expect(close).toEqual({ kind: "close", code: 1013, reason: "This client reads too slowly. Connect again and read faster." });
      const [, ...heard] = numbersOf(stream);
      expect(heard).toEqual(range(heard.length));
      const { cursor } = JSON.parse(stream.frames().findLast((frame) => frame.kind === "text")?.text ?? "");
      const again = await server.connect(`${seed.path}&since=${cursor}`);
      const rest = await again.take(1 + RECORDS - heard.length);
      expect(rest.slice(1).map(({ record }) => Object(record?.data).n)).toEqual(range(RECORDS).slice(heard.length));
    },
    TIMEOUT_MS,
  );
});

describe("many readers that fall behind at once", () => {
  it(
    "[W7] [W9] receive everything, and a reader that keeps up never waits for them",
    async () => {
      const streams = await Promise.all(range(8).map(() => openRawStream(server.port, `${seed.path}&since=now`)));
      for (const { socket } of streams) socket.pause();
      const fast = await server.connect(seed.path);
      for (const n of range(RECORDS)) {
        await write(n);
        await fast.take(n + 1);
      }
      await until("they have fallen behind", () => connectionsHere().filter(({ replayedTo }) => replayedTo !== undefined).length === 8);
      for (const { socket } of streams) socket.resume();
      for (const stream of streams) await until("all of it", () => numbersOf(stream).length === RECORDS + 1, { timeoutMs: 30_000 });
      for (const stream of streams) {
        expect(numbersOf(stream)).toEqual([undefined, ...range(RECORDS)]);
        stream.socket.destroy();
      }
    },
    TIMEOUT_MS,
  );
});
