/** Tests reading records for the grid. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { readRecordPage } from "@/src/management/records/read-record-page";
import { parseRecordPageQuery } from "@/src/management/records/record-query";
import { gridPageSchema, gridRecordSchema } from "@/src/shared/management/schemas";
import { formatCursor } from "@/src/shared/streams/cursor";
import { readCursor } from "@/tests/support/clients/read-cursor";
import { FILTER_CASES, SEARCH_CASES } from "@/tests/support/text-cases";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
});

const base = () => `/api/manage/endpoints/${endpointId}/records`;
const list = (query: Record<string, string | string[]> = {}) => {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) for (const value of [values].flat()) parameters.append(name, value);
  return ada.call("GET", `${base()}?${parameters}`);
};
const store = async (...texts: string[]): Promise<string[]> => {
  const ids = texts.map(() => createUniqueId());
  const writes = texts.map((data, index) => ({ type: "POST", id: ids[index] ?? "", contentType: "json", data }) as const);
  await server.runtime.records.commit(endpointId, writes);
  return ids;
};
const change = (id: string | undefined, data: string, contentType: "json" | "text" = "json") =>
  server.runtime.records.commit(endpointId, [{ type: "PUT", id: id ?? "", contentType, data }]);
const dataOf = async (query: Record<string, string | string[]>): Promise<unknown[]> =>
  (await list({ order: "created", ...query })).body.records.map(({ data }: { data: unknown }) => data);

describe("pages", () => {
  it("[G13] returns the newest first, data as stored, with version, kind and owner", async () => {
    const [, second] = await store('{"b":1.10,"a":12345678901234567890}', '"x"');
    await change(second, '"now"', "text");
    const answer = await list();
    expect(answer.status).toBe(200);
    expect(gridPageSchema.safeParse(answer.body).success).toBe(true);
    expect(answer.text).toContain('"data":{"b":1.10,"a":12345678901234567890},');
    expect(answer.body).toMatchObject({
      records: [
        { uniqueId: second, data: "now", version: 2, contentType: "text", owner: null },
        { version: 1, contentType: "json", owner: null },
      ],
      next: null,
    });
  });

  it("[G13] returns the position in the log from which a stream sends what the page lacks", async () => {
    const { epoch } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    expect((await list()).body).toEqual({ records: [], next: null, since: formatCursor({ epoch, seq: 0 }) });
    await store("1", "2");
    expect((await list()).body.since).toBe(await readCursor(server.runtime.changes, endpointId));
  });

  it.each(["-created", "created", "-updated", "updated"])("[G13] pages in the order %s, each record once", async (order) => {
    const ids = await store("1", "2", "3", "4", "5");
    for (const id of [ids[1], ids[3], ids[0]]) await change(id, "0");
    const found: { uniqueId: string; updatedAt: string }[] = [];
    let cursor: string | null = null;
    do {
      const page: { records: typeof found; next: string | null } = (
        await list({ order, limit: "2", ...(cursor === null ? {} : { cursor }) })
      ).body;
      expect(page.records.length).toBeLessThanOrEqual(2);
      found.push(...page.records);
      cursor = page.next;
    } while (cursor !== null);
    // Ids are in the order of creation.
    const keys = found.map(({ uniqueId, updatedAt }) => (order.endsWith("updated") ? updatedAt : uniqueId));
    const ascending = [...keys].sort();
    expect(keys).toEqual(order.startsWith("-") ? ascending.reverse() : ascending);
    expect(found.map(({ uniqueId }) => uniqueId).sort()).toEqual(ids);
  });

  it("[G13] limits the size of a page of large records, but never to zero", async () => {
    const { records } = server.runtime;
    for (const letter of ["a", "b", "c"]) {
      const data = JSON.stringify(letter.repeat(3 * 1024 * 1024));
      await records.commit(endpointId, [{ type: "POST", id: letter.repeat(32), contentType: "json", data }]);
    }
    const first = (await list()).body;
    expect(first.records.map(({ uniqueId }: { uniqueId: string }) => uniqueId[0])).toEqual(["c", "b"]);
    expect((await list({ cursor: first.next })).body).toMatchObject({ records: [{ uniqueId: "a".repeat(32) }], next: null });
  });

  it("[G13] returns only the named records, without unknown ones", async () => {
    const [first, , third] = await store("1", "2", "3");
    expect(await dataOf({ uniqueId: `${third},${first},${"0".repeat(32)}` })).toEqual([1, 3]);
  });

  it.each([
    ["limit", { limit: "0" }],
    ["limit", { limit: "501" }],
    ["limit", { limit: "ten" }],
    ["order", { order: "name" }],
    ["cursor", { cursor: "nothing" }],
    ["cursor", { cursor: "12-3", order: "created" }],
    ["cursor", { cursor: "12", order: "updated" }],
    ["cursor", { cursor: "9999999999999999999" }],
    ["filter", { filter: "age" }],
    ["filter", { filter: Array.from({ length: 11 }, () => "a exists") }],
    ["search", { search: "x".repeat(201) }],
    ["search", { search: "\0" }],
    ["uniqueId", { uniqueId: "x" }],
    ["uniqueId", { uniqueId: Array.from({ length: 101 }, () => "0".repeat(32)) }],
  ])("[G13] reports an invalid %s by its name", async (name, query) => {
    expect(await list(query)).toMatchObject({ status: 400, body: { code: "parameter_invalid", fields: { [name]: expect.any(String) } } });
  });

  it("[G13] cancels a page that takes the database too long, with advice", async () => {
    await server.runtime.db.$transaction(async (tx) => {
      await tx.$queryRaw`LOCK TABLE "Record" IN ACCESS EXCLUSIVE MODE`;
      const query = parseRecordPageQuery(new URLSearchParams());
      const page = readRecordPage({ search: server.runtime.recordSearch, accountId: "ada", endpointId, query, statementMs: 20 });
      await expect(page).rejects.toMatchObject({ code: "parameter_invalid", message: expect.stringContaining("remove a filter") });
    });
  });

  it("[G6] does not show another account's records", async () => {
    await store("1");
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("GET", base())).toMatchObject({ status: 404, body: { code: "not_found" } });
  });
});

describe("filters", () => {
  const PEOPLE = [
    '{"name":"Ada","age":36,"tags":["math","code"],"admin":true,"note":null}',
    '{"name":"grace","age":85.5,"tags":[],"admin":false}',
    '{"name":"Émile","age":"36","odd key":{"x":1}}',
    '"just text with Ada"',
    "41",
  ];
  const names = [0, 1, 2, 3, 4];

  it.each([
    ["age = 36", [0]],
    ["age = 36.0", [0]],
    ['age = "36"', [2]],
    ["age > 36", [1]],
    ["age >= 36", [0, 1]],
    ["age < 1e2", [0, 1]],
    ["age != 36", [1, 2, 3, 4]],
    ["name = Ada", [0]],
    ["name ~ ADA", [0]],
    ["name > B", [1, 2]],
    ["tags[1] = code", [0]],
    ["tags ~ math", [0]],
    ["admin = true", [0]],
    ["admin = false", [1]],
    ["note = null", [0]],
    ["note exists", [0]],
    ["note missing", [1, 2, 3, 4]],
    ['["odd key"].x = 1', [2]],
    ["$ = 41", [4]],
    ["$ > 40", [4]],
    ["$ ~ just", [3]],
    ["name = Ada' OR '1'='1", []],
  ])("[G13] %s", async (filter, expected) => {
    const ids = await store(...PEOPLE);
    const found = (await list({ order: "created", filter })).body.records.map(({ uniqueId }: { uniqueId: string }) =>
      ids.indexOf(uniqueId),
    );
    expect(found).toEqual(names.filter((name) => expected.includes(name)));
  });

  it.each(SEARCH_CASES)("[G13] finds text as read by people: $what", async ({ json, finds, misses = [] }) => {
    await store(json);
    for (const search of finds) expect.soft((await list({ search })).body.records, JSON.stringify(search)).toHaveLength(1);
    for (const search of misses) expect.soft((await list({ search })).body.records, JSON.stringify(search)).toHaveLength(0);
    expect((await list()).text).toContain(`"data":${json},`);
  });

  it.each(FILTER_CASES)("[G13] filters compare text as read by people: %j, %s", async (json, filter, isMet) => {
    await store(json);
    expect((await list({ filter })).body.records).toHaveLength(isMet ? 1 : 0);
  });

  it("[G13] several filters and a text apply together", async () => {
    await store(...PEOPLE);
    expect(await dataOf({ filter: ["age exists", "admin = false"] })).toMatchObject([{ name: "grace" }]);
    expect(await dataOf({ search: "ADA" })).toMatchObject([{ name: "Ada" }, "just text with Ada"]);
    expect(await dataOf({ search: "ada", filter: "age = 36" })).toMatchObject([{ name: "Ada" }]);
    expect(await dataOf({ search: '"math","' })).toMatchObject([{ name: "Ada" }]);
  });

  it("[G13] a text finds quotes and backslashes as people write them, and parts of ids", async () => {
    const [first] = await store('"say \\"hi\\" \\\\ there"', '"100%"', '"a_b"');
    expect(await dataOf({ search: '"hi" \\' })).toEqual(['say "hi" \\ there']);
    expect(await dataOf({ search: "%" })).toEqual(["100%"]);
    expect(await dataOf({ search: "_" })).toEqual(["a_b"]);
    expect(await dataOf({ search: (first ?? "").slice(-12) })).toEqual(['say "hi" \\ there']);
  });

  it("[G13] no stored JSON makes a filter fail: unpaired surrogates, huge numbers, deep nesting", async () => {
    const deep = `${"[".repeat(900)}1${"]".repeat(900)}`;
    await store(
      '{"a":"\\ud800","b":1}',
      '{"a":"\\udc00\\ud83d\\ude00","b":1}',
      '{"a":"\\\\ud800","b":1}',
      '{"a":1e999999,"b":1}',
      `{"a":${deep},"b":1}`,
    );
    expect(await dataOf({ filter: "b = 1" })).toHaveLength(5);
    expect(await dataOf({ filter: "a > 0" })).toEqual([]);
    expect(await dataOf({ filter: "a ~ 😀" })).toHaveLength(1);
  });

  it("[G13] pages through the records that match a filter", async () => {
    await store(...Array.from({ length: 9 }, (_, index) => `{"n":${index}}`));
    const first = (await list({ order: "created", filter: "n >= 3", limit: "4" })).body;
    const second = (await list({ order: "created", filter: "n >= 3", limit: "4", cursor: first.next })).body;
    const values = [...first.records, ...second.records].map(({ data }: { data: { n: number } }) => data.n);
    expect(values).toEqual([3, 4, 5, 6, 7, 8]);
    expect(second.next).toBe(null);
  });
});

describe("one record", () => {
  it("[G13] GET returns it with its version as ETag", async () => {
    const [id] = await store('{"n":1.0}');
    const answer = await ada.call("GET", `${base()}/${id}`);
    expect(answer).toMatchObject({ status: 200, body: { uniqueId: id, version: 1, contentType: "json", owner: null } });
    expect(answer.text).toContain('"data":{"n":1.0},');
    expect(answer.headers.get("etag")).toBe('"1"');
    expect(gridRecordSchema.safeParse(answer.body).success).toBe(true);
  });

  it("[G13] GET of an unknown one is 404", async () => {
    expect(await ada.call("GET", `${base()}/${"0".repeat(32)}`)).toMatchObject({ status: 404, body: { code: "record_not_found" } });
    expect(await ada.call("GET", `${base()}/nothing`)).toMatchObject({ status: 400, body: { code: "unique_id_invalid" } });
  });
});

describe("several at once", () => {
  it("[G13] deletes those that still exist, together, and returns their number", async () => {
    const [first, second, third] = await store("1", "2", "3");
    const before = server.notifications.length;
    const unknown = "0".repeat(32);
    const answer = await ada.call("POST", `${base()}/delete`, { body: { uniqueIds: [first, third, third, unknown] } });
    expect(answer).toMatchObject({ status: 200, body: { deleted: 2 } });
    expect((await list()).body.records).toMatchObject([{ uniqueId: second }]);
    expect(server.notifications.slice(before)).toMatchObject([{ kind: "changes", changes: [{ type: "DELETE" }, { type: "DELETE" }] }]);
  });

  it.each([[{ uniqueIds: [] }], [{ uniqueIds: ["x"] }], [{ uniqueIds: Array.from({ length: 1001 }, () => "0".repeat(32)) }], [{}]])(
    "[G13] refuses a bad list of ids",
    async (body) => {
      expect(await ada.call("POST", `${base()}/delete`, { body })).toMatchObject({ status: 400, body: { code: "fields_invalid" } });
    },
  );

  it("[G6] deletes nothing of another account", async () => {
    const uniqueIds = await store("1");
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("POST", `${base()}/delete`, { body: { uniqueIds } })).toMatchObject({ status: 404 });
    expect((await list()).body.records).toHaveLength(1);
  });
});
