/** Tests how a stream of events ends (W6, W7, W8, W12): the event with the cause, slow and silent readers, shutdown. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { parseCursor } from "@/src/shared/streams/cursor";
import { type EventClient, openEvents } from "@/tests/support/clients/event-client";
import { expectProblem } from "@/tests/support/expect-problem";
import { createRealtimeServer, type RealtimeServer, type RealtimeServerOptions } from "@/tests/support/servers/realtime-server";
import { until } from "@/tests/support/until";

let server: RealtimeServer;
afterEach(() => server.close());

async function setUp(options: RealtimeServerOptions = {}) {
  server = await createRealtimeServer(options);
  const seed = await server.seed();
  const write = async (data: string) => {
    const id = randomUUID().replaceAll("-", "");
    await server.records.commit(seed.endpointId, [{ type: "POST", id, contentType: "json", data: JSON.stringify(data) }]);
    return id;
  };
  const open = (headers: Record<string, string> = {}, query = "") => openEvents(`${server.httpOrigin}${seed.path}${query}`, headers);
  return { seed, write, open };
}

const idsOf = (client: EventClient) => client.messages().map(({ record }) => record.uniqueId);

describe("ending", () => {
  it("[W6] [W12] the end of a stream has a cause: an event of the type close with the code and reason of a socket, then the end of the response", async () => {
    const { seed, open } = await setUp();
    const [plain, withCursors] = [await open(), await open({}, "&since=now")];
    await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
    await server.tick();
    for (const client of [plain, withCursors]) {
      expect(await client.ended).toBe("whole");
      const { type, data, id } = client.events().at(-1) ?? {};
      expect([type, data, id]).toEqual(["close", '{"code":1000,"reason":"The API key was revoked."}', undefined]);
    }
    expect([...server.hub.connections()]).toEqual([]);
  });

  it("[W8] [W12] shutdown ends it with 1012, also for a client that reads nothing; new ones are refused", async () => {
    const { open, seed, write } = await setUp({ queueBytesMax: 64 * 1024 * 1024 });
    const client = await open();
    const stalled = await open();
    stalled.pause();
    while (([...server.hub.connections()][1]?.backlogBytes ?? 0) < 1_000_000) await write("x".repeat(900_000));
    const closing = server.closeStreams(200);
    expect(await client.ended).toBe("whole");
    expect(client.events().at(-1)).toMatchObject({
      type: "close",
      data: '{"code":1012,"reason":"The server is restarting. Connect again."}',
    });
    await closing;
    stalled.resume();
    expect(await stalled.ended).toBe("cut off");
    await expectProblem(await fetch(`${server.httpOrigin}${seed.path}`, { headers: { Accept: "text/event-stream" } }), "server_shutdown");
  });

  it("[W12] [W23] a client that resumes while the server shuts down gets a time to retry instead of an error, after which browsers would not reconnect", async () => {
    const { open } = await setUp();
    const client = await open();
    await client.until("an id", () => client.lastEventId() !== "");
    await server.closeStreams();
    const again = await open({ "Last-Event-ID": client.lastEventId() });
    expect(await again.ended).toBe("whole");
    expect([again.status, again.headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
    expect(again.text()).toBe('retry: 2000\nevent: close\ndata: {"code":1012,"reason":"The server is restarting. Connect again."}\n\n');
  });

  it("[U8] [W23] the same for a client over its rate or its number of streams; a permanent error stays an error", async () => {
    const { open, seed } = await setUp({ rateLimit: 2, streams: { perKey: 1 } });
    const client = await open();
    await client.until("an id", () => client.lastEventId() !== "");
    const id = { "Last-Event-ID": client.lastEventId() };
    const second = await open(id);
    expect(await second.ended).toBe("whole");
    expect(second.events().at(-1)).toMatchObject({ type: "close", data: expect.stringContaining('"code":1013') });
    const third = await open(id);
    expect(await third.ended).toBe("whole");
    expect(third.text()).toMatch(/^retry: \d+000\nevent: close\ndata: {"code":1013,"reason":"Too many requests/);
    const events = { Accept: "text/event-stream" };
    await expectProblem(await fetch(`${server.httpOrigin}${seed.path}`, { headers: events }), "rate_limited");
    const byParameter = await openEvents(`${server.httpOrigin}${seed.path}&lastEventId=${client.lastEventId()}`);
    expect(await byParameter.ended).toBe("whole");
    expect(byParameter.text()).toMatch(/^retry: \d+000\nevent: close\n/);
    // The form suffix of the address requests events like the header.
    const [path = "", query = ""] = seed.path.split("?");
    const byForm = await fetch(`${server.httpOrigin}${path}:events?${query}`, { headers: { ...id } });
    expect([byForm.status, await byForm.text()]).toEqual([200, expect.stringMatching(/^retry: \d+000\nevent: close\n/)]);
    const elsewhere = `${server.httpOrigin}/api/1/ce/nothing/here?key=${"0".repeat(32)}`;
    await expectProblem(await fetch(elsewhere, { headers: { ...events, ...id } }), "endpoint_or_key_invalid");
  });

  it("[W12] a client that disconnects is removed", async () => {
    const { open, seed } = await setUp();
    const client = await open();
    expect(server.hub.subscriberCount(seed.endpointId)).toBe(1);
    client.drop();
    await until("it is forgotten", () => server.hub.subscriberCount(seed.endpointId) === 0);
  });
});

const seqOf = (client: EventClient) => parseCursor(client.lastEventId())?.seq;

describe("slow readers", () => {
  it("[W7] [W12] one that stops reading continues from the log when it reads again; the other receives everything, and never waits", async () => {
    const { open, write } = await setUp({ queueBytesMax: 262_144 });
    const slow = await open();
    slow.pause();
    const fast = await open();
    const ids: string[] = [];
    while ([...server.hub.connections()].every(({ replayedTo }) => replayedTo === undefined)) {
      expect(ids.length).toBeLessThan(500);
      ids.push(await write("x".repeat(100_000)));
      await fast.until("each change", () => seqOf(fast) === ids.length);
    }
    slow.resume();
    await slow.until("all of it", () => seqOf(slow) === ids.length);
    expect(idsOf(slow)).toEqual(ids);
    expect(idsOf(fast)).toEqual(ids);
  });

  it("[W8] [W16] one that reads nothing for too long is disconnected; one that reads stays, and receives heartbeats", async () => {
    const { seed, open, write } = await setUp({ pingIntervalMs: 200, pongTimeoutMs: 2_000, queueBytesMax: 64 * 1024 * 1024 });
    const [alive, silent] = [await open(), await open()];
    silent.pause();
    let count = 0;
    const backlogs = () => [...server.hub.connections()].map(({ backlogBytes }) => backlogBytes);
    while (server.hub.subscriberCount(seed.endpointId) === 2 && Math.max(...backlogs()) < 1_000_000) {
      await write("x".repeat(900_000));
      count++;
    }
    await until("the silent one is forgotten", () => server.hub.subscriberCount(seed.endpointId) === 1);
    const id = await write("alive");
    await alive.until("every change", () => seqOf(alive) === count + 1);
    expect(idsOf(alive).at(-1)).toBe(id);
    silent.resume();
    expect(await silent.ended).toBe("cut off");
  });

  it("[W9] [W12] a heartbeat is an id that browsers do not dispatch; with since, it is a BEAT", async () => {
    const { open, write } = await setUp({ pingIntervalMs: 50 });
    const plain = await open();
    const withCursors = await open({}, "&since=now");
    await write("x");
    await plain.until("a beat after the change", () => plain.blocks().length >= 5 && plain.events().length === 1);
    expect(plain.blocks().at(-1)).toEqual({ type: "message", data: undefined, id: plain.events()[0]?.id });
    await withCursors.until("a BEAT after the change", (client) => client.messages().at(-1)?.type === "BEAT" && seqOf(client) === 1);
    const beat = withCursors.events().at(-1);
    expect(beat).toMatchObject({ type: "message", data: `{"type":"BEAT","cursor":"${beat?.id}"}` });
  });
});
