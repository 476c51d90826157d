/** The changes of all endpoints of a project as one log (G46). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const COUNT = 4_000;

let server: ManageServer;
let ada: Person;
let project: string;
/** Sorted by id: changes of the same time are ordered by it. */
let endpoints: { id: string; name: string }[];

/** Change n of the log with number e is of second n; in `hall` each hundredth has the room Crypt. All changes of second 50 to 59 are of one moment. */
async function seed(id: string, e: number): Promise<void> {
  await server.runtime.db.$executeRaw`
    INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
    SELECT ${id}::uuid, n, (CASE WHEN n % 10 = 0 THEN 'DELETE' ELSE 'POST' END)::"ChangeType", md5(${e}::text || n)::uuid,
      json_build_object('n', n, 'room', CASE WHEN n % 1000 = 0 THEN 'Crypt' ELSE 'hall' END), 1, t, t, t
    FROM (SELECT n, to_timestamp(${START_MS / 1000}::int + CASE WHEN n BETWEEN 50 AND 59 THEN 50 ELSE n END) AS t
      FROM generate_series(1, ${COUNT}::int) n) s`;
  await server.runtime.db.$executeRaw`UPDATE "Endpoint" SET "seq" = ${COUNT} WHERE "id" = ${id}::uuid`;
}

beforeAll(async () => {
  server = await startManageServer();
  ada = await server.createPerson("Ada");
  const started = (await ada.call("POST", "/api/manage/start", { body: { name: "Alpha" } })).body;
  project = started.project.id;
  const add = async (name: string) =>
    (await ada.call("POST", `/api/manage/projects/${project}/endpoints`, { body: { name, kind: "data" } })).body;
  const [beta, , gamma] = [await add("beta"), await add("empty"), await add("gamma/late")];
  endpoints = [started.endpoint, beta, gamma].sort((one, other) => (one.id < other.id ? -1 : 1));
  for (const [e, { id }] of endpoints.entries()) await seed(id, e);
}, 120_000);
afterAll(() => server.stop());

const read = (query: Record<string, string | number>, id = project, person = ada): Promise<Answer> =>
  person.call(
    "GET",
    `/api/manage/projects/${id}/changes?${new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))}`,
  );
interface Listed {
  endpointId: string;
  seq: number;
  at: string;
}
const toKey = ({ endpointId, seq }: Listed) => `${endpoints.findIndex(({ id }) => id === endpointId)}:${seq}`;
const toPlace = ({ endpointId, seq, at }: Listed) => `${at}_${endpointId}_${seq}`;
/** All keys, newest first. */
const expected = () =>
  Array.from({ length: COUNT }, (_, index) => COUNT - index).flatMap((n) =>
    n >= 50 && n <= 59
      ? n === 59
        ? [2, 1, 0].flatMap((e) => Array.from({ length: 10 }, (_, i) => `${e}:${59 - i}`))
        : []
      : [2, 1, 0].map((e) => `${e}:${n}`),
  );

describe("the changes of a project", () => {
  it("[G46] are one log by time, read page by page in both directions without gaps or repetitions", async () => {
    const older: string[] = [];
    let before: string | undefined;
    for (let more = true; more; ) {
      const { status, body } = await read({ limit: 499, ...(before === undefined ? {} : { before }) });
      expect(status).toBe(200);
      expect("endpoints" in body).toBe(before === undefined);
      older.push(...body.changes.map(toKey));
      more = body.more;
      before = toPlace(body.changes.at(-1));
    }
    expect(older).toEqual(expected());

    const newer: string[] = [];
    let after = "2025-12-31T00:00:00Z";
    for (let more = true; more; ) {
      const { body } = await read({ limit: 499, after });
      newer.unshift(...body.changes.map(toKey));
      more = body.more;
      after = toPlace(body.changes[0]);
    }
    expect(newer).toEqual(expected());
  }, 120_000);

  it("[G46] are cut before a time, and between changes of one moment", async () => {
    const time = new Date(START_MS + 50_000).toISOString();
    expect((await read({ before: time, limit: 4 })).body.changes.map(toKey)).toEqual(["2:49", "1:49", "0:49", "2:48"]);
    expect((await read({ after: time, limit: 2 })).body.changes.map(toKey)).toEqual(["0:51", "0:50"]);
    const place = `${time}_${endpoints[1]?.id}_55`;
    expect((await read({ before: place, limit: 7 })).body.changes.map(toKey)).toEqual([
      "1:54",
      "1:53",
      "1:52",
      "1:51",
      "1:50",
      "0:59",
      "0:58",
    ]);
    expect((await read({ after: place, limit: 6 })).body.changes.map(toKey)).toEqual(["2:51", "2:50", "1:59", "1:58", "1:57", "1:56"]);
  });

  it("[G46] come with a cursor of every endpoint, also of those without changes", async () => {
    const { body } = await read({ limit: 1 });
    expect(body.endpoints.map(({ name }: { name: string }) => name)).toEqual(["alpha", "beta", "empty", "gamma/late"]);
    for (const { cursor } of body.endpoints) expect(cursor).toMatch(/^[0-9a-f]{32}-\d+/);
  });

  it.each<[string, number]>([
    ["room = Crypt", 12],
    ["room = Crypt endpoint:beta", 4],
    ["room = Crypt -endpoint:beta,alpha", 4],
    ["endpoint:gamma/late op:delete n <= 30", 3],
    ["endpoint:nobody", 0],
    ["time:2026-01-01T00:10:00Z..2026-01-01T00:10:10Z", 30],
    ["time:2026-01-01T00:10:00Z.. time:..2026-01-01T00:10:10Z endpoint:alpha", 10],
  ])("[G46] a search for %s finds %i changes in any endpoint, each once", async (query, count) => {
    const found: string[] = [];
    let looked = 0;
    let remaining = 1;
    for (let before: string | undefined; remaining > 0; ) {
      const { status, body } = await read({ query, limit: 5, ...(before === undefined ? {} : { before }) });
      expect(status).toBe(200);
      found.push(...body.changes.map(toKey));
      looked += body.searched.count;
      ({ remaining, to: before } = body.searched);
    }
    expect(found).toHaveLength(count);
    expect(new Set(found).size).toBe(count);
    expect(expected().filter((key) => found.includes(key))).toEqual(found);
    if (query.startsWith("time:")) expect(looked).toBeLessThan(2_500);
  });

  it("[G46] are refused to others, and wrong parameters are named", async () => {
    const eve = await server.createPerson("Eve");
    expect((await read({}, project, eve)).status).toBe(404);
    for (const query of [
      { before: "yesterday" },
      { after: "2026-01-01" },
      { limit: 0 },
      { query: "endpoint:" },
      { before: "2026-13-01T00:00:00Z" },
    ])
      expect((await read(query as Record<string, string>)).body.code).toBe("parameter_invalid");
    const both = await read({ before: "2026-01-01T00:00:00Z", after: "2026-01-01T00:00:00Z" });
    expect(Object.keys(both.body.fields ?? both.body.errors ?? {})).toContain("after");
    expect((await ada.call("GET", `/api/manage/endpoints/${endpoints[0]?.id}/changes?query=endpoint:alpha`)).body.code).toBe(
      "parameter_invalid",
    );
  });
});
