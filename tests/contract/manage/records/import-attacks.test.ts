/** Tests import files that use as many resources as possible, beside other accounts' requests. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let neighbour: Person;
let path: string;

const MIB = 1024 * 1024;
const TYPES = { ndjson: "application/x-ndjson", json: "application/json", csv: "text/csv" };

beforeAll(async () => {
  server = await startManageServer();
  ada = await server.createPerson("Ada");
  neighbour = await server.createPerson("Neighbour");
  const { endpoint } = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body;
  path = `/api/manage/endpoints/${endpoint.id}/import`;
});
afterAll(() => server.stop());

/** `first`, then `text` up to `length` bytes, then `last`, in chunks of 1 MiB as from a network. */
function toBody(length: number, text: string, first = "", last = ""): ReadableStream<Uint8Array> {
  const piece = Buffer.from(text.repeat(Math.ceil(MIB / text.length)));
  const pieces = [Buffer.from(first), ...Array.from({ length: Math.ceil(length / piece.length) }, () => piece), Buffer.from(last)];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = pieces.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
}

/** Sends the import, and another account's requests one after the other until the import ends. */
async function sendBeside(kind: keyof typeof TYPES, bytes: BodyInit): Promise<{ answer: Answer; answered: number }> {
  let isDone = false;
  const sent = ada.call("POST", `${path}?check=true`, { raw: { contentType: TYPES[kind], bytes } }).finally(() => {
    isDone = true;
  });
  let answered = 0;
  while (!isDone) {
    expect(await neighbour.call("GET", "/api/manage/projects")).toMatchObject({ status: 200 });
    answered += 1;
  }
  return { answer: await sent, answered };
}

it.each([
  ["2 MiB of commas", "csv", toBody(2 * MIB, ","), 400, "Line 1: a table has at most 2000 columns"],
  ["a million empty cells below two columns", "csv", toBody(MIB, ",", "a,b\n"), 400, "Line 2: .* more cells than the 2 columns"],
  ["60 MiB of spaces before an array", "json", toBody(60 * MIB, " ", "", "[1]"), 200, ""],
  ["60 MiB of open brackets", "json", toBody(60 * MIB, "["), 413, "Line 1: a record has at most"],
  ["30 million numbers", "json", toBody(60 * MIB, "1,", "["), 413, "Line 1: a file has at most 100000 records"],
  ["60 MiB of empty lines", "ndjson", toBody(60 * MIB, "\n"), 400, "no record"],
] as const)("[G14] %s: other requests are answered in the meantime", async (_, kind, bytes, status, detail) => {
  const { answer, answered } = await sendBeside(kind, bytes);
  expect(answer).toMatchObject({
    status,
    ...(detail === "" ? { body: { records: 1 } } : { body: { detail: expect.stringMatching(detail) } }),
  });
  expect(answered).toBeGreaterThan(1);
});

it("[G14] an ordinary table of 100 columns and 5000 rows is imported, and others get responses in the meantime", async () => {
  const toRow = (toCell: (column: number) => string) => Array.from({ length: 100 }, (_, column) => toCell(column)).join(",");
  const rows = [toRow((column) => `column${column}`), ...Array.from({ length: 5000 }, (_, row) => toRow((column) => String(row * column)))];
  const { answer, answered } = await sendBeside("csv", rows.join("\n"));
  expect(answer).toMatchObject({ status: 200, body: { records: 5000 } });
  expect(answered).toBeGreaterThan(10);
});
