/** Tests lists of endpoints with access rules (S7, R3, R6): only allowed records, full pages, and a bound on the search. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecordJudge } from "@/src/core/access/record-judge";
import { createRuledWorld, type RuledWorld } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

type Listed = { uniqueId: string; data: { n: number } };
const numbersOf = (body: Listed[]) => body.map(({ data }) => data.n);
const range = (length: number) => Array.from({ length }, (_, n) => n);

/** Adds records with `n` of 0, 1, … and further members. */
async function addMany(count: number, world: RuledWorld, toData: (n: number) => object = () => ({})): Promise<void> {
  const writes = range(count).map((n) => ({
    type: "POST" as const,
    id: n.toString(16).padStart(8, "0") + crypto.randomUUID().replaceAll("-", "").slice(8),
    contentType: "json" as const,
    data: JSON.stringify({ n, ...toData(n) }),
    owner: n % 2 ? world.world.users.ann.id : world.world.users.bob.id,
  }));
  await server.records.commit(world.world.endpointId, writes);
}

/** Rules of every way in which a list is judged: exactly by SQL, by the owner's index, by SQL and the predicate, and by the predicate alone. */
const WAYS = [
  ["SQL", "data.odd = true"],
  ["the owner", "@owner = @user.id"],
  ["the owner and SQL", '@owner = @user.id & data.note ~ "ODD"'],
  ["SQL and the predicate", 'data.note ~ "ODD"'],
  ["the predicate", "data.odd = data.same"],
] as const;

describe.each(WAYS)("judged by %s", (_, read) => {
  it("[S7] [R3] pages are full, in either order, until the end", async () => {
    const ruled = await createRuledWorld(server, { read }, { secure: true });
    await addMany(23, ruled, (n) => ({ odd: n % 2 === 1, same: true, note: n % 2 ? "odd" : "even" }));
    const odd = range(23).filter((n) => n % 2 === 1);
    expect(numbersOf((await ruled.ask("ann", "GET")).body)).toEqual(odd);
    for (const order of ["asc", "desc"]) {
      const pages = await ruled.readPages("ann", `&limit=4&order=${order}`);
      expect(pages.map(({ length }) => length)).toEqual([4, 4, 3]);
      expect(numbersOf(pages.flat())).toEqual(order === "asc" ? odd : [...odd].reverse());
    }
    // 11 records are one full page, after which nothing follows.
    const whole = await ruled.ask("ann", "GET", { query: "&limit=11" });
    expect([whole.body.length, whole.headers.get("link")]).toEqual([11, null]);
    expect((await ruled.ask("ann", "HEAD", { query: "&limit=4" })).headers.get("link")).toMatch(/rel="next"/);
    const data = (await ruled.ask("ann", "GET", { query: "&limit=2&dataOnly=true" })).body;
    expect(data.map(({ n }: { n: number }) => n)).toEqual([1, 3]);
  });

  it("[S7] [R6] expressions and lists by id see only allowed records", async () => {
    const ruled = await createRuledWorld(server, { read }, { secure: true });
    await addMany(9, ruled, (n) => ({ odd: n % 2 === 1, same: true, note: n % 2 ? "odd" : "even" }));
    const all: Listed[] = (await ruled.ask("master", "GET")).body;
    const ids = all.map(({ uniqueId }) => uniqueId).join();
    expect(numbersOf((await ruled.ask("ann", "GET", { query: `&uniqueId=${ids}` })).body)).toEqual([1, 3, 5, 7]);
    const sum = `&jsonata=${encodeURIComponent("[$count($), $sum(data.n)]")}`;
    expect((await ruled.ask("ann", "GET", { query: sum })).body).toEqual([4, 16]);
    expect((await ruled.ask("ann", "GET", { query: `${sum}&limit=2` })).body).toEqual([2, 4]);
    expect((await ruled.ask("ann", "GET", { query: `${sum}&uniqueId=${ids}` })).body).toEqual([4, 16]);
  });
});

describe("large lists", () => {
  it("[S7] [R3] pages of many and of large records are complete", async () => {
    const ruled = await createRuledWorld(server, { read: "data.odd = data.same" }, { secure: true });
    // Random digits do not compress.
    const toText = () =>
      range(20)
        .map(() => crypto.randomUUID().repeat(1))
        .join("")
        .repeat(110);
    await addMany(40, ruled, (n) => ({ odd: n % 2 === 1, same: true, text: toText() }));
    await addMany(3_000, ruled, (n) => ({ odd: n % 2 === 1, same: true }));
    const expected = [...range(40), ...range(3_000)].filter((n) => n % 2 === 1);
    expect(numbersOf((await ruled.ask("ann", "GET")).body)).toEqual(expected);
    const pages = await ruled.readPages("ann", "&limit=1000");
    expect(pages.map(({ length }) => length)).toEqual([1000, 520]);
    expect(numbersOf(pages.flat())).toEqual(expected);
    const descending = await ruled.readPages("ann", "&limit=10000&order=desc");
    expect(numbersOf(descending.flat())).toEqual([...expected].reverse());
  });

  it("[S7] a page that has searched for long ends early, and its link goes on", async () => {
    const ruled = await createRuledWorld(server, { read: "data.wanted = true" });
    await seedMany(ruled.world.endpointId, 130_000, 60_000);
    const first = await ruled.ask("nobody", "GET", { query: "&limit=2" });
    expect(first.body.length).toBeLessThan(2);
    expect(first.headers.get("link")).toMatch(/cursor=/);
    for (const order of ["asc", "desc"]) {
      const pages = await ruled.readPages("nobody", `&limit=2&order=${order}`);
      expect(pages.length).toBeGreaterThan(1);
      expect(numbersOf(pages.flat())).toEqual(order === "asc" ? [60_000, 120_000] : [120_000, 60_000]);
    }
    // A list without a limit has no link, so it goes on to its end.
    expect(numbersOf((await ruled.ask("nobody", "GET")).body)).toEqual([60_000, 120_000]);
  }, 60_000);
});

/** Stores records with `n` of 1, 2, …, of which each `every`th one is `wanted`. */
async function seedMany(endpointId: string, count: number, every: number): Promise<void> {
  const client = await server.pool.connect();
  try {
    await client.query(`BEGIN; SET LOCAL rested.logged_by_commit TO on`);
    await client.query(`UPDATE "Endpoint" SET seq = $2 WHERE id = $1`, [endpointId, count]);
    await client.query(
      `INSERT INTO "Record" (id, "endpointId", seq, data) SELECT gen_random_uuid(), $1, n, json_build_object('n', n, 'wanted', n % $3 = 0)
      FROM generate_series(1, $2::int) n`,
      [endpointId, count, every],
    );
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

describe("a judge that fails", () => {
  const judge = (verdicts: RecordJudge["judge"]): RecordJudge => ({
    identity: "a judge of this test",
    judge: verdicts,
    redact: ({ data }) => data,
    hiddenFields: () => [],
    hidesFields: false,
    condition: undefined,
  });
  let failing: RealtimeServer;
  let verdicts: RecordJudge["judge"] = () => [];
  beforeAll(async () => {
    failing = await createRealtimeServer({
      judges: { isJudged: ({ name }) => name === "things/of-test", find: () => judge((...request) => verdicts(...request)) },
    });
  });
  afterAll(() => failing.close());

  it.each<[string, RecordJudge["judge"], number]>([
    [
      "throws",
      () => {
        throw new Error("a defect");
      },
      500,
    ],
    ["rejects", () => Promise.reject(new Error("a defect")), 500],
    ["has no verdict", () => [], 403],
    ["has another value than true", (_, records) => JSON.parse(JSON.stringify(records.map(() => 1))), 403],
  ])("[S7] refuses everything if it %s", async (_, fails, status) => {
    const ruled = await createRuledWorld(failing, null);
    const id = await ruled.add(undefined);
    verdicts = fails;
    for (const [method, request] of [
      ["GET", {}],
      ["PUT", { body: { n: 1 } }],
      ["PUT", { body: { n: 1 }, query: "&strategy=merge" }],
      ["DELETE", {}],
    ] as const) {
      const query = "query" in request ? request.query : "";
      const answer = await ruled.ask("nobody", method, { ...request, query: `&uniqueId=${id}${query}` });
      expect(answer.status, method).toBe(status);
      expect(answer.text).not.toContain("a defect");
    }
    expect((await ruled.ask("nobody", "POST", { body: { n: 1 } })).status).toBe(status);
    const list = await ruled.ask("nobody", "GET");
    expect(status === 500 ? list.status : list.body).toEqual(status === 500 ? 500 : []);
    expect(await ruled.dataOf(id)).toEqual({ n: 0 });
    expect((await ruled.ask("master", "GET")).body).toHaveLength(1);
  });

  it("[S7] a write that is done is acknowledged by its receipt if the record cannot be shown", async () => {
    const ruled = await createRuledWorld(failing, null);
    verdicts = (operation, records) => {
      if (operation === "read") throw new Error("a defect");
      return records.map(() => true);
    };
    const created = await ruled.ask("nobody", "POST", { body: { n: 1 } });
    expect([created.status, Object.keys(created.body)]).toEqual([201, ["uniqueId", "updatedAt"]]);
    const query = `&uniqueId=${created.body.uniqueId}`;
    expect(Object.keys((await ruled.ask("nobody", "PUT", { query, body: { n: 2 } })).body)).toEqual(["uniqueId", "updatedAt"]);
    expect(await ruled.dataOf(created.body.uniqueId)).toEqual({ n: 2 });
    expect((await ruled.ask("nobody", "DELETE", { query: `${query}&dataOnly=true` })).body).toEqual({ uniqueId: created.body.uniqueId });
  });
});
