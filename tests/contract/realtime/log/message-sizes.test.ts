/** Tests the size of messages, and `maxMessage` (W27): a client with a limit continues and is notified of omitted messages. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEvents } from "@/tests/support/clients/event-client";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { expectProblem } from "@/tests/support/expect-problem";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const MAX = 65_536;
const LARGE = "x".repeat(MAX);
/** The size of a message without the data of its record. */
const ENVELOPE_BYTES_MAX = 300;

interface Message {
  type: string;
  change?: string;
  uniqueId?: string | string[];
  record?: { uniqueId: string; data: unknown }[] | { uniqueId: string; data: unknown };
  size?: number;
  url?: string;
  cursor?: string;
}
const messagesOf = ({ texts }: Pick<StreamClient, "texts">): Message[] => texts.map((text) => JSON.parse(text));
const sizeOf = (text: string) => Buffer.byteLength(text);

async function change({ path }: Seed, method: "PUT" | "DELETE", id: string, data?: unknown): Promise<void> {
  const init = data === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) };
  expect((await fetch(`${server.httpOrigin}${path}&uniqueId=${id}`, { method, ...init })).status).toBe(200);
}

describe("maxMessage on a WebSocket", () => {
  it("[W27] a change that is too large is replaced by a notice; the stream continues, live and in a replay", async () => {
    const seed = await server.seed();
    const live = await server.connect(`${seed.path}&since=now&maxMessage=${MAX}`);
    const { cursor: start } = await live.at(0);
    const [a, b, c] = [await server.post(seed, "a"), await server.post(seed, LARGE), await server.post(seed, "c")];
    await live.take(4);
    const replayed = await server.connect(`${seed.path}&since=${start}&maxMessage=${MAX}`);
    await replayed.take(4);
    const [, , whole = ""] = await takeTexts(await server.connect(`${seed.path}&since=${start}`), 4);
    for (const client of [live, replayed]) {
      const [, first, notice, last] = messagesOf(client);
      expect([first, last]).toMatchObject([{ record: { uniqueId: a } }, { record: { uniqueId: c } }]);
      expect(notice).toEqual({
        type: "OMITTED",
        change: "POST",
        uniqueId: b,
        version: 1,
        size: sizeOf(whole),
        url: `${seed.path.split("?")[0]}?uniqueId=${b}`,
        cursor: JSON.parse(whole).cursor,
      });
    }
    const { url = "", cursor } = messagesOf(live)[2] ?? {};
    const [record] = await (await fetch(`${server.httpOrigin}${url}&key=${seed.key}`)).json();
    expect(record.data).toBe(LARGE);
    const resumed = await server.connect(`${seed.path}&since=${cursor}&maxMessage=${MAX}`);
    expect(await resumed.at(1)).toMatchObject({ record: { uniqueId: c } });
  });

  it("[W27] the limit applies to the message: one of exactly that many bytes is sent", async () => {
    const seed = await server.seed();
    const whole = await server.connect(seed.path);
    const id = await server.post(seed, "é".repeat(2_000));
    await change(seed, "PUT", id, "ä".repeat(2_000));
    const [, text = ""] = await takeTexts(whole, 2);
    const fits = await server.connect(`${seed.path}&maxMessage=${sizeOf(text)}`);
    const exceeds = await server.connect(`${seed.path}&maxMessage=${sizeOf(text) - 1}`);
    await change(seed, "PUT", id, "ü".repeat(2_000));
    await Promise.all([fits.take(1), exceeds.take(1)]);
    expect(messagesOf(fits)).toMatchObject([{ type: "PUT" }]);
    expect(messagesOf(exceeds)).toEqual([
      { type: "OMITTED", change: "PUT", uniqueId: id, version: 3, size: sizeOf(fits.texts[0] ?? ""), url: expect.any(String) },
    ]);
  });

  it("[W27] the notice of a deletion has no URL", async () => {
    const seed = await server.seed();
    const id = await server.post(seed, LARGE);
    const client = await server.connect(`${seed.path}&maxMessage=${MAX}`);
    await change(seed, "DELETE", id);
    await client.take(1);
    expect(messagesOf(client)).toEqual([{ type: "OMITTED", change: "DELETE", uniqueId: id, version: 1, size: expect.any(Number) }]);
  });

  it("[W27] [W2] several files in one message become one notice", async () => {
    const seed = await server.seed();
    const plain = await server.connect(`${seed.path}&maxMessage=2048`);
    const resumable = await server.connect(`${seed.path}&since=now&maxMessage=2048`);
    const body = toForm([...["a", "b", "c"].map((text) => filePart(text)), { name: "album", body: "s".repeat(1_000) }]);
    const answer = await fetch(`${server.httpOrigin}${seed.path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE }, body });
    const ids = ((await answer.json()) as { uniqueId: string }[]).map(({ uniqueId }) => uniqueId);
    await Promise.all([plain.take(1), resumable.take(4)]);
    expect(messagesOf(plain)).toEqual([
      { type: "OMITTED", change: "POST", uniqueId: ids, version: 1, size: expect.any(Number), url: expect.stringContaining(ids.join(",")) },
    ]);
    // Each record fits into a message by itself.
    expect(messagesOf(resumable).map(({ type }) => type)).toEqual(["READY", "POST", "POST", "POST"]);
  });

  it.each(["1MiB", "0", "2047", "-5", "1e6", "", "2048&maxMessage=4096", `${10 ** 16}`])(
    "[W27] maxMessage=%s is refused",
    async (value) => {
      const seed = await server.seed();
      const client = await server.connect(`${seed.path}&maxMessage=${value}`);
      expect(await client.closed).toEqual({ code: 4000, reason: expect.stringContaining("maxMessage is the largest message") });
      const answer = await fetch(`${server.httpOrigin}${seed.path}&maxMessage=${value}`, { headers: { Accept: "text/event-stream" } });
      await expectProblem(answer, "parameter_invalid");
    },
  );
});

describe("maxMessage on server-sent events", () => {
  it("[W27] [W12] the notice is an event of type omitted with its id; with since it is a message", async () => {
    const seed = await server.seed();
    const plain = await openEvents(`${server.httpOrigin}${seed.path}&maxMessage=${MAX}`);
    const resumable = await openEvents(`${server.httpOrigin}${seed.path}&since=now&maxMessage=${MAX}`);
    const [id, after] = [await server.post(seed, LARGE), await server.post(seed, "after")];
    await plain.until("a message", ({ events }) => events().length === 2);
    await resumable.until("both", ({ events }) => events().length === 3);
    const notice = { type: "OMITTED", change: "POST", uniqueId: id, version: 1 };
    const [omitted, message] = plain.events();
    expect([omitted?.type, JSON.parse(omitted?.data ?? ""), JSON.parse(message?.data ?? "").record.uniqueId]).toMatchObject([
      "omitted",
      notice,
      after,
    ]);
    const { cursor } = resumable.messages()[1] ?? {};
    expect(resumable.messages()[1]).toMatchObject({ ...notice, cursor });
    expect(omitted?.id).toBe(cursor);
    const resumed = await openEvents(`${server.httpOrigin}${seed.path}&maxMessage=${MAX}`, { "Last-Event-ID": omitted?.id ?? "" });
    await resumed.until("what came after", ({ messages }) => messages().length === 1);
    expect(resumed.messages()[0]?.record.uniqueId).toBe(after);
    for (const client of [plain, resumable]) client.drop();
  });

  it("[W27] the whole event counts", async () => {
    const seed = await server.seed();
    const client = await openEvents(`${server.httpOrigin}${seed.path}&snapshot=true&maxMessage=2048`);
    for (let size = 1_700; size < 2_000; size += 10) await server.post(seed, { lines: "\n".repeat(3), text: "x".repeat(size) });
    await client.until("all", ({ events }) => events().length === 31);
    const sizes = client
      .text()
      .split("\n\n")
      .map((block) => sizeOf(`${block}\n\n`));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_048);
    expect(new Set(client.events().map(({ type }) => type))).toEqual(new Set(["message", "omitted"]));
  });
});

describe("maxMessage in a snapshot", () => {
  it("[W27] [W11] pages are split to fit, a single too large record becomes a notice, and the last SNAPSHOT has the cursor", async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1_500, max: 2_500 })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(sizes, async (each) => {
        const seed = await server.seed();
        const body = JSON.stringify(each.map((size) => "x".repeat(size)));
        const headers = { "Content-Type": "application/json" };
        if (each.length > 0) await fetch(`${server.httpOrigin}${seed.path}&bulk=true`, { method: "POST", headers, body });
        const list: { uniqueId: string }[] = await (await fetch(`${server.httpOrigin}${seed.path}`)).json();
        const client = await server.connect(`${seed.path}&since=now&snapshot=true&maxMessage=2048`);
        const id = await server.post(seed, "live");
        await takeUntil(client, (message) => [message.record].flat()[0]?.uniqueId === id);
        const messages = messagesOf(client).slice(1, -1);
        expect(Math.max(0, ...client.texts.map(sizeOf))).toBeLessThanOrEqual(2_048);
        expect(messages.flatMap(({ uniqueId, record }) => (record ? [record].flat().map((one) => one.uniqueId) : [uniqueId]))).toEqual(
          list.map(({ uniqueId }) => uniqueId),
        );
        expect(messages.map(({ cursor }) => cursor !== undefined)).toEqual(messages.map((_, index) => index === messages.length - 1));
        expect(messages.at(-1)?.type).toBe("SNAPSHOT");
        const omitted = messages.filter(({ type }) => type === "OMITTED");
        expect(omitted.every(({ change: of, size = 0 }) => of === "SNAPSHOT" && size > 2_048)).toBe(true);
        await client.close();
      }),
      { numRuns: 15 },
    );
  });
});

describe("without maxMessage", () => {
  it("[W11] a snapshot of an empty endpoint is one empty message", async () => {
    const seed = await server.seed();
    const plain = await server.connect(`${seed.path}&snapshot=true`);
    const resumable = await server.connect(`${seed.path}&since=now&snapshot=true`);
    expect(await plain.at(0)).toEqual({ type: "SNAPSHOT", record: [] });
    expect(await resumable.at(1)).toEqual({ type: "SNAPSHOT", record: [], cursor: expect.any(String) });
  });

  it("[W25] a record of the largest body is one message of a change or snapshot, with some additional bytes", async () => {
    const seed = await server.seed();
    const live = await server.connect(`${seed.path}&since=now`);
    const data = "x".repeat(1_048_576 - 2);
    await server.post(seed, data);
    await live.take(2);
    const snapshot = await server.connect(`${seed.path}&since=now&snapshot=true`);
    await snapshot.take(2);
    for (const text of [live.texts[1] ?? "", snapshot.texts[1] ?? ""]) {
      expect(sizeOf(text) - sizeOf(JSON.stringify(data))).toBeGreaterThan(0);
      expect(sizeOf(text) - sizeOf(JSON.stringify(data))).toBeLessThanOrEqual(ENVELOPE_BYTES_MAX);
    }
  });

  it("[W25] characters that JSON escapes take six bytes each", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    const body = "\u0001".repeat(1_048_576);
    const answer = await fetch(`${server.httpOrigin}${seed.path}`, { method: "POST", headers: { "Content-Type": "text/plain" }, body });
    expect(answer.status).toBe(201);
    await client.take(1);
    expect(sizeOf(client.texts[0] ?? "")).toBeGreaterThan(6 * 1_048_576);
  });
});

async function takeTexts(client: StreamClient, count: number): Promise<string[]> {
  await client.take(count);
  return client.texts;
}

async function takeUntil(client: StreamClient, holds: (message: Message) => boolean): Promise<void> {
  for (let count = 1; !messagesOf(client).some(holds); count = client.texts.length + 1) await client.take(count);
}
