/** Tests that exported records are the same after an import. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { ExportFormat } from "@/src/shared/record-limits";
import { jsonTexts } from "@/tests/support/json-texts";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let projectId: string | null;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const { endpoint } = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body;
  ({ projectId } = await server.runtime.db.endpoint.findUniqueOrThrow({ where: { id: endpoint.id } }));
});

const TYPES = { ndjson: "application/x-ndjson", json: "application/json", csv: "text/csv" };
const FORMATS = ["ndjson", "json", "csv"] as const;

async function createEndpoint(texts: readonly string[] = []): Promise<string> {
  const { id } = await server.runtime.db.endpoint.create({ data: { projectId, name: `copies/${createUniqueId()}` } });
  const writes = texts.map((data) => ({ type: "POST", id: createUniqueId(), contentType: "json", data }) as const);
  if (writes.length > 0) await server.runtime.records.commit(id, writes);
  return id;
}

/** The data of all records, joined by commas. */
async function readStored(of: string): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of server.runtime.records.readAll(of, { dataOnly: true })) pieces.push(piece);
  return pieces.join(",");
}

async function exportFrom(of: string, format: ExportFormat, query = ""): Promise<string> {
  const answer = await ada.call("GET", `/api/manage/endpoints/${of}/export?format=${format}${query}`);
  expect(answer.status).toBe(200);
  return answer.text;
}

/** The stored data of a file. */
async function importInto(format: ExportFormat, bytes: BodyInit): Promise<string> {
  const to = await createEndpoint();
  const raw = { contentType: TYPES[format], bytes };
  expect(await ada.call("POST", `/api/manage/endpoints/${to}/import`, { raw })).toMatchObject({ status: 201 });
  return readStored(to);
}

/**
 * JSON without insignificant white space, and with one spelling of each string. Digits and the order of keys, including duplicate ones, are
 * unchanged.
 */
function toTokens(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (token) => (token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : ""));
}

describe("a round trip", () => {
  const strings = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "=1",
      "'=1",
      "''[x",
      "[1]",
      "{}",
      "42",
      "true",
      "null",
      "",
      "a,b",
      'say "x"',
      "a\r\nb",
      "-",
      "\u0001",
      "\ufeff",
      "\n=1",
    ),
    fc.constantFrom("\ud800", "x\udfff'", '"\\ud800"', `'"\\uDFFF"`, '"\\u00e9"', '"', "''\""),
  );
  const pretty = fc.tuple(jsonTexts({ strings }), fc.constantFrom("\n", "\r\n", "\t"));
  const records = fc.array(
    fc.oneof(
      jsonTexts({ strings }),
      // With white space wherever a client may put it.
      pretty.map(([text, space]) =>
        text.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g, (token) => (token.startsWith('"') ? token : `${space}${token}${space}`)).trim(),
      ),
    ),
    { minLength: 1, maxLength: 6 },
  );

  it.each(FORMATS)(
    "[G14] what %s exports is imported unchanged: digits, key order, every text",
    async (format) => {
      await fc.assert(
        fc.asyncProperty(records, async (sent) => {
          const imported = await importInto(format, await exportFrom(await createEndpoint(sent), format));
          expect(toTokens(imported)).toBe(toTokens(sent.join()));
        }),
        // Each import starts a process.
        { numRuns: 25 },
      );
    },
    60_000,
  );

  const nasty = [
    '{"b":1,"a":2}',
    '{"a":3,"b":4}',
    '{"x":{"d":1,"c":2},"a":5}',
    '{"a":6,"x":{"c":3,"d":4}}',
    '{"z":1,"2":1,"1":1}',
    '{"a":"","b":null}',
    "{}",
    '{"a":1,"a":{"b":2}}',
    '{"a":"\\ud83d","b":"\\ude00\\ud83d","k\\ud800":1}',
    '"\\ud800"',
    '{"a":"\\"\\\\ud800\\"","b":"\'\\"\\\\ud800\\""}',
    '{"uniqueId":"00000000000000000000000000000000","data":1,"createdAt":"2030-01-01T00:00:00.000Z","updatedAt":"2030-01-01T00:00:00.000Z"}',
    '{"keyOrder":["b"],"data":{"keyOrder":1}}',
    '{"a":12345678901234567890.10,"b":-0,"c":1e400,"d":"007","e":"1,50"}',
    '{"a":"TRUE","b":"true","c":true,"d":"null","e":"=1","f":"\'=1","g":"\'plain"}',
  ];

  it.each(FORMATS)("[G14] %s: records of every kind together", async (format) => {
    const imported = await importInto(format, await exportFrom(await createEndpoint(nasty), format));
    expect(toTokens(imported)).toBe(toTokens(nasty.join()));
  });

  it.each(["semicolon", "tab"])("[G14] CSV with the delimiter %s: records of every kind together", async (delimiter) => {
    const text = await exportFrom(await createEndpoint(nasty), "csv", `&delimiter=${delimiter}&bom=true`);
    expect(text).toMatch(/^\ufeff"uniqueId"[;\t]"createdAt"[;\t]/);
    expect(toTokens(await importInto("csv", text))).toBe(toTokens(nasty.join()));
  });

  it("[G14] NDJSON: a record that was sent on several lines is written on one", async () => {
    const text = await exportFrom(await createEndpoint(['{\n  "a": [\r\n    1\n  ]\n}', "2"]), "ndjson");
    expect(text.trimEnd().split("\n")).toHaveLength(2);
    expect(toTokens(await importInto("ndjson", text))).toBe('{"a":[1]},2');
  });

  it("[G14] CSV: a column keeps the order of keys if the order of columns cannot", async () => {
    const [, one, two] = (await exportFrom(await createEndpoint(['{"a":1,"b":2}', '{"b":3,"a":4}']), "csv")).split("\r\n");
    expect([one, two]).toEqual([expect.stringMatching(/,1,2,,$/), expect.stringMatching(/,4,3,,"\[""data\.b"",""data\.a""\]"$/)]);
    const [header] = (await exportFrom(await createEndpoint(['{"a":1,"c":2}', '{"a":1,"b":3,"c":2}', '{"b":1}']), "csv")).split("\r\n");
    expect(header).toBe('"uniqueId","createdAt","updatedAt","data.a","data.b","data.c","data"');
  });

  it("[G14] CSV: a table saved by a spreadsheet, with other columns and without trailing empty cells", async () => {
    const saved =
      'createdAt;uniqueId;data.b;data.a;data;keyOrder\r\n1;2;3;4\r\n1;2;;x;;"[""data.gone"",7,""data.a""]"\r\n;;;;5\r\n1;2;3;4;;oops\r\n';
    expect(await importInto("csv", saved)).toBe('{"b":3,"a":4},{"a":"x"},5,{"b":3,"a":4}');
    const raw = { contentType: TYPES.csv, bytes: "uniqueId,data.a,data\r\n1,2,\r\n1,2" };
    expect(await ada.call("POST", `/api/manage/endpoints/${await createEndpoint()}/import`, { raw })).toMatchObject({
      body: { detail: expect.stringContaining("Line 3: this is not valid CSV: the row has fewer cells") },
    });
  });
});
