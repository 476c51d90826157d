/** Tests filters of streams (W13) over real sockets and with the real sandbox: sent changes, refused filters, and that a hostile filter ends only its own stream. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { openEvents } from "@/tests/support/clients/event-client";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld } from "@/tests/support/servers/secure-world";
import { until } from "@/tests/support/until";

let server: RealtimeServer;
/** A server with a short time limit for expressions. */
let strict: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
  strict = await createRealtimeServer({ database: server.database, sandboxTimeoutMs: 300 });
});
afterAll(async () => {
  await strict.close();
  await server.close();
});

const ENDLESS = "( $f := function($n){ $f($n + 1) }; $f(1) )";
const withFilter = ({ path }: { path: string }, expression: string) => `${path}&jsonata=${encodeURIComponent(expression)}`;

async function change({ path }: Seed, method: "PUT" | "DELETE", id: string, data?: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const body = data === undefined ? {} : { body: JSON.stringify(data) };
  const answer = await fetch(`${server.httpOrigin}${path}&uniqueId=${id}`, { method, headers, ...body });
  expect(answer.ok).toBe(true);
}

/** The server retries a filter every second if the sandbox was too busy. */
async function untilSettled(done: Promise<unknown>): Promise<void> {
  let isDone = false;
  void done.finally(() => {
    isDone = true;
  });
  await until(
    "all to be judged",
    async () => {
      await strict.tick();
      return isDone;
    },
    { timeoutMs: 60_000 },
  );
  await done;
}

const toData = (text: string): unknown => {
  const { type, record } = JSON.parse(text);
  return [type, Array.isArray(record) ? record.map(({ data }) => data) : record?.data];
};

describe("jsonata on a stream", () => {
  it("[W13] [W22] a change is sent if the expression is true for its record, or for the last state of a deleted record", async () => {
    const seed = await server.seed();
    const client = await server.connect(withFilter(seed, "data.room = 'a' and data.size > 1"));
    const id = await server.post(seed, { room: "a", size: 2 });
    const other = await server.post(seed, { room: "b", size: 9 });
    await change(seed, "PUT", id, { room: "a", size: 1 });
    await change(seed, "PUT", id, { room: "a", size: 3 });
    await change(seed, "DELETE", other);
    await change(seed, "DELETE", id);
    await client.take(3);
    expect(client.texts.map(toData)).toEqual([
      ["POST", { room: "a", size: 2 }],
      ["PUT", { room: "a", size: 3 }],
      ["DELETE", { room: "a", size: 3 }],
    ]);
  });

  it("[R1] [W13] the expression sees the record as clients do, and the message has it exactly as it was stored", async () => {
    const seed = await server.seed();
    const client = await server.connect(
      withFilter(seed, "$length(uniqueId) = 32 and $exists(createdAt) and $exists(updatedAt) and data.n > 1"),
    );
    const plain = await server.connect(seed.path);
    const body = '{"n":12345678901234567890.50,"b":1,"a":2}';
    await fetch(`${server.httpOrigin}${seed.path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    await Promise.all([client.take(1), plain.take(1)]);
    expect(client.texts).toEqual(plain.texts);
    expect(client.texts[0]).toContain(`"data":${body}`);
  });

  it("[W9] [W13] resumes with the changes that pass, and its cursor moves past those that do not", async () => {
    const seed = await server.seed();
    const path = withFilter(seed, "data > 2");
    const first = await server.connect(`${path}&since=now`);
    const { cursor } = await first.at(0);
    await first.close();
    for (const data of [1, 2, 3, 4, 1]) await server.post(seed, data);
    const again = await server.connect(`${path}&since=${cursor}`);
    await again.take(3);
    await server.post(seed, 5);
    await again.take(4);
    expect(again.texts.map(toData).slice(1)).toEqual([3, 4, 5].map((data) => ["POST", data]));
  });

  it("[W11] [W13] a snapshot has the matching records, and the changes follow", async () => {
    const seed = await server.seed();
    for (let n = 1; n <= 9; n++) await server.post(seed, { n, padding: "x".repeat(20_000) });
    const client = await server.connect(`${withFilter(seed, "data.n % 4 = 0 or data.n = 13")}&since=now&snapshot=true`);
    await until("the snapshot", () => client.texts.some((text) => text.includes("SNAPSHOT") && text.includes('"cursor"')));
    for (const n of [12, 13, 14]) await server.post(seed, { n });
    await until("both changes", () => client.texts.filter((text) => text.startsWith('{"type":"POST"')).length === 2);
    const messages = client.texts.map((text) => JSON.parse(text));
    expect(
      messages.filter(({ type }) => type === "SNAPSHOT").flatMap(({ record }) => record.map(({ data }: { data: { n: number } }) => data.n)),
    ).toEqual([4, 8]);
    expect(messages.filter(({ type }) => type === "POST").map(({ record }) => record.data.n)).toEqual([12, 13]);
  });

  it("[W12] [W13] works on server-sent events, with their resumption", async () => {
    const seed = await server.seed();
    const url = `${server.httpOrigin}${withFilter(seed, "data = 'yes'")}`;
    const client = await openEvents(url);
    for (const data of ["no", "yes", "no"]) await server.post(seed, data);
    await client.until("the change", ({ messages }) => messages().length === 1);
    client.drop();
    for (const data of ["yes", "no", "yes"]) await server.post(seed, data);
    const again = await openEvents(url, { "Last-Event-ID": client.lastEventId() });
    await again.until("what was missed", ({ messages }) => messages().length === 2);
    expect([...client.messages(), ...again.messages()].map(({ record }) => record.data)).toEqual(["yes", "yes", "yes"]);
    again.drop();
  });

  it("[W2] [W13] an upload of several files is one message with the matching files", async () => {
    const seed = await server.seed();
    const client = await server.connect(withFilter(seed, "data.file.size > 1"));
    const body = toForm(["aa", "b", "cc"].map((text) => filePart(text)));
    const answer = await fetch(`${server.httpOrigin}${seed.path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE }, body });
    const [first, , third] = await answer.json();
    await client.take(1);
    expect(JSON.parse(client.texts[0] ?? "")).toEqual({ type: "POST", record: [first, third] });
  });

  it("[W5] [W13] sees nothing that its user may not read", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { ann, bob } = world.users;
    const path = `${world.path}?key=${world.keys.both}&accessToken=${ann.token}`;
    const client = await server.connect(withFilter({ path }, "true"));
    await addRecord(server, world.endpointId, bob.id);
    const own = await addRecord(server, world.endpointId, ann.id);
    await client.take(1);
    expect(client.texts.map((text) => JSON.parse(text).record.uniqueId)).toEqual([own]);
  });

  it("[W13] works the same on another node", async () => {
    const seed = await server.seed();
    const client = await strict.connect(withFilter(seed, "data > 1"));
    for (const data of [1, 2, 3]) await server.post(seed, data);
    await untilSettled(client.take(2));
    expect(client.texts.map(toData)).toEqual([2, 3].map((data) => ["POST", data]));
  });
});

describe("a filter that is refused", () => {
  const bad: [what: string, query: string, code: ErrorCode, reason: RegExp][] = [
    ["one that can't be parsed", `jsonata=${encodeURIComponent("data[")}`, "jsonata_invalid", /position 5/],
    ["an empty one", "jsonata=%20", "jsonata_invalid", /is empty/],
    ["several", "jsonata=a&jsonata=b", "parameter_invalid", /one jsonata expression/],
    ["nesting without end", `jsonata=${"(".repeat(5000)}1${")".repeat(5000)}`, "jsonata_limit", /too deeply/],
  ];

  it.each(bad)("[W3] [W13] %s: the socket is closed with 4000 and the reason", async (_, query, __, reason) => {
    const { path } = await server.seed();
    const client = await server.connect(`${path}&${query}`);
    const closed = await client.closed;
    expect(closed.code).toBe(4000);
    expect(closed.reason).toMatch(reason);
    expect(client.texts).toEqual([]);
  });

  it.each(bad)("[W12] [W13] %s: events are refused with an error", async (_, query, code) => {
    const { path } = await server.seed();
    const answer = await fetch(`${server.httpOrigin}${path}&${query}`, { headers: { Accept: "text/event-stream" } });
    await expectProblem(answer, code);
  });
});

describe("a filter that fails, or never ends", () => {
  it.each([
    ["fails on a record", "data + 1 > 2", "jsonata_invalid"],
    ["never ends", `data = 1 or ${ENDLESS}`, "jsonata_limit"],
    ["wants a gigabyte", "data = 1 or $length($pad('x', 1000000000)) > 1", "jsonata_limit"],
    ["recurses without end", "data = 1 or ( $f := function($n){ $f($n) + 1 }; $f(1) )", "jsonata_limit"],
    ["throws an error of its own", "data = 1 or $error('mine')", "jsonata_invalid"],
  ])(
    "[W13] one that %s: its stream ends with 4000 after the changes that passed before, the others stay open",
    async (_, expression, code) => {
      const seed = await strict.seed();
      const [bad, again, good, plain] = [
        await strict.connect(withFilter(seed, expression)),
        await strict.connect(`${withFilter(seed, expression)}&since=now`),
        await strict.connect(withFilter(seed, "$type(data) = 'string'")),
        await strict.connect(seed.path),
      ];
      const events = await openEvents(`${strict.httpOrigin}${withFilter(seed, expression)}`);
      for (const data of [1, "text", 2]) await strict.post(seed, data);
      await untilSettled(Promise.all([bad.closed, again.closed, events.ended, good.take(1), plain.take(3)]));
      expect([(await bad.closed).code, (await again.closed).code]).toEqual([4000, 4000]);
      // The first record is sent before the filter fails, unless the filter is false for it.
      const before = expression === "data + 1 > 2" ? [] : [["POST", 1]];
      expect(bad.texts.map(toData)).toEqual(before);
      expect(good.texts.map(toData)).toEqual([["POST", "text"]]);
      expect(events.events().at(-1)).toMatchObject({ type: "close" });
      expect(JSON.parse(events.events().at(-1)?.data ?? "")).toMatchObject({ code: 4000 });
      const message = code === "jsonata_invalid" ? /not valid/ : /more than 300 ms|memory|deeply/;
      expect((await bad.closed).reason).toMatch(message);
    },
  );

  it("[W11] [W13] one that fails on a record of its snapshot ends", async () => {
    const seed = await server.seed();
    for (const data of [1, "text"]) await server.post(seed, data);
    const client = await server.connect(`${withFilter(seed, "data > 0")}&snapshot=true`);
    expect(await client.closed).toMatchObject({ code: 4000, reason: expect.stringMatching(/not valid/) });
  });

  it("[W13] a filter that fails also ends a client that resumes at that change", async () => {
    const seed = await server.seed();
    const first = await server.connect(`${seed.path}&since=now`);
    const { cursor } = await first.at(0);
    for (const data of [5, "text"]) await server.post(seed, data);
    const client = await server.connect(`${withFilter(seed, "data > 0")}&since=${cursor}`);
    expect(await client.closed).toMatchObject({ code: 4000 });
    expect(client.texts.map(toData).slice(1)).toEqual([["POST", 5]]);
  });
});
