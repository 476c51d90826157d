/** Tests import files of spreadsheets and browsers: encodings, delimiters and content types. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

const send = (bytes: BodyInit, { query = "", type = "text/csv" } = {}): Promise<Answer> =>
  ada.call("POST", `/api/manage/endpoints/${endpointId}/import?${query}`, { raw: { contentType: type, bytes } });
/** The data of all records as stored. */
const readStored = async (): Promise<string> => {
  const pieces: string[] = [];
  for await (const piece of server.runtime.records.readAll(endpointId, { dataOnly: true })) pieces.push(piece);
  return pieces.join(",");
};

const TABLE = "name;größe\r\nJosé;1\r\n";
const STORED = '{"name":"José","größe":1}';
const ansi = Buffer.from(TABLE, "latin1");
const utf16 = Buffer.from(`\ufeff${TABLE.replaceAll(";", "\t")}`, "utf16le");

describe("encodings", () => {
  it("[G14] Excel's ANSI: a check reads it as windows-1252 and reports the guess; an import must name it", async () => {
    expect(await send(ansi, { query: "check=true" })).toMatchObject({
      status: 200,
      body: { records: 1, first: [{ name: "José", größe: 1 }], charset: "windows-1252", guessed: true, samples: [] },
    });
    expect(await send(ansi)).toMatchObject({
      status: 400,
      body: { code: "body_invalid", detail: expect.stringMatching(/^Line 1: the file is not UTF-8\. .*charset=windows-1252/) },
    });
    expect(await readStored()).toBe("");
    expect(await send(ansi, { query: "charset=windows-1252" })).toMatchObject({ status: 201, body: { imported: 1 } });
    expect(await send(ansi, { type: "text/csv; charset=ISO-8859-1" })).toMatchObject({ status: 201 });
    expect(await readStored()).toBe(`${STORED},${STORED}`);
  });

  it("[G14] UTF-16 in either byte order, with and without a byte order mark", async () => {
    const swapped = Buffer.from(utf16).swap16();
    for (const bytes of [utf16, utf16.subarray(2), swapped, swapped.subarray(2)]) {
      expect(await send(bytes, { query: "check=true" })).toMatchObject({
        body: { charset: bytes === utf16 || bytes.buffer === utf16.buffer ? "utf-16le" : "utf-16be", guessed: false },
      });
      expect(await send(bytes)).toMatchObject({ status: 201 });
    }
    // The file's byte order mark overrides a charset that a library added by itself.
    expect(await send(utf16, { type: "text/csv;charset=UTF-8" })).toMatchObject({ status: 201 });
    expect(await readStored()).toBe(Array(5).fill(STORED).join());
  });

  it("[G14] JSON and NDJSON in UTF-16, as PowerShell writes them", async () => {
    expect(await send(Buffer.from('\ufeff[{"a":"é"}]', "utf16le"), { type: "application/json" })).toMatchObject({ status: 201 });
    expect(await send(Buffer.from('\ufeff{"a":"é"}\r\n', "utf16le"), { type: "application/x-ndjson" })).toMatchObject({ status: 201 });
    expect(await readStored()).toBe('{"a":"é"},{"a":"é"}');
  });

  it("[G14] a check returns samples that show whether the encoding is right", async () => {
    const rows = Array.from({ length: 20 }, (_, index) => (index < 10 ? `n${index}` : `Wa³êsa ${index}`));
    const bytes = Buffer.from(`name\n${rows.join("\n")}\n`, "latin1");
    const names = async (query: string) =>
      (await send(bytes, { query: `check=true&${query}` })).body.samples.map(({ name }: { name: string }) => name);
    expect(await names("")).toEqual([10, 11, 12, 13, 14].map((index) => `Wa³êsa ${index}`));
    expect((await names("charset=windows-1250"))[0]).toBe("Wałęsa 10");
    expect(await send("a\né\n", { query: "check=true" })).toMatchObject({ body: { charset: "utf-8", guessed: false, samples: [] } });
  });

  it("[G14] refuses unknown encodings, and files in another encoding than the named one", async () => {
    const known = { status: 400, body: { code: "parameter_invalid", fields: { charset: expect.stringContaining("windows-1252") } } };
    expect(await send("a\n1", { query: "charset=klingon" })).toMatchObject(known);
    expect(await send("a\n1", { query: "charset=" })).toMatchObject(known);
    expect(await send("a\n1", { type: "text/csv; charset=utf-7" })).toMatchObject(known);
    expect(await send(ansi, { query: "check=true&charset=utf-8" })).toMatchObject({ status: 400, body: { code: "body_invalid" } });
    expect(await send("PK\u0003\u0004", { query: "check=true" })).toMatchObject({ body: { detail: expect.stringContaining("CSV UTF-8") } });
  });
});

describe("delimiters", () => {
  it.each([
    ["sep=;\r\na;b\r\n1;x,y\r\n", '{"a":1,"b":"x,y"}'],
    ["\ufeffsep=,\na,b\n1,x;y;z\n", '{"a":1,"b":"x;y;z"}'],
    ["SEP=\t\r\na\tb\r\n1\t2", '{"a":1,"b":2}'],
    ['"sep=|"\ra|b\r1|2\r', '{"a":1,"b":2}'],
    ["sep=;;\na;b\n1;2\n", '{"a":1,"b":2}'],
    ["sep=\n1\n", '{"sep=":1}'],
    ["sep=;x\n1;2\n", '{"sep=":1,"x":2}'],
    ['"a;b;c",d\n1,2\n', '{"a;b;c":1,"d":2}'],
    ["\n\na;b\n1;2\n", '{"a":1,"b":2}'],
  ])("[G14] %j", async (text, stored) => {
    expect(await send(text)).toMatchObject({ status: 201 });
    expect(await readStored()).toBe(stored);
  });

  it("[G14] the line that names the delimiter counts as a line", async () => {
    expect(await send("sep=;\r\na;b\r\n1;2;3\r\n")).toMatchObject({ body: { detail: expect.stringMatching(/^Line 3: /) } });
    expect(await send("sep=;\r\n")).toMatchObject({ body: { code: "body_empty" } });
  });
});

describe("content types", () => {
  it.each([
    ["application/vnd.ms-excel", "a;b\n1;2\n"],
    ["application/octet-stream", "a;b\n1;2\n"],
    ["text/plain;charset=UTF-8", "a,b\n1,2\n"],
    ["text/tab-separated-values", "a\tb\n1\t2\n"],
    ["application/csv", "a,b\n1,2\n"],
    ["application/octet-stream", '{"a":1,"b":2}\n'],
    ["application/octet-stream", '\n[{"a":1,"b":2}]'],
    ["text/plain", '{"a":1,"b":2}'],
  ])("[G14] accepts %s: %j", async (type, text) => {
    expect(await send(text, { type })).toMatchObject({ status: 201, body: { imported: 1 } });
    expect(await readStored()).toBe('{"a":1,"b":2}');
  });

  it("[G14] `format` overrides the content type", async () => {
    const curl = "application/x-www-form-urlencoded";
    expect(await send("a,b\n1,2\n", { type: curl, query: "format=csv" })).toMatchObject({ status: 201 });
    expect(await send("[1]\n[2]\n", { type: "application/octet-stream", query: "format=ndjson" })).toMatchObject({ status: 201 });
    expect(await readStored()).toBe('{"a":1,"b":2},[1],[2]');
    expect(await send("a", { query: "format=xls" })).toMatchObject({
      body: { code: "parameter_invalid", fields: { format: expect.any(String) } },
    });
  });

  it.each(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "toString"])(
    "[G14] refuses %s, and says what to send",
    async (type) => {
      expect(await send("a\n1\n", { type })).toMatchObject({
        status: 400,
        body: { code: "content_type_unsupported", detail: expect.stringMatching(/^The content type ".*text\/csv.*format=/) },
      });
    },
  );
});
