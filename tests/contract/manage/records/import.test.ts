/** Tests importing records. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { IMPORT_BYTES_MAX, IMPORT_RECORDS_MAX } from "@/src/shared/record-limits";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let endpointId: string;
let count = 0;

const RECORD_BYTES_MAX = 4096;

beforeAll(async () => {
  server = await startManageServer({ bodyBytesMax: RECORD_BYTES_MAX });
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
});

const TYPES = { ndjson: "application/x-ndjson", json: "application/json", csv: "text/csv; charset=utf-8" };
const path = () => `/api/manage/endpoints/${endpointId}/import`;
const send = (kind: keyof typeof TYPES, bytes: BodyInit, query = ""): Promise<Answer> =>
  ada.call("POST", path() + query, { raw: { contentType: TYPES[kind], bytes } });
/** The data of all records as stored, in order of creation. */
const storedText = async (): Promise<string> => {
  const pieces: string[] = [];
  for await (const piece of server.runtime.records.readAll(endpointId, { dataOnly: true })) pieces.push(piece);
  return pieces.join(",");
};

describe("formats", () => {
  it("[G14] NDJSON: one record per line, as sent, without blank lines", async () => {
    expect(await send("ndjson", '{"b":1.10,"a":12345678901234567890}\r\n\n  "x"\n[1, 2]')).toMatchObject({
      status: 201,
      body: { imported: 3 },
    });
    expect(await storedText()).toBe('{"b":1.10,"a":12345678901234567890},"x",[1, 2]');
  });

  it("[G14] JSON: one record for each item of an array, as sent", async () => {
    const sent = '\ufeff[ {"a":[1,{"b":"]"}],"n":1.0} ,\n"a,b", -0,\ntrue,[],{} ]\n';
    expect(await send("json", sent)).toMatchObject({ status: 201, body: { imported: 6 } });
    expect(await storedText()).toBe('{"a":[1,{"b":"]"}],"n":1.0},"a,b",-0,true,[],{}');
  });

  it("[G14] CSV: one record per row; bare cells are numbers and words, quoted ones strings, paths become objects", async () => {
    const sent =
      '\ufeffname,age,zip,address.city,"First Name",tags,note\r\nAda,36,"01234",London,A,"[1,""x""]",\r\n"Gr""ace",8.50,007,"New\nYork",true,,""\r\n';
    expect(await send("csv", sent)).toMatchObject({ status: 201, body: { imported: 2 } });
    expect(await storedText()).toBe(
      '{"name":"Ada","age":36,"zip":"01234","address":{"city":"London"},"First Name":"A","tags":[1,"x"]},' +
        '{"name":"Gr\\"ace","age":8.50,"zip":"007","address":{"city":"New\\nYork"},"First Name":true,"note":""}',
    );
  });

  it.each([";", "\t"])("[G14] CSV: also separated by %j", async (delimiter) => {
    await send("csv", `a,1${delimiter}b${delimiter}c\n1${delimiter}2${delimiter}x,y\n`);
    expect(await storedText()).toBe('{"a,1":1,"b":2,"c":"x,y"}');
  });

  it("[G14] imports the data of records that were exported or read", async () => {
    const record = (data: string) =>
      `{"uniqueId":"${"0".repeat(32)}","data":${data},"createdAt":"2030-01-01T00:00:00.000Z","updatedAt":"2030-01-01T00:00:00.000Z"}`;
    await send("ndjson", `${record('{"a":1.0}')}\n${record("7")}\n{"uniqueId":"mine","data":1,"createdAt":2,"updatedAt":3}`);
    expect(await storedText()).toBe('{"a":1.0},7,{"uniqueId":"mine","data":1,"createdAt":2,"updatedAt":3}');
  });

  it("[G14] keys of every name are ordinary keys", async () => {
    await send("csv", '__proto__.polluted,constructor,"toString"\n1,2,3\n');
    expect(await storedText()).toBe('{"__proto__":{"polluted":1},"constructor":2,"toString":3}');
    expect({}).not.toHaveProperty("polluted");
  });
});

describe("all or none", () => {
  it("[G14] subscribers receive an import after its commit, in order", async () => {
    const before = server.notifications.length;
    await send("ndjson", Array.from({ length: 2500 }, (_, index) => index).join("\n"));
    expect(server.notifications.slice(before)).toEqual([{ kind: "endpoint", endpointId }]);
    const { seq } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    expect(Number(seq)).toBe(2500);
    expect(await storedText()).toBe(Array.from({ length: 2500 }, (_, index) => index).join(","));
  });

  it("[G14] check=true stores nothing, and returns the result of an import", async () => {
    const answer = await send("ndjson", '{"a":1.50}\n2\n3\n4\n5\n6\n7', "?check=true");
    expect(answer).toMatchObject({ status: 200, body: { records: 7, first: [{ a: 1.5 }, 2, 3, 4, 5] } });
    expect(answer.text).toContain('{"a":1.50}');
    expect(await storedText()).toBe("");
  });

  it.each([
    ["ndjson", "1\n2\n{\n4", "body_invalid", "Line 3, column 2"],
    ["ndjson", '1\n{"a":"\\u0000"}', "body_invalid", "Line 2, at $.a"],
    ["ndjson", `1\n${"[".repeat(1001)}${"]".repeat(1001)}`, "body_invalid", "Line 2, at $"],
    ["ndjson", `1\n"${"x".repeat(RECORD_BYTES_MAX)}"`, "body_too_large", "Line 2: a record has at most 4096 bytes"],
    ["ndjson", " \n\n", "body_empty", "no record"],
    ["ndjson", "", "body_empty", "no record"],
    ["json", '{"a":1}', "body_invalid", "Line 1: expected a JSON array"],
    ["json", "[1,\n2,\n]", "body_invalid", "Line 3: remove the comma after the last record"],
    ["json", "[1,\n2 3]", "body_invalid", "Line 2, column 3"],
    ["json", "[1,\n2", "body_invalid", "Line 2: the array is not closed"],
    ["json", "[1]\n[2]", "body_invalid", "Line 2: unexpected text"],
    ["json", '[1,\n{"a":\n  tru}]', "body_invalid", "Line 3, column 3"],
    ["json", "[]", "body_empty", "no record"],
    ["csv", "a,b\n1,2\n3\n", "body_invalid", "Line 3"],
    ["csv", 'a,b\n1,"2\n', "body_invalid", "not valid CSV"],
    ["csv", "a,a\n1,2\n", "body_invalid", "occurs twice"],
    ["csv", "a,\n1,2\n", "body_invalid", "no name"],
    ["csv", "a,a.b\n1,2\n", "body_invalid", "Line 2: two columns contradict"],
    ["csv", "a,b\n", "body_empty", "no record"],
  ] as const)("[G14] %s %j stores nothing, and the error names the line", async (kind, bytes, code, detail) => {
    expect(await send(kind, bytes)).toMatchObject({ body: { code, detail: expect.stringContaining(detail) } });
    expect(await storedText()).toBe("");
  });

  it("[G14] refuses bytes that are not UTF-8", async () => {
    expect(await send("csv", new Uint8Array([0x61, 0x0a, 0xe9, 0x0a]))).toMatchObject({ status: 400, body: { code: "body_invalid" } });
  });

  it("[G14] accepts up to the maximum number of records and bytes", async () => {
    expect(await send("ndjson", "1\n".repeat(IMPORT_RECORDS_MAX + 1))).toMatchObject({
      status: 413,
      body: { code: "body_too_large", detail: expect.stringContaining(`before line ${IMPORT_RECORDS_MAX + 1}`) },
    });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024 * 1024;
        controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      },
    });
    expect(await send("ndjson", endless)).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    expect(sent).toBeLessThan(IMPORT_BYTES_MAX + 4 * 1024 * 1024);
    expect(await storedText()).toBe("");
  });

  it("[G14] refuses other content types, and authentication endpoints", async () => {
    const raw = { contentType: "application/xml", bytes: "<a/>" };
    expect(await ada.call("POST", path(), { raw })).toMatchObject({ status: 400, body: { code: "content_type_unsupported" } });
    const { projectId } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    const users = await server.runtime.db.endpoint.create({ data: { projectId, name: "people", kind: "authentication" } });
    const answer = await ada.call("POST", `/api/manage/endpoints/${users.id}/import`, { raw: { contentType: TYPES.ndjson, bytes: "{}" } });
    expect(answer).toMatchObject({ status: 400, body: { code: "parameter_invalid" } });
  });

  it("[G6] does not write to another account's endpoint", async () => {
    const eve = await server.createPerson(`Eve${count}`);
    expect(await eve.call("POST", path(), { raw: { contentType: TYPES.ndjson, bytes: "1" } })).toMatchObject({ status: 404 });
    expect(await storedText()).toBe("");
  });

  it("[R10] [G14] reports records that do not match the endpoint's schema by line", async () => {
    const schema = { type: "object", properties: { age: { type: "number" } }, required: ["age"] };
    await server.runtime.db.endpoint.update({ where: { id: endpointId }, data: { schema } });
    const answer = await send("csv", 'name,age\nAda,36\nGrace,"85"\n');
    expect(answer).toMatchObject({ status: 400, body: { code: "schema_mismatch", detail: expect.stringMatching(/^Line 3: .*\/age/) } });
    expect(await storedText()).toBe("");
    expect(await send("csv", "name,age\nAda,36\n")).toMatchObject({ status: 201, body: { imported: 1 } });
  });
});
