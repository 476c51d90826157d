/** Tests exporting records. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

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

const path = (of = endpointId) => `/api/manage/endpoints/${of}/export`;
const get = (query: string): Promise<Answer> => ada.call("GET", `${path()}?${query}`);
const store = async (...texts: string[]): Promise<string[]> => {
  const ids = texts.map(() => createUniqueId());
  const writes = texts.map((data, index) => ({ type: "POST", id: ids[index] ?? "", contentType: "json", data }) as const);
  await server.runtime.records.commit(endpointId, writes);
  return ids;
};

describe("formats", () => {
  it("[G14] JSON is what GET of the data plane returns, digits as stored, in order of creation", async () => {
    const [first, second] = await store('{"b":1.10,"a":12345678901234567890}', '"x"');
    const answer = await get("format=json");
    expect(answer).toMatchObject({ status: 200, body: [{ uniqueId: first }, { uniqueId: second, data: "x" }] });
    expect(Object.keys(answer.body[0])).toEqual(["uniqueId", "data", "createdAt", "updatedAt"]);
    expect(answer.text).toContain('"data":{"b":1.10,"a":12345678901234567890},');
  });

  it("[G14] HEAD has the headers of GET, and its errors", async () => {
    await store("1", "2");
    for (const format of ["json", "ndjson", "csv"]) {
      const [head, { headers }] = [await ada.call("HEAD", `${path()}?format=${format}`), await get(`format=${format}`)];
      expect(head).toMatchObject({ status: 200, text: "" });
      for (const name of ["content-type", "content-disposition"]) expect(head.headers.get(name)).toBe(headers.get(name));
    }
    await store(
      ...Array.from({ length: 3 }, (_, n) => JSON.stringify(Object.fromEntries(Array.from({ length: 700 }, (_, m) => [`${n}.${m}`, 1])))),
    );
    expect((await ada.call("HEAD", `${path()}?format=csv`)).status).toBe(400);
    expect((await ada.call("HEAD", `${path()}?format=json`)).status).toBe(200);
    expect((await ada.call("HEAD", `${path()}?format=pdf`)).status).toBe(400);
  });

  it("[G14] NDJSON has one record per line", async () => {
    const ids = await store("1", "2", "3");
    const answer = await get("format=ndjson");
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    const lines = answer.text.split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.map((line) => JSON.parse(line).uniqueId)).toEqual(ids);
  });

  it("[G14] CSV has a column for each path, strings in quotes, and values that are not objects in the column data", async () => {
    const [first, second] = await store('{"name":"Gr\\"ace","n":1.50,"in":{"a b":[1,"x"],"none":null,"empty":{}}}', "true");
    const answer = await get("format=csv");
    const [header, one, two, end] = answer.text.split("\r\n");
    expect(header).toBe('"uniqueId","createdAt","updatedAt","data.name","data.n","data.in[""a b""]","data.in.none","data.in.empty","data"');
    expect(one).toMatch(new RegExp(`^"${first}","[^"]+","[^"]+","Gr""ace",1.50,"\\[1,""x""\\]",null,{},$`));
    expect(two).toMatch(new RegExp(`^"${second}","[^"]+","[^"]+",,,,,,true$`));
    expect(end).toBe("");
  });

  it("[G14] CSV contains no formula that a spreadsheet would run", async () => {
    await store('{"a":"=1+1","b":"+49","c":"-2","d":"@SUM(A1)","e":"\\t=1","f":"\\uff1d1","n":-2,"=cmd|x":1}');
    const row = (await get("format=csv")).text;
    expect(row).toContain(`"'=1+1","'+49","'-2","'@SUM(A1)","'\t=1","'\uff1d1",-2`);
    // Every header begins with letters.
    expect(row).toContain('"data[""=cmd|x""]"');
  });

  it("[G14] CSV begins with a byte order mark if one is requested, and nothing else does", async () => {
    const [id] = await store('{"a":"é"}');
    const begin = async (answer: Promise<Answer>) => (await answer).text.slice(0, 5);
    const post = (body: object) => ada.call("POST", path(), { body: { uniqueIds: [id], ...body } });
    expect(await begin(get("format=csv"))).toBe('"uniq');
    expect(await begin(get("format=csv&bom=true"))).toBe('\ufeff"uni');
    expect(await begin(post({ format: "csv", bom: true }))).toBe('\ufeff"uni');
    expect(await get("format=csv&bom=yes")).toMatchObject({ status: 400, body: { code: "parameter_invalid" } });
    for (const format of ["json", "ndjson"]) {
      expect(await get(`format=${format}&bom=true`)).toMatchObject({
        status: 400,
        body: { code: "parameter_invalid", fields: { bom: expect.any(String) } },
      });
      expect((await ada.call("HEAD", `${path()}?format=${format}&bom=true`)).status).toBe(400);
      expect((await post({ format, bom: true })).status).toBe(400);
    }
  });

  it("[G14] is sent as a file with the endpoint's name and the date", async () => {
    const { name } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    const day = server.runtime.clock.now().toISOString().slice(0, 10);
    const { headers } = await get("format=csv");
    expect(headers.get("content-disposition")).toBe(`attachment; filename="${name.replaceAll("/", "-")}-${day}.csv"`);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each([
    ["json", "[\n]\n"],
    ["ndjson", ""],
    ["csv", '"uniqueId","createdAt","updatedAt","data"\r\n'],
  ])("[G14] %s without records", async (format, text) => {
    expect(await get(`format=${format}`)).toMatchObject({ status: 200, text });
  });
});

describe("which records", () => {
  it("[G14] those that filters and text select, in the requested order", async () => {
    await store('{"n":1}', '{"n":2}', '{"n":3,"x":"yes"}', '{"n":4,"x":"yes"}');
    const values = async (query: string) => (await get(query)).body.map(({ data }: { data: { n: number } }) => data.n);
    expect(await values("format=json&filter=n%20%3E%201&order=-created")).toEqual([4, 3, 2]);
    expect(await values("format=json&filter=n%20%3C%204&search=YES")).toEqual([3]);
  });

  it("[G14] POST: the named ones", async () => {
    const [first, , third] = await store("1", "2", "3");
    const answer = await ada.call("POST", path(), { body: { format: "json", uniqueIds: [third, first] } });
    expect(answer.body.map(({ data }: { data: number }) => data)).toEqual([1, 3]);
    expect(await ada.call("POST", path(), { body: { format: "xml", uniqueIds: [] } })).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { format: expect.any(String), uniqueIds: expect.any(String) } },
    });
  });

  it("[G14] all of many pages, each once", async () => {
    const sent = Array.from({ length: 2300 }, (_, index) => String(index));
    await store(...sent);
    const answer = await get("format=ndjson");
    expect(
      answer.text
        .trimEnd()
        .split("\n")
        .map((line) => String(JSON.parse(line).data)),
    ).toEqual(sent);
  });

  it.each([
    ["format=xml"],
    [""],
    ["format=csv&delimiter=."],
    ["format=json&delimiter=tab"],
    ["format=json&filter=oops"],
    ["format=json&order=name"],
  ])("[G14] refuses %j", async (query) => {
    expect(await get(query)).toMatchObject({ status: 400, body: { code: "parameter_invalid", fields: expect.any(Object) } });
  });

  it("[G14] refuses a table of thousands of columns, with the alternative", async () => {
    const wide = Array.from({ length: 2001 }, (_, index) => `"k${index}":1`).join(",");
    await store(`{${wide}}`);
    expect(await get("format=csv")).toMatchObject({
      status: 400,
      body: { code: "parameter_invalid", detail: expect.stringContaining("NDJSON") },
    });
    expect((await get("format=ndjson")).status).toBe(200);
  });

  it("[G14] other requests run while a wide table is written", async () => {
    const records = Array.from({ length: 300 }, (_, row) => `{${Array.from({ length: 6 }, (_, n) => `"k${row * 6 + n}":1`).join(",")}}`);
    await store(...records);
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const { text } = await get("format=csv");
    isDone = true;
    expect(text.trimEnd().split("\r\n")).toHaveLength(301);
    // 540,000 cells, 10,000 in one step.
    expect(turns).toBeGreaterThan(50);
  });

  it("[G6] none of another account", async () => {
    await store("1");
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("GET", `${path()}?format=json`)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });
});
