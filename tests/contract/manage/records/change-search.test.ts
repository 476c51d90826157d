/** Searches in the change log (G27), and pages from a place in it (G7), on a log of 100,000 changes. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listChanges } from "@/src/management/changes/list-changes";
import { searchChanges } from "@/src/management/changes/search-changes";
import { parseExpression } from "@/src/shared/filters/parse-expression";
import { SEARCH_CASES } from "@/tests/support/text-cases";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

const COUNT = 100_000;
/** The id of the record of change 7. */
const RECORD_7 = createHash("md5").update("7").digest("hex");
const START_MS = Date.parse("2026-01-01T00:00:00Z");

let server: ManageServer;
let ada: Person;
let endpointId: string;
let small: string;

/** Change n is of second n; each hundredth is a deletion. */
async function seed(id: string): Promise<void> {
  const { db } = server.runtime;
  await db.$executeRaw`
    INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
    SELECT ${id}::uuid, n, (CASE WHEN n % 100 = 0 THEN 'DELETE' ELSE 'POST' END)::"ChangeType", md5(n::text)::uuid,
      json_build_object('n', n, 'room', CASE WHEN n = 7 THEN 'Crypt' ELSE 'hall' END, 'pad', repeat('x', 60)), 1, t, t, t
    FROM (SELECT n, to_timestamp(${START_MS / 1000}::int + n) AS t FROM generate_series(1, ${COUNT}::int) n) s`;
  await db.$executeRaw`UPDATE "Endpoint" SET "seq" = ${COUNT} WHERE "id" = ${id}::uuid`;
}

beforeAll(async () => {
  server = await startManageServer();
  ada = await server.createPerson("Ada");
  const { project, endpoint } = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body;
  endpointId = endpoint.id;
  const other = await ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body: { name: "small", kind: "data" } });
  small = other.body.id;
  await seed(endpointId);
}, 120_000);
afterAll(() => server.stop());

const read = (query: Record<string, string | number>, id = endpointId, person = ada): Promise<Answer> =>
  person.call(
    "GET",
    `/api/manage/endpoints/${id}/changes?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`,
  );
const toSeqs = (answer: Answer): number[] => answer.body.changes.map(({ seq }: { seq: number }) => seq);

/** Follows a search to its end. */
async function searchAll(query: string, id = endpointId) {
  const seqs: number[] = [];
  const steps: { from: number; to: number; oldest: number }[] = [];
  for (let before: number | undefined; ; ) {
    const answer = await read({ query, limit: 500, ...(before === undefined ? {} : { before }) }, id);
    expect(answer.status).toBe(200);
    seqs.push(...toSeqs(answer));
    steps.push(answer.body.searched);
    if (!answer.body.more) return { seqs, steps };
    before = answer.body.searched.to;
  }
}

describe("the changes of one record", () => {
  it("[G7] are found by an index, however long the log is", async () => {
    const { db, changes } = server.runtime;
    const answer = await read({ recordId: RECORD_7 });
    expect(toSeqs(answer)).toEqual([7]);
    await db.$executeRawUnsafe('ANALYZE "Change"');
    for (const edges of [
      { before: null, after: null },
      { before: 90_000, after: null },
      { before: null, after: 3 },
    ]) {
      const plans: string[] = [];
      const explain = async (parts: TemplateStringsArray, ...values: unknown[]) => {
        const sql = parts.reduce((text, part, index) => `${text}$${index}${part}`);
        const rows = await db.$queryRawUnsafe<Record<string, string>[]>(`EXPLAIN ${sql}`, ...values);
        plans.push(rows.flatMap((row) => Object.values(row)).join("\n"));
        return [];
      };
      const explained: Parameters<typeof listChanges>[0]["db"] = Object.assign(Object.create(null), {
        endpoint: db.endpoint,
        $queryRaw: explain,
      });
      await listChanges({ db: explained, changes, ownerId: ada.id, endpointId, ...edges, recordId: RECORD_7, limit: 50 });
      expect(plans).toHaveLength(1);
      expect(plans[0]).toContain("Change_recordId_seq_idx");
      expect(plans[0]).not.toMatch(/Seq Scan|Change_pkey/);
    }
  });
});

describe("a search in the log", () => {
  it("[G27] finds one change among 100,000, and states how far it looked", async () => {
    const { seqs, steps } = await searchAll("room = Crypt");
    expect(seqs).toEqual([7]);
    expect(steps[0]).toMatchObject({ from: COUNT, oldest: 1 });
    expect(steps.at(-1)?.to).toBe(1);
    // Nothing is skipped and nothing is looked through twice.
    expect(steps.slice(1).map(({ from }) => from)).toEqual(steps.slice(0, -1).map(({ to }) => to - 1));
  });

  it("[G27.21] looks only at the changes of the time that every match must have", async () => {
    const at = (second: number) => new Date(START_MS + second * 1000).toISOString();
    const { seqs, steps } = await searchAll(`time:${at(50_000)}..${at(50_300)} op:delete`);
    expect(seqs).toEqual([50_200, 50_100, 50_000]);
    const looked = (steps[0]?.from ?? 0) - (steps.at(-1)?.to ?? 0) + 1;
    expect(looked).toBeGreaterThanOrEqual(300);
    expect(looked).toBeLessThanOrEqual(1_000);
    expect((await searchAll(`time:..${at(3)}`)).seqs).toEqual([2, 1]);
    expect((await searchAll(`time:${at(COUNT - 1)}..`)).seqs).toEqual([COUNT, COUNT - 1]);
    expect((await searchAll(`time:${at(COUNT + 1000)}..`)).seqs).toEqual([]);
    expect((await searchAll(`time:..${at(-1000)}`)).seqs).toEqual([]);
    expect((await searchAll(`n = 1 | time:${at(COUNT)}..`)).seqs).toEqual([COUNT, 1]);
    expect((await searchAll(`n < 4 -time:${at(1)}..${at(3)}`)).seqs).toEqual([3]);
  });

  it("[G27] stops at the limit, and goes on before the last change that it looked through", async () => {
    const first = await read({ query: "op:delete", limit: 3 });
    expect(toSeqs(first)).toEqual([100_000, 99_900, 99_800]);
    expect(first.body).toMatchObject({ more: true, searched: { from: COUNT, to: 99_800, oldest: 1 } });
    const second = await read({ query: "op:delete", limit: 3, before: first.body.searched.to });
    expect(toSeqs(second)).toEqual([99_700, 99_600, 99_500]);
  });

  it.each<[string, number[]]>([
    ["n <= 3", [3, 2, 1]],
    ["n > 5 & n < 8", [7, 6]],
    ["crypt", [7]],
    ["(crypt | n = 9) -op:delete", [9, 7]],
    ['/"n" : 1?5,/', [15, 5]],
    ["/CRYPT\\b/i", [7]],
    ['/^\\{[^}]{1,9}, "room" : "[A-Z]\\w+"/', [7]],
    ["n = 99998 op:create", [99_998]],
    ["n = 99900 op:create", []],
  ])("[G27] %s finds what matches", async (query, seqs) => expect((await searchAll(query)).seqs).toEqual(seqs));

  it("[G27] finds changes of a record by a part of its id, and by size", async () => {
    const [change] = (await read({ query: "n = 7", before: 9 })).body.changes;
    expect((await searchAll(`id:${change.record.uniqueId.slice(4, 24)}`)).seqs).toEqual([7]);
    const { body } = await ada.call("POST", `/api/manage/endpoints/${small}/records`, { body: { text: "\u00e4".repeat(600) } });
    await ada.call("POST", `/api/manage/endpoints/${small}/records`, { body: { text: "a" } });
    const found = await read({ query: "size > 1.1kb" }, small);
    expect(found.body.changes.map(({ record }: { record: { uniqueId: string } }) => record.uniqueId)).toEqual([body.uniqueId]);
  });

  it.each(SEARCH_CASES.filter(({ finds }) => finds.length > 0))("[G27] [G13] finds what the grid finds: $what", async ({ json, finds }) => {
    const { db } = server.runtime;
    await db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${small}::uuid`;
    await db.$executeRaw`
      INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt", "at")
      VALUES (${small}::uuid, 1, 'POST', gen_random_uuid(), ${json}::json, 1, now(), now(), now())`;
    await db.$executeRaw`UPDATE "Endpoint" SET "seq" = greatest("seq", 1) WHERE "id" = ${small}::uuid`;
    for (const text of finds) expect([text, (await searchAll(JSON.stringify(text), small)).seqs]).toEqual([text, [1]]);
  });

  it("[G27] refuses a wrong expression with the column, and what does not go with a search", async () => {
    expect(await read({ query: "temperature >> 20" })).toMatchObject({
      status: 400,
      body: { code: "parameter_invalid", fields: { query: expect.stringMatching(/^Column 14: Write a value after >/) } },
    });
    expect(await read({ query: "((a{100}){100}){100}" })).toMatchObject({ status: 200 });
    expect(await read({ query: "/((a{100}){100}){100}/" })).toMatchObject({
      status: 400,
      body: { fields: { query: expect.stringContaining("simpler") } },
    });
    expect(await read({ query: "a", after: 5 })).toMatchObject({ status: 400, body: { fields: { after: expect.any(String) } } });
  });

  it("[G27] is only for the owner", async () => {
    const bob = await server.createPerson("Bob");
    expect(await read({ query: "crypt" }, endpointId, bob)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await read({ time: "2026-01-01T00:00:10Z" }, endpointId, bob)).toMatchObject({ status: 404 });
  });

  it("[G27] ends when the client has gone, and continues from there", async () => {
    const { db, changes, recordSearch: search } = server.runtime;
    const parsed = parseExpression("crypt");
    if (!parsed.ok || !parsed.expression) throw new Error("The expression is not valid.");
    const { expression } = parsed;
    const signal = AbortSignal.abort();
    const text = await searchChanges({ db, changes, search, ownerId: ada.id, endpointId, expression, before: null, limit: 10, signal });
    const { more, searched } = JSON.parse(text);
    expect([more, searched.from]).toEqual([true, COUNT]);
    expect(searched.to).toBeGreaterThan(COUNT / 2);
  });
});

describe("a page from a place in the log", () => {
  it("[G7] after a seq has the changes that follow it, newest first", async () => {
    const page = await read({ after: 5, limit: 3 });
    expect(toSeqs(page)).toEqual([8, 7, 6]);
    expect(page.body.more).toBe(true);
    const last = await read({ after: COUNT - 2 });
    expect([toSeqs(last), last.body.more]).toEqual([[COUNT, COUNT - 1], false]);
    expect(toSeqs(await read({ after: 0, limit: 2 }))).toEqual([2, 1]);
    expect(toSeqs(await read({ after: COUNT }))).toEqual([]);
  });

  it.each([
    ["in the middle", 50_000, [50_001, 50_000]],
    ["before the first change", -500, [2, 1]],
    ["of the last change", COUNT, [COUNT]],
    ["after the last change", COUNT + 1, []],
  ])("[G7] at a time %s", async (_where, second, seqs) => {
    expect(toSeqs(await read({ time: new Date(START_MS + second * 1000).toISOString(), limit: 2 }))).toEqual(seqs);
  });

  it("[G7] at a time, in a log with holes", async () => {
    await server.runtime.db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${endpointId}::uuid AND "seq" BETWEEN 20000 AND 29999`;
    expect(toSeqs(await read({ time: new Date(START_MS + 25_000_000).toISOString(), limit: 2 }))).toEqual([30_001, 30_000]);
  });

  it("[G7] takes one place, and a time with a zone", async () => {
    expect(await read({ before: 9, after: 5 })).toMatchObject({ status: 400, body: { fields: { after: expect.any(String) } } });
    expect(await read({ time: "2026-01-01 10:00" })).toMatchObject({ status: 400, body: { fields: { time: expect.any(String) } } });
  });
});
