/** Tests bodies of the management API: content types in various spellings, and Content-Encodings (R2, R17). */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "@/tests/support/until";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

const RECORD_BYTES_MAX = 100_000;
let server: ManageServer;
let ada: Person;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer({ bodyBytesMax: RECORD_BYTES_MAX });
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  endpointId = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body.endpoint.id;
});

const zip = (text: string | Buffer) => Uint8Array.from(gzipSync(text));
const CODED = { headers: { "content-encoding": "gzip" } };
const send = (path: string, contentType: string, bytes: BodyInit, headers: Record<string, string> = {}, method = "POST") =>
  ada.call(method, `/api/manage/${path}`, { raw: { contentType, bytes }, headers });

describe("types", () => {
  it.each(["application/json; charset=utf8", 'application/merge-patch+json; charset="US-ASCII"', "text/json"])(
    "[G6] %s is JSON",
    async (type) => {
      expect((await send("projects", type, '{"name":"Weather"}')).status).toBe(201);
    },
  );

  it("[G6] the error contains the received type and the header to send", async () => {
    for (const [type, said] of [
      ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded"],
      ["", "header is missing"],
      ["application/json; charset=latin1", "charset latin1"],
      ["application/json, text/plain", "Content-Type headers differ"],
    ] as const) {
      const answer = await send("projects", type, '{"name":"Weather"}');
      expect(answer).toMatchObject({ status: 400, body: { code: "content_type_unsupported" } });
      expect(answer.body.detail).toContain(said);
    }
    expect((await send("projects", "text/plain", "{}")).body.detail).toContain("Send the header Content-Type: application/json.");
  });

  it("[R13] a byte order mark is removed, and white space only is an empty body", async () => {
    expect((await send("projects", "application/json", '\ufeff{"name":"Weather"}')).status).toBe(201);
    expect((await send("projects", "application/json", " \n")).body.code).toBe("body_empty");
  });
});

describe("compressed bodies", () => {
  it("[R17] are inflated: forms, records, files and imports", async () => {
    const project = await send("projects", "application/json", zip('{"name":"Zipped"}'), CODED.headers);
    expect(project).toMatchObject({ status: 201, body: { name: "Zipped" } });
    const record = await send(`endpoints/${endpointId}/records`, "application/json", zip('{"a": 1}'), CODED.headers);
    expect([record.status, record.text]).toEqual([201, expect.stringContaining('"data":{"a": 1}')]);
    const file = await send(`endpoints/${endpointId}/files?name=a.txt`, "text/plain", zip("a file"), CODED.headers);
    expect(file).toMatchObject({ status: 201, body: { data: { file: { name: "a.txt", size: 6 } } } });
    const imported = await send(`endpoints/${endpointId}/import`, "application/x-ndjson", zip('1\n"two"\n[3]'), CODED.headers);
    expect(imported).toMatchObject({ status: 201, body: { imported: 3 } });
  });

  it("[R17] are limited by their inflated size", async () => {
    const bomb = zip(Buffer.alloc(8 * 1024 * 1024, 0x20));
    for (const path of ["projects", `endpoints/${endpointId}/records`])
      expect(await send(path, "application/json", bomb, CODED.headers)).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    const importBomb = Buffer.concat(Array.from({ length: 9 }, () => gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20))));
    const imported = await send(`endpoints/${endpointId}/import`, "application/x-ndjson", Uint8Array.from(importBomb), CODED.headers);
    expect(imported).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    await until("nothing is held", () => server.runtime.held.bodies.held === 0);
  });

  it("[R17] that cannot be inflated are refused, and nothing is stored", async () => {
    for (const path of [
      "projects",
      `endpoints/${endpointId}/records`,
      `endpoints/${endpointId}/files?name=a`,
      `endpoints/${endpointId}/import`,
    ]) {
      const answer = await send(path, "application/json", '["not gzip"]', CODED.headers);
      expect(answer, path).toMatchObject({ status: 400, body: { code: "body_invalid" } });
      const cut = await send(path, "application/json", zip('["cut off"]').slice(0, -4), CODED.headers);
      expect(cut, path).toMatchObject({ status: 400, body: { code: "body_invalid" } });
    }
    expect((await ada.call("GET", `/api/manage/endpoints/${endpointId}/records`)).body.records).toEqual([]);
  });

  it("[R17] of another coding are 415, with the supported ones", async () => {
    for (const path of [
      "projects",
      `endpoints/${endpointId}/records`,
      `endpoints/${endpointId}/files?name=a`,
      `endpoints/${endpointId}/import`,
    ]) {
      const answer = await send(path, "application/json", "[]", { "content-encoding": "br" });
      expect(answer, path).toMatchObject({ status: 415, body: { code: "content_encoding_unsupported" } });
      expect(answer.headers.get("accept-encoding")).toBe("gzip, deflate");
    }
  });
});
