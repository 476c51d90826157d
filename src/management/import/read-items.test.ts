import { describe, expect, it } from "vitest";
import { IMPORT_DATA_BYTES_MAX, IMPORT_RECORDS_MAX } from "@/src/shared/record-limits";
import { type ImportedItem, type ReadOptions, readItems } from "./read-items";

const MIB = 1024 * 1024;

type Kind = ReadOptions["kind"];

async function read(kind: Kind, chunks: Iterable<string | Uint8Array>, options: Partial<ReadOptions> = {}): Promise<ImportedItem[]> {
  async function* bytes() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const items: ImportedItem[] = [];
  const settings: ReadOptions = { kind, recordBytesMax: MIB, cpuMsMax: 1, cpuMs: () => 0, ...options };
  for await (const batch of readItems(bytes(), settings)) items.push(...batch);
  return items;
}

/** The error, and the number of bytes that were read of an endless body. */
async function refusal(kind: Kind, chunks: Iterable<string>, options: Partial<ReadOptions> = {}) {
  let bytes = 0;
  function* counted() {
    for (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  const error: unknown = await read(kind, counted(), options).catch((raised: unknown) => raised);
  return { error, bytes };
}

function* endless(text: string, first = "") {
  const chunk = text.repeat(Math.ceil((64 * 1024) / text.length));
  if (first !== "") yield first;
  // The size of an import is checked earlier; this bound ends a reader that would not end.
  for (let bytes = 0; bytes < 64 * MIB; bytes += chunk.length) yield chunk;
}

describe("chunks", () => {
  const files = [
    ["ndjson", '{"a":"é\\n"}\r\n\n  [1, 2] \n"𝄞"'],
    ["json", '\ufeff [ {"a,]":["\\"]",{}]} ,\n-1.50\n,"x\\\\" , [[],[1]]\n] \n'],
    ["csv", '\ufeffa,"b ""c""",d.e\r\n1,"x\n,""y""",\r\r"",true,"é"\n'],
    ["csv", 'sep=|\r\na|b\r\n1|"x,y;z"\r\n'],
    ["csv", '\n"a,b,c\n,";d;e\r1;2;é'],
    ["any", '  {"a":1}\n{"a":2}'],
    ["any", "\n\na;b\n1;2\n"],
  ] as const;

  it.each(files)("[G14] %s is read the same, wherever its chunks end", async (kind, text) => {
    const bytes = Buffer.from(text);
    const whole = await read(kind, [bytes]);
    expect(whole).not.toEqual([]);
    for (let size = 1; size < bytes.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      expect(await read(kind, chunks)).toEqual(whole);
    }
  });

  it("[G14] CSV: names the line where a row begins, whatever ends lines", async () => {
    expect(await read("csv", ['a,b\r\n1,"x\ny"\r\r\n2,\n'])).toEqual([
      { data: '{"a":1,"b":"x\\ny"}', line: 2 },
      { data: '{"a":2}', line: 5 },
    ]);
  });
});

describe("limits while reading", () => {
  it.each([
    ["csv", endless(","), "Line 1: a table has at most 2000 columns"],
    ["csv", endless(",", "a,b\n"), "Line 2: .* more cells than the 2 columns"],
    ["csv", endless('"', 'a\n"'), "Line 2: a record has at most"],
    ["csv", endless("x", "a\n"), "Line 2: a record has at most"],
    ["csv", endless("\n"), "no record"],
    ["csv", ["a.".repeat(2000), "a\n1\n"], "Line 1: a column's path has at most 1000 steps"],
    ["csv", ["a\n", 'b"\n'], "Line 2: .* a cell contains a quote"],
    ["csv", ["a\n", '"b"c\n'], "Line 2: .* a closing quote must be followed"],
    ["json", endless("["), "Line 1: a record has at most"],
    ["json", endless("1,", "["), "Line 1: a file has at most 100000 records"],
    [
      "json",
      endless("1,\n", "["),
      `Line ${IMPORT_RECORDS_MAX + 1}: a file has at most 100000 records.* before line ${IMPORT_RECORDS_MAX + 1}`,
    ],
    ["json", ['["', ...endless("x")], "Line 1: a record has at most"],
    ["ndjson", endless("\n"), "no record"],
    ["ndjson", endless("[", "1\n"), "Line 2: a record has at most"],
    ["ndjson", ["[".repeat(2000)], "Line 1, at .*nested deeper than 1000"],
  ] as const)("[G14] %s: %#", async (kind, chunks, detail) => {
    const { error, bytes } = await refusal(kind, chunks);
    expect(error).toMatchObject({ message: expect.stringMatching(detail) });
    if (detail !== "no record") expect(bytes).toBeLessThan(10 * MIB);
  });

  it("[G14] white space before an array takes no memory and is no error", async () => {
    expect(await read("json", [...endless(" \n"), "[1]"])).toEqual([{ data: "1", line: 32 * MIB + 1 }]);
  });

  it("[G14] a long header that a table repeats in every record is not an endless amount of data", async () => {
    const { error } = await refusal("csv", [`${"n".repeat(900_000)}\n`, ...endless("1\n")]);
    expect(error).toMatchObject({
      code: "body_too_large",
      message: expect.stringMatching(`Line 300: .* more than ${IMPORT_DATA_BYTES_MAX} bytes`),
    });
  });

  it("[G14] reading may not compute forever", async () => {
    let cpuMs = 0;
    const { error } = await refusal("csv", endless("1\n", "a\n"), { cpuMsMax: 3, cpuMs: () => cpuMs++ });
    expect(error).toMatchObject({
      code: "body_too_large",
      message: expect.stringMatching(/^Line \d{4,5}: reading the file takes too long/),
    });
  });
});

it("[G14] batches are bounded by records and by characters", async () => {
  async function* bytes() {
    yield Buffer.from(`${"1\n".repeat(2500)}${`"${"x".repeat(300_000)}"\n`.repeat(4)}`);
  }
  const sizes: number[] = [];
  for await (const batch of readItems(bytes(), { kind: "ndjson", recordBytesMax: MIB, cpuMsMax: 1, cpuMs: () => 0 }))
    sizes.push(batch.length);
  expect(sizes).toEqual([1000, 1000, 502, 2]);
});
