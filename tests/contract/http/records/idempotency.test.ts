/** Tests Idempotency-Key (R9). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUser } from "@/tests/support/clients/users";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

interface WireRecord {
  uniqueId: string;
  data: unknown;
}

const MASTER_KEY = "a-master-key";
const JSON_TYPE = "application/json";

let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  server = await createDataServer({ bodyBytesMax: 10_000 });
});
beforeEach(async () => {
  seed = await server.seed({ masterKey: MASTER_KEY });
});
afterAll(() => server.close());

interface Sent {
  query?: string;
  contentType?: string;
  headers?: Record<string, string>;
  to?: Seed;
}

function post(key: string, body: string, { query = "", contentType = JSON_TYPE, headers = {}, to = seed }: Sent = {}): Promise<Response> {
  const init = { method: "POST", headers: { "Content-Type": contentType, "Idempotency-Key": key, ...headers }, body };
  return fetch(`${server.origin}${to.path}${query}`, init);
}

async function toAnswer(response: Response) {
  const replayed = response.headers.get("idempotent-replayed");
  return { status: response.status, etag: response.headers.get("etag"), replayed, text: await response.text() };
}

const changesOf = ({ endpointId }: Seed) => server.published.filter((change) => change.endpointId === endpointId).length;

describe("Idempotency-Key", () => {
  it.each([
    ["JSON", '{"b":1.0, "a":"\\"]},{"}', JSON_TYPE, ""],
    ["a text", 'a "text"', "text/plain", ""],
    ["many records", '[{"b":1.0}, "x", [1 , 2]]', JSON_TYPE, "&bulk=true"],
    ["many records of one", "[[]]", JSON_TYPE, "&bulk=true"],
  ])("[R9] a replay of %s gets the first response, and writes nothing", async (_what, body, contentType, query) => {
    const first = await toAnswer(await post("key-1", body, { contentType, query }));
    expect([first.status, first.replayed]).toEqual([201, null]);
    const before = [await server.count(seed), changesOf(seed)];
    const second = await toAnswer(await post("key-1", body, { contentType, query }));
    expect(second).toEqual({ ...first, replayed: "true" });
    const third = await toAnswer(await post("key-1", body, { contentType, query: `${query}&dataOnly=true` }));
    const parsed: WireRecord | WireRecord[] = JSON.parse(first.text);
    expect(JSON.parse(third.text)).toEqual(Array.isArray(parsed) ? parsed.map(({ data }) => data) : parsed.data);
    expect([await server.count(seed), changesOf(seed)]).toEqual(before);
  });

  it("[R9] the first response stays the same, even after the record changes", async () => {
    const first = await toAnswer(await post("key-1", "1"));
    const { uniqueId }: WireRecord = JSON.parse(first.text);
    const record = `${server.origin}${seed.path}&uniqueId=${uniqueId}`;
    await fetch(record, { method: "PUT", headers: { "Content-Type": JSON_TYPE }, body: "2" });
    expect(await toAnswer(await post("key-1", "1"))).toEqual({ ...first, replayed: "true" });
    await fetch(record, { method: "DELETE" });
    expect(await toAnswer(await post("key-1", "1"))).toEqual({ ...first, replayed: "true" });
    await server.pool.query(`UPDATE "Endpoint" SET schema = 'false' WHERE id = $1`, [seed.endpointId]);
    server.definitions.invalidate(seed.projectId);
    expect(await toAnswer(await post("key-1", "1"))).toEqual({ ...first, replayed: "true" });
    expect(await server.count(seed)).toEqual({ records: 0, changes: 3 });
  });

  it("[R9] another request with the same key is an error", async () => {
    await post("key-1", "[1]");
    const others: [string, Sent][] = [
      ["[2]", {}],
      ["[1]", { query: "&bulk=true" }],
      ["[1]", { contentType: "text/plain" }],
    ];
    for (const [body, sent] of others) await expectProblem(await post("key-1", body, sent), "idempotency_key_reused");
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
    expect((await post("key-2", "[2]")).status).toBe(201);
  });

  it("[R9] of many concurrent replays one writes, and all get the same response", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => toAnswer(await post("key-1", '{"a":1}'))));
    expect(new Set(answers.map(({ status, text, etag }) => `${status} ${etag} ${text}`)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect([await server.count(seed), changesOf(seed)]).toEqual([{ records: 1, changes: 1 }, 0]);
  });

  it("[R9] of different concurrent requests with one key, one succeeds", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, async (_, n) => (await post("key-1", String(n))).status));
    expect(answers.sort()).toEqual([201, ...Array(9).fill(422)]);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });

  it("[R9] a failed request is not stored", async () => {
    await expectProblem(await post("key-1", "{"), "body_invalid");
    await expectProblem(await post("key-1", '"x"'.padEnd(11_000)), "body_too_large");
    await expectProblem(await post("key-1", "{}", { query: "&bulk=true" }), "bulk_needs_array");
    const answer = await post("key-1", "{}");
    expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([201, null]);
  });

  it("[R9] is separate for each endpoint and caller", async () => {
    const secure = await server.seed({ endpointName: "people/of-test", kind: "authentication" });
    const users = { origin: server.origin, path: secure.path };
    const [ann, bob] = [await createUser(users), await createUser(users)];
    const { rows } = await server.pool.query<{ id: string }>(
      `INSERT INTO "Endpoint" ("id", "projectId", "name", "secure") VALUES (gen_random_uuid(), $1, 'notes/of-test', true) RETURNING id`,
      [secure.projectId],
    );
    const notes = { ...secure, endpointId: rows[0]?.id ?? "", path: `/api/1/ce/notes/of-test?key=${secure.key}` };
    const other = await server.seed();
    const ids = new Set<string>();
    for (const sent of [
      {},
      { query: `&masterKey=${MASTER_KEY}` },
      { to: other },
      { to: notes, headers: ann.headers },
      { to: notes, headers: bob.headers },
    ]) {
      for (const replayed of [null, "true"]) {
        const answer = await toAnswer(await post("key-1", "1", sent));
        expect([answer.status, answer.replayed]).toEqual([201, replayed]);
        const { uniqueId }: WireRecord = JSON.parse(answer.text);
        ids.add(uniqueId);
      }
    }
    expect(ids.size).toBe(5);
    expect(await server.count(notes)).toEqual({ records: 2, changes: 2 });
  });

  it("[R9] expires after 24 hours, swept or not", async () => {
    await post("key-1", "1");
    const age = (interval: string) =>
      server.pool.query(`UPDATE "IdempotentRequest" SET "createdAt" = now() - $2::interval WHERE "endpointId" = $1`, [
        seed.endpointId,
        interval,
      ]);
    await age("23 hours 59 minutes");
    expect((await post("key-1", "1")).headers.get("idempotent-replayed")).toBe("true");
    await age("24 hours 1 second");
    const again = await toAnswer(await post("key-1", "2"));
    expect([again.status, again.replayed]).toEqual([201, null]);
    expect(await toAnswer(await post("key-1", "2"))).toEqual({ ...again, replayed: "true" });
    await expectProblem(await post("key-1", "1"), "idempotency_key_reused");
  });

  it("[R9] replays an empty list of new records", async () => {
    for (let n = 0; n < 2; n++) {
      const answer = await post("key-1", "[]", { query: "&bulk=true" });
      expect([answer.status, await answer.text()]).toEqual([201, "[]"]);
    }
  });

  it.each([[""], ["x".repeat(256)], ["caf\u00e9"]])("[R9] refuses the key %j before the body is read", async (key) => {
    await expectProblem(await post(key, "{"), "idempotency_key_invalid");
  });

  it("[R9] accepts a key of 255 characters", async () => {
    expect((await post("~".repeat(255), "1")).status).toBe(201);
  });
});
