/** Tests the numbers over time and the request log (G31, G32): real requests to two nodes, read through the management API of a third. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ProjectRates, ProjectTraffic, RequestLogView } from "@/src/shared/management/traffic";
import type { Seed, SeedOptions } from "@/tests/support/servers/data-server";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { type ManageServer, type Person, startManageServer } from "@/tests/support/servers/manage-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { until } from "@/tests/support/until";

let database: TestDatabase;
let server: ManageServer;
let node: RealtimeServer;
let other: RealtimeServer;
let ada: Person;
let eve: Person;
let seed: Seed;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startManageServer({}, database);
  node = await createRealtimeServer({ database });
  other = await createRealtimeServer({ database });
  eve = await server.createPerson("Eve");
});
afterAll(async () => {
  await other.close();
  await node.close();
  await server.stop();
  await database.drop();
});
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  seed = await seedFor(ada);
  for (const each of [node, other]) each.clock.at = new Date();
});

async function seedFor(person: Person, options: SeedOptions = {}): Promise<Seed> {
  const made = await node.seed(options);
  await node.pool.query(`UPDATE "Project" SET "ownerId" = $1 WHERE id = $2`, [person.id, made.projectId]);
  return made;
}

const send = (method: string, more = "", { body, at = node, headers = {}, of = seed }: SendOptions = {}) =>
  fetch(`${at.httpOrigin}${of.path}${more}`, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
interface SendOptions {
  body?: string;
  at?: RealtimeServer;
  headers?: Record<string, string>;
  of?: Seed;
}

/** Sends a head, and returns the first part of the answer. */
async function sendHead(head: string): Promise<string> {
  const socket = connect(Number(new URL(node.httpOrigin).port), "127.0.0.1");
  socket.write(head);
  const [answer] = await once(socket, "data");
  socket.destroy();
  return String(answer);
}

async function store(): Promise<void> {
  await node.storeTraffic();
  await other.storeTraffic();
}

async function readTraffic(query = "", by = ada): Promise<ProjectTraffic> {
  return (await by.call("GET", `/api/manage/projects/${seed.projectId}/traffic${query}`)).body;
}

async function readRequests(query = ""): Promise<RequestLogView> {
  return (await ada.call("GET", `/api/manage/projects/${seed.projectId}/requests${query}`)).body;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

describe("the numbers of a project", () => {
  it.each(["9223372036854775807", "9999999999999999999", "18446744073709551615"])(
    "[G31] count no bytes of bodies that are announced with %s bytes and were not read",
    async (length) => {
      const announce = (method: string) =>
        sendHead(`${method} ${seed.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`);
      expect(await announce("POST")).toMatch(/^HTTP\/1\.1 413 /);
      expect(await announce("DELETE")).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(await announce("GET")).toMatch(/^HTTP\/1\.1 \d\d\d /);
      expect((await send("POST", "", { body: '{"a":1}' })).status).toBe(201);
      await store();
      expect((await readTraffic()).totals).toMatchObject({ requests: 4, writes: 1, bytesIn: 7 });
      const { requests } = await readRequests();
      expect(requests.map(({ bytesIn }) => bytesIn)).toEqual(requests.map(() => 0));
      expect(requests.map(({ code }) => code)).toContain("body_too_large");
    },
  );

  it("[G31] count requests, writes, errors by code, and bytes, on all nodes together", async () => {
    const written = await send("POST", "", { body: '{"a":1}' });
    const { uniqueId } = await written.json();
    await send("POST", "&bulk=true", { body: "[1,2,3]", at: other });
    await send("PUT", `&uniqueId=${uniqueId}`, { body: '{"a":2}', at: other });
    await send("GET", `&uniqueId=${uniqueId}`);
    await send("GET", "&limit=0");
    await send("GET", "&uniqueId=nothing", { at: other });
    await send("PUT", `&uniqueId=${"0".repeat(32)}`, { body: "1" });
    await send("DELETE", `&uniqueId=${uniqueId}`, { at: other });
    await send("OPTIONS");
    await store();
    const { totals, codes, points, endpoints, keys, hasStreamed, hasWritten } = await readTraffic();
    expect(totals).toMatchObject({ requests: 8, errors: 3, writes: 6, bytesIn: 7 + 7 + 7 + 1 });
    expect(totals.bytesOut).toBeGreaterThan(100);
    expect(Object.fromEntries(codes.map(({ code, count: times }) => [code, times]))).toEqual({
      parameter_invalid: 1,
      unique_id_invalid: 1,
      record_not_found: 1,
    });
    expect(points).toHaveLength(60);
    expect([hasStreamed, hasWritten]).toEqual([false, true]);
    expect(sum(points.map(({ requests }) => requests))).toBe(8);
    expect(sum(points.slice(0, -3).map(({ requests }) => requests))).toBe(0);
    expect(endpoints).toMatchObject([{ id: seed.endpointId, name: seed.endpointName, requests: 8, errors: 3, writes: 6 }]);
    expect(sum(endpoints[0]?.series ?? [])).toBe(8);
    expect(keys).toMatchObject([{ id: seed.keyId, requests: 8, errors: 3 }]);
  });

  it("[G31] have percentiles of the time to the response", async () => {
    for (let index = 0; index < 20; index++) await send("GET");
    await store();
    const { totals, points, hasStreamed, hasWritten } = await readTraffic();
    // [G31.11] Reading alone does neither.
    expect([hasStreamed, hasWritten]).toEqual([false, false]);
    expect(totals.p50).toBeGreaterThan(0);
    expect(totals.p99).toBeGreaterThanOrEqual(totals.p50 ?? 0);
    expect(totals.p99).toBeLessThan(10_000);
    const busy = points.filter(({ requests }) => requests > 0);
    expect(busy.every(({ p50, p99 }) => p50 !== null && p99 !== null && p50 <= p99)).toBe(true);
    expect(points.filter(({ requests }) => requests === 0).every(({ p50, p99 }) => p50 === null && p99 === null)).toBe(true);
  });

  it("[G31] count streams over all nodes, and the changes that they were sent", async () => {
    const clients = [await node.connect(seed.path), await node.connect(seed.path), await other.connect(seed.path)];
    await send("POST", "", { body: "1" });
    await send("POST", "&bulk=true", { body: "[2,3]" });
    await other.tick();
    for (const client of clients) await client.take(3);
    await store();
    const { totals, endpoints } = await readTraffic();
    expect(totals).toMatchObject({ streams: 3, deliveries: 9, writes: 3, requests: 5 });
    expect(endpoints).toMatchObject([{ deliveries: 9 }]);
    for (const client of clients) await client.close();
    await until("the streams are closed", () => node.hub.subscriberCount(seed.endpointId) === 0);
    await store();
    expect(await readTraffic("?range=day")).toMatchObject({ totals: { streams: 3, deliveries: 9 }, hasStreamed: true });
  });

  it("[G31] count events and refused streams", async () => {
    const events = await send("GET", "", { headers: { Accept: "text/event-stream" } });
    expect(events.status).toBe(200);
    await events.body?.cancel();
    const refused = await seedFor(ada, { scope: "write" });
    const client = await node.connect(refused.path);
    await client.closed;
    await store();
    expect((await readTraffic()).totals).toMatchObject({ requests: 1, errors: 0, streams: 1 });
    const answer = await ada.call("GET", `/api/manage/projects/${refused.projectId}/traffic`);
    expect(answer.body.totals).toMatchObject({ requests: 1, errors: 1, streams: 0 });
    expect(answer.body.codes).toEqual([{ code: "key_scope_insufficient", status: 403, count: 1 }]);
  });

  it("[G31] are selected by endpoint and key, also over a day and a month", async () => {
    await send("GET");
    const second = await node.pool.query<{ id: string }>(
      `INSERT INTO "Endpoint" (id, "projectId", name) VALUES (gen_random_uuid(), $1, 'other/one') RETURNING id::text`,
      [seed.projectId],
    );
    const path = seed.path.replace(seed.endpointName, "other/one");
    await send("GET", "", { of: { ...seed, path } });
    await send("GET", "", { of: { ...seed, path } });
    await store();
    for (const range of ["hour", "day", "month"]) {
      expect((await readTraffic(`?range=${range}`)).totals.requests, range).toBe(3);
      expect((await readTraffic(`?range=${range}&endpointId=${second.rows[0]?.id}`)).totals.requests, range).toBe(2);
      expect((await readTraffic(`?range=${range}&keyId=${seed.keyId}`)).totals.requests, range).toBe(3);
    }
    expect((await readTraffic(`?keyId=${seed.projectId}`)).totals.requests).toBe(0);
    expect((await ada.call("GET", `/api/manage/projects/${seed.projectId}/traffic?range=year&keyId=1`)).body).toMatchObject({
      code: "parameter_invalid",
      fields: { range: expect.any(String), keyId: expect.any(String) },
    });
  });

  it("[G31] have every step, whole steps of UTC, and zeros in gaps", async () => {
    await send("GET");
    await store();
    for (const [range, steps, seconds] of [
      ["hour", 60, 60],
      ["day", 96, 900],
      ["month", 120, 21_600],
    ] as const) {
      const traffic = await readTraffic(`?range=${range}`);
      expect(traffic.points).toHaveLength(steps);
      const times = traffic.points.map(({ at }) => Date.parse(at) / 1000);
      expect(times.every((at, index) => at % seconds === 0 && at === (times[0] ?? 0) + index * seconds)).toBe(true);
      expect(traffic.points.at(-1)?.requests).toBe(1);
      expect(traffic.points[0]).toMatchObject({ requests: 0, errors: 0, writes: 0, deliveries: 0, streams: 0, p50: null });
      expect(Date.parse(traffic.to) / 1000).toBe((times.at(-1) ?? 0) + seconds);
    }
  });

  it("[G31] of all projects are listed with the most active first, and only those of the account", async () => {
    const quiet = await seedFor(ada);
    await send("GET");
    await send("GET");
    await store();
    const { body } = await ada.call("GET", "/api/manage/projects/traffic");
    const rates: ProjectRates[] = body;
    expect(rates.map(({ projectId, requests }) => [projectId, requests])).toEqual([
      [seed.projectId, 2],
      [quiet.projectId, 0],
    ]);
    expect(sum(rates[0]?.series ?? [])).toBe(2);
    expect(rates[0]?.lastActiveAt).not.toBeNull();
    expect(rates[1]?.lastActiveAt).toBeNull();
    expect((await eve.call("GET", "/api/manage/projects/traffic")).body).toEqual([]);
    expect((await readTraffic("", eve)) as unknown).toMatchObject({ code: "not_found" });
  });

  it("[G31] are deleted after a day by the minute and after a month by the hour, and with their project", async () => {
    await send("GET");
    await send("GET", "&limit=0");
    await store();
    const rows = async () =>
      (
        await node.pool.query<{ span: number }>(
          `SELECT span FROM "TrafficCount" WHERE "projectId" = $1 UNION ALL SELECT span FROM "TrafficError" WHERE "projectId" = $1 ORDER BY 1`,
          [seed.projectId],
        )
      ).rows.map(({ span }) => span);
    expect(await rows()).toEqual([60, 60, 3600, 3600]);
    const at = node.clock.at.getTime();
    node.clock.at = new Date(at + 24 * 3_600_000);
    await node.sweepTraffic();
    expect(await rows()).toEqual([60, 60, 3600, 3600]);
    node.clock.at = new Date(at + 26 * 3_600_000);
    await node.sweepTraffic();
    expect(await rows()).toEqual([3600, 3600]);
    await ada.call("DELETE", `/api/manage/projects/${seed.projectId}`);
    await node.sweepTraffic();
    expect(await rows()).toEqual([]);
    expect((await node.pool.query(`SELECT 1 FROM "LoggedRequest" WHERE "projectId" = $1`, [seed.projectId])).rowCount).toBe(0);
    expect((await node.pool.query(`SELECT 1 FROM "KeyUse" WHERE "projectId" = $1`, [seed.projectId])).rowCount).toBe(0);
  });

  it("[G31] show who used a key last, without the last part of the address", async () => {
    await send("GET", "", { headers: { Origin: "https://shop.example", "X-Forwarded-For": "203.0.113.9" } });
    await store();
    const { keys } = await readTraffic();
    expect(keys).toMatchObject([{ id: seed.keyId, lastOrigin: "https://shop.example", lastAddress: "203.0.113.0/24" }]);
  });
});

describe("the request log", () => {
  it("[G32] has requests that failed, with code, detail and request id, and no secrets", async () => {
    const answer = await send("GET", "&limit=0&masterKey=very-secret");
    const problem = await answer.json();
    await send("GET");
    await store();
    const { requests, recordedUntil } = await readRequests();
    expect(recordedUntil).toBeNull();
    expect(requests).toMatchObject([
      {
        requestId: answer.headers.get("x-request-id"),
        method: "GET",
        endpointId: seed.endpointId,
        endpoint: seed.endpointName,
        keyId: seed.keyId,
        status: answer.status,
        code: problem.code,
        detail: problem.detail,
        address: "127.0.0.0/24",
        seqs: [],
      },
    ]);
    expect(requests[0]?.path).toContain("masterKey=…");
    const stored = await node.pool.query<{ row: string }>(`SELECT r::text AS row FROM "LoggedRequest" r WHERE "projectId" = $1`, [
      seed.projectId,
    ]);
    for (const { row } of stored.rows) {
      expect(row).not.toContain("very-secret");
      expect(row).not.toContain(seed.key);
    }
  });

  it("[G32] has all requests of both nodes while the project is recorded, joined to their changes", async () => {
    const started = await ada.call("POST", `/api/manage/projects/${seed.projectId}/requests/recording`);
    expect(started.status).toBe(200);
    await store();
    const { uniqueId } = await (await send("POST", "", { body: '{"a":1}' })).json();
    await send("POST", "&bulk=true", { body: "[1,2]", at: other });
    await send("PUT", `&uniqueId=${uniqueId}&strategy=merge`, { body: '{"b":1}' });
    await send("DELETE", `&uniqueId=${uniqueId}`);
    await send("GET", "", { at: other });
    await store();
    const { requests, recordedUntil } = await readRequests();
    expect(Date.parse(recordedUntil ?? "")).toBeGreaterThan(Date.now());
    const seqs = requests.map(({ method, seqs: written }) => `${method} ${written}`).sort();
    expect(seqs).toEqual(["DELETE 5", "GET ", "POST 1", "POST 2,3", "PUT 4"]);
    const [ofChange] = (await readRequests(`?endpointId=${seed.endpointId}&seq=3`)).requests;
    expect(ofChange).toMatchObject({ method: "POST", status: 201, seqs: [2, 3] });
  });

  it("[G32] ends a recording by itself, and on request", async () => {
    const path = `/api/manage/projects/${seed.projectId}/requests/recording`;
    await ada.call("POST", path);
    await store();
    await ada.call("DELETE", path);
    await store();
    await send("GET");
    await ada.call("POST", path);
    node.clock.at = new Date(Date.now() + 6 * 60_000);
    await store();
    await send("GET");
    await store();
    expect((await readRequests()).requests).toEqual([]);
  });

  it("[G32] is filtered by outcome, status, code, endpoint, key and request id, and read in pages", async () => {
    await ada.call("POST", `/api/manage/projects/${seed.projectId}/requests/recording`);
    await store();
    await send("GET");
    await send("GET", "&limit=0");
    const last = await send("PUT", `&uniqueId=${"0".repeat(32)}`, { body: "1" });
    await store();
    const filter = async (query: string) => (await readRequests(query)).requests.map(({ method, status }) => `${method} ${status}`);
    expect(await filter("?outcome=ok")).toEqual(["GET 200"]);
    expect(await filter("?outcome=error")).toEqual(["PUT 404", "GET 400"]);
    expect(await filter("?status=400")).toEqual(["GET 400"]);
    expect(await filter("?code=record_not_found")).toEqual(["PUT 404"]);
    expect(await filter(`?requestId=${last.headers.get("x-request-id")}`)).toEqual(["PUT 404"]);
    expect(await filter(`?keyId=${seed.keyId}&endpointId=${seed.endpointId}&limit=2`)).toEqual(["PUT 404", "GET 400"]);
    expect(await filter(`?keyId=${seed.projectId}`)).toEqual([]);
    const first = await readRequests("?limit=2");
    expect(first.more).toBe(true);
    expect(await filter(`?limit=2&before=${first.requests.at(-1)?.id}`)).toEqual(["GET 200"]);
  });

  it("[G32] is bounded for a flood of errors, which are all counted", async () => {
    await Promise.all(Array.from({ length: 150 }, () => send("GET", "&limit=0")));
    await store();
    expect((await readRequests("?limit=200")).requests).toHaveLength(100);
    expect((await readTraffic()).totals).toMatchObject({ requests: 150, errors: 150 });
    await node.pool.query(
      `INSERT INTO "LoggedRequest" ("projectId", "at", "endpointId", "requestId", "method", "path", "status", "code", "durationMs", "bytesIn", "bytesOut", "address")
       SELECT $1, now(), $2, 'r', 'GET', '/', 400, 'parameter_invalid', 1, 0, 0, 'unknown' FROM generate_series(1, 600)`,
      [seed.projectId, seed.endpointId],
    );
    await node.sweepTraffic();
    expect((await node.pool.query(`SELECT 1 FROM "LoggedRequest" WHERE "projectId" = $1`, [seed.projectId])).rowCount).toBe(500);
  });

  it("[G32] stores details that contain any character", async () => {
    await send("GET", "&uniqueId=%00%ED%A0%80&limit=%00", { headers: { Origin: "https://a.example" } });
    await store();
    expect((await readRequests()).requests).toHaveLength(1);
  });
});
