/** Tests with a real database that it reads the arrays as they were written. */
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeBooleans, encodeInts, encodeTexts, encodeUuids } from "@/src/db/binary-arrays";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function echo(type: string, array: Buffer): Promise<unknown> {
  const { rows } = await client.query<{ value: unknown }>(`SELECT array_to_json($1::${type}[]) AS value`, [array]);
  return rows[0]?.value;
}

const ODD = [
  ...["", '"', "\\", '\\"', "{}", "NULL", "null", "a,b", "{a,b}", "'", "\u0001\u001f\u007f", "\t\r\n", "\ufeff", "é", "漢字", "😀"],
  ...["x".repeat(1024 * 1024), "😀".repeat(1000)],
];

it("[R1] texts arrive as they are: quotes, backslashes, braces, emoji, 1 MiB, and null", async () => {
  expect(await echo("text", encodeTexts("text", [...ODD, null, undefined]))).toEqual([...ODD, null, null]);
  expect(await echo("text", encodeTexts("text", []))).toEqual([]);
});

it("[R1] any texts arrive as they are", async () => {
  const text = fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", ""));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text), { maxLength: 50 }), async (values) => {
      expect(await echo("text", encodeTexts("text", values))).toEqual(values);
    }),
    { numRuns: 50 },
  );
});

it("JSON keeps its text, and other text is refused", async () => {
  const texts = ['{"b":1,"a":1.0}', '{ "a" : 1e400 }', '"\\ud800"', `[${"1,".repeat(10_000)}1]`];
  const { rows } = await client.query<{ text: string }>("SELECT d::text AS text FROM unnest($1::json[]) AS d", [
    encodeTexts("json", texts),
  ]);
  expect(rows.map(({ text }) => text)).toEqual(texts);
  for (const broken of ["", "{broken", '1},{"a":2', "1 2"]) {
    await expect(echo("json", encodeTexts("json", ["1", broken]))).rejects.toMatchObject({ code: "22P02" });
  }
});

it("half of a surrogate pair becomes U+FFFD, and a NUL is refused", async () => {
  expect(await echo("text", encodeTexts("text", ["a\ud800b", "\udc00"]))).toEqual(["a\ufffdb", "\ufffd"]);
  await expect(echo("text", encodeTexts("text", ["a\0b"]))).rejects.toMatchObject({ code: "22021" });
});

it("ids arrive with dashes or without, and anything else is an error", async () => {
  const id = "0192f0c8-0000-7abc-8def-0123456789ab";
  expect(await echo("uuid", encodeUuids([id, id.replaceAll("-", ""), id.toUpperCase(), null]))).toEqual([id, id, id, null]);
  for (const wrong of ["", "0192", `${id.slice(0, -1)}g`, `${id}00`, "é".repeat(32)])
    expect(() => encodeUuids([wrong])).toThrow("not a UUID");
});

it("numbers and booleans arrive as they are", async () => {
  expect(await echo("int", encodeInts([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), null]))).toEqual([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), null]);
  expect(await echo("boolean", encodeBooleans([true, false, undefined]))).toEqual([true, false, null]);
});
