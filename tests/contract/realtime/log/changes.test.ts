/** Tests the changes that a plain subscriber receives (W2, W4), from every writer and by every path. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const newId = () => randomUUID().replaceAll("-", "");
const toUuid = (id: string) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

async function send(method: "POST" | "PUT" | "DELETE", seed: Seed, parameters = "", body?: string, contentType = "application/json") {
  const response = await fetch(`${server.httpOrigin}${seed.path}${parameters}`, {
    method,
    ...(body === undefined ? {} : { body, headers: { "Content-Type": contentType } }),
  });
  expect(response.ok).toBe(true);
  return response.text();
}

describe("messages", () => {
  it("[W2] POST, PUT and DELETE are one message each, with the record as HTTP returns it and nothing else", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    const created = await send("POST", seed, "", '{"b": 1.10, "a": 12345678901234567890}');
    const { uniqueId } = JSON.parse(created) as { uniqueId: string };
    const replaced = await send("PUT", seed, `&uniqueId=${uniqueId}`, '"now a text"');
    const deleted = await send("DELETE", seed, `&uniqueId=${uniqueId}`);
    const last = await send("POST", seed, "", "a text\nof two lines", "text/plain");
    await client.take(4);
    expect(client.texts).toEqual([
      `{"type":"POST","record":${created}}`,
      `{"type":"PUT","record":${replaced}}`,
      `{"type":"DELETE","record":${deleted}}`,
      `{"type":"POST","record":${last}}`,
    ]);
    const [message] = client.texts.map((text) => JSON.parse(text) as { record: object });
    expect(Object.keys(message ?? {})).toEqual(["type", "record"]);
    expect(Object.keys(message?.record ?? {})).toEqual(["uniqueId", "data", "createdAt", "updatedAt"]);
    // The message of a DELETE contains the last state.
    expect(JSON.parse(client.texts[2] ?? "").record.data).toBe("now a text");
  });

  it("[W2] are not sent for requests that write nothing", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    const refused = [
      fetch(`${server.httpOrigin}${seed.path}`, { method: "POST", body: "{", headers: { "Content-Type": "application/json" } }),
      fetch(`${server.httpOrigin}${seed.path}&uniqueId=${newId()}`, { method: "DELETE" }),
      fetch(`${server.httpOrigin}${seed.path}`),
    ];
    for (const response of refused) await response;
    const id = await server.post(seed, "the only one");
    expect((await client.take(1))[0]?.record?.uniqueId).toBe(id);
    await server.tick();
    expect(client.texts).toHaveLength(1);
  });

  it("[W2] reach the subscribers of the endpoint, and no others", async () => {
    const [one, other] = [await server.seed(), await server.seed()];
    const [client, stranger] = [await server.connect(one.path), await server.connect(other.path)];
    await server.post(one, 1);
    await server.post(other, 2);
    expect((await client.at(0)).record?.data).toBe(1);
    expect((await stranger.at(0)).record?.data).toBe(2);
    expect([client.texts.length, stranger.texts.length]).toEqual([1, 1]);
  });

  it("[W2] large records and records with any characters arrive unchanged", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    const values = ["x".repeat(125), "é".repeat(40_000), "😀".repeat(20_000), '\u2028 \\ " \u007f', "x".repeat(900_000)];
    for (const value of values) {
      await server.post(seed, value);
      await client.take(values.indexOf(value) + 1);
    }
    expect((await client.take(values.length)).map(({ record }) => record?.data)).toEqual(values);
  });

  it("[W4] a write that the client makes once it is open is never missed", async () => {
    const seed = await server.seed();
    for (let i = 0; i < 50; i++) {
      const client = await server.connect(seed.path);
      const id = await server.post(seed, i);
      expect((await client.at(0)).record?.uniqueId).toBe(id);
      await client.close();
    }
  });
});

describe("order", () => {
  it("[W4] four concurrent writers, five subscribers: each receives each change once, in the log's order", async () => {
    const seed = await server.seed();
    const clients = await Promise.all(Array.from({ length: 5 }, () => server.connect(seed.path)));
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = 0; i < 100; i++) await server.post(seed, { writer, i });
    });
    await Promise.all(writers);
    const log = await server.changes.read(seed.endpointId, 0, 1_000);
    expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    const expected = log.map(
      ({ type, record }) =>
        `{"type":"${type}","record":{"uniqueId":"${record.id}","data":${record.data},"createdAt":"${record.createdAt}","updatedAt":"${record.updatedAt}"}}`,
    );
    for (const client of clients) {
      await client.take(400);
      expect(client.texts).toEqual(expected);
    }
  });

  it("[W4] writes of a second node and of plain SQL arrive with the next poll, in the log's order", async () => {
    const node = await createRealtimeServer({ database: server.database });
    try {
      const seed = await server.seed();
      const client = await server.connect(seed.path);
      const ids = [await node.post(seed, "elsewhere"), newId()];
      await server.pool.query(`INSERT INTO "Record" ("id", "endpointId", "data") VALUES ($1, $2, '"by SQL"')`, [ids[1], seed.endpointId]);
      expect(client.texts).toEqual([]);
      await server.hub.poll();
      expect((await client.take(2)).map(({ record }) => record?.uniqueId)).toEqual(ids);
      // The next local write continues where the poll ended.
      ids.push(await server.post(seed, "here"));
      expect((await client.take(3)).map(({ record }) => record?.uniqueId)).toEqual(ids);
    } finally {
      await node.close();
    }
  });

  it("[W4] a local write also delivers the earlier writes of a second node", async () => {
    const node = await createRealtimeServer({ database: server.database });
    try {
      const seed = await server.seed();
      const client = await server.connect(seed.path);
      const ids = [await node.post(seed, 1), await node.post(seed, 2), await server.post(seed, 3)];
      expect((await client.take(3)).map(({ record }) => record?.uniqueId)).toEqual(ids);
    } finally {
      await node.close();
    }
  });

  it("[W4] every Prisma call that writes records is delivered", async () => {
    const seed = await server.seed();
    const { endpointId } = seed;
    const client = await server.connect(seed.path);
    const [a, b, c] = [toUuid(newId()), toUuid(newId()), toUuid(newId())];
    await server.db.record.create({ data: { id: a, endpointId, data: 1 } });
    await server.db.record.createMany({
      data: [
        { id: b, endpointId, data: 2 },
        { id: c, endpointId, data: 3 },
      ],
    });
    await server.db.record.update({ where: { id: a }, data: { data: 4 } });
    await server.db.record.upsert({ where: { id: b }, create: { endpointId, data: 5 }, update: { data: 5 } });
    await server.db.record.updateMany({ where: { id: c }, data: { data: 6 } });
    await server.db.record.delete({ where: { id: a } });
    await server.db.record.deleteMany({ where: { endpointId } });
    const messages = await client.take(9);
    expect(messages.slice(0, 7).map(({ type, record }) => [type, record?.data])).toEqual([
      ["POST", 1],
      ["POST", 2],
      ["POST", 3],
      ["PUT", 4],
      ["PUT", 5],
      ["PUT", 6],
      ["DELETE", 4],
    ]);
    expect(messages.slice(7).map(({ type, record }) => [type, record?.data])).toEqual(
      expect.arrayContaining([
        ["DELETE", 5],
        ["DELETE", 6],
      ]),
    );
  });

  it("[W4] a transaction is delivered after its commit; a rolled-back one never is", async () => {
    const seed = await server.seed();
    const { endpointId } = seed;
    const client = await server.connect(seed.path);
    await expect(
      server.db.$transaction(async (tx) => {
        await tx.record.create({ data: { endpointId, data: "rolled back" } });
        throw new Error("rolled back");
      }),
    ).rejects.toThrow("rolled back");
    await server.tick();
    await server.db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId, data: "first" } });
      await server.tick();
      expect(client.texts).toEqual([]);
      await tx.record.create({ data: { endpointId, data: "second" } });
    });
    expect((await client.take(2)).map(({ record }) => record?.data)).toEqual(["first", "second"]);
    await server.tick();
    expect(client.texts).toHaveLength(2);
    expect((await server.changes.positions([endpointId])).get(endpointId)?.seq).toBe(2);
  });
});
