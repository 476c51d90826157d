import { expect, test } from "vitest";
import type { StreamEvent } from "../../stream/stream-event";
import { ChangeFile } from "./change-file";

const AT_MS = Date.parse("2026-01-02T03:04:05.678Z");
const event = (part: Partial<StreamEvent>): StreamEvent => ({
  kind: "create",
  seq: 1,
  atMs: AT_MS,
  receivedMs: AT_MS,
  recordId: "a".repeat(32),
  createdMs: AT_MS,
  updatedMs: AT_MS,
  data: '{"n": 1.50}',
  ...part,
});
const EVENTS = [
  event({}),
  event({ kind: "gap", data: '"Gap"' }),
  event({ kind: "delete", seq: 2, data: '"a\\n\\"b\\""' }),
  event({ kind: "update", seq: 3, data: "-1" }),
];
const EVENTS_SHOWN = 3;

async function toText(format: "json" | "ndjson" | "csv", events = EVENTS): Promise<string> {
  const file = new ChangeFile(format);
  for (const each of events) file.add(each);
  return file.toBlob().text();
}

test("[G30] a file has the changes as the log has them, with digits as stored and without marks", async () => {
  const lines = (await toText("ndjson")).trimEnd().split("\n");
  expect(lines).toHaveLength(EVENTS_SHOWN);
  expect(lines[0]).toBe(
    `{"seq":1,"type":"POST","at":"2026-01-02T03:04:05.678Z","record":{"uniqueId":"${"a".repeat(32)}","data":{"n": 1.50},"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:05.678Z"}}`,
  );
  const parsed = JSON.parse(await toText("json"));
  expect(parsed.map(({ seq, type }: { seq: number; type: string }) => [seq, type])).toEqual([
    [1, "POST"],
    [2, "DELETE"],
    [3, "PUT"],
  ]);
  expect(parsed[1].record.data).toBe('a\n"b"');
  expect(JSON.parse(await toText("json", []))).toEqual([]);
});

test("a line of NDJSON has no line break, even if the data was sent with some", async () => {
  const text = await toText("ndjson", [event({ data: '{\r\n  "a": 1\n}' })]);
  expect(text.trimEnd().split("\n")).toHaveLength(1);
  expect(JSON.parse(text).record.data).toEqual({ a: 1 });
});

test("a row of CSV has the data as JSON in one cell", async () => {
  const [head, first, second, third, end] = (await toText("csv")).split("\r\n");
  expect(head).toBe("seq,type,at,uniqueId,createdAt,updatedAt,data");
  expect(first).toMatch(/,"\{""n"": 1\.50\}"$/);
  expect(second).toContain('"""a\\n\\""b\\"""""');
  expect(third).toMatch(/,-1$/);
  expect(end).toBe("");
});
