import { describe, expect, it } from "vitest";
import { type GridRow, parseGridPage, parseGridRecord, toParameters } from "../../api/record-rows";
import { parseStored } from "../../json/json-tree";
import { hasOverlap, toConflict } from "../panel/three-way";
import { chooseColumns, findCandidates, sortLoaded, toCellText, toColumnName } from "./grid-columns";

const TIME = "2030-01-01T00:00:00.000Z";
const ID = "0123456789abcdef0123456789abcdef";
const row = (data: string, part: Partial<GridRow> = {}): GridRow => ({
  id: ID,
  data,
  createdAt: TIME,
  updatedAt: TIME,
  version: 1,
  contentType: "json",
  owner: null,
  ...part,
});

describe("responses", () => {
  const record = `{"uniqueId":"${ID}","data":{"n":1.10},"createdAt":"${TIME}","updatedAt":"${TIME}","version":3,"contentType":"text","owner":"${ID}"}`;

  it("keeps data as text", () => {
    const expected = row('{"n":1.10}', { version: 3, contentType: "text", owner: ID });
    expect(parseGridRecord(record)).toEqual(expected);
    expect(parseGridPage(`{"records":[${record}],"next":"12","since":"e-4"}`)).toEqual({ rows: [expected], next: "12", since: "e-4" });
    expect(parseGridPage('{"records":[],"next":null,"since":"e-4"}')).toEqual({ rows: [], next: null, since: "e-4" });
  });

  it.each(["", "[]", '{"records":1}', '{"records":[{}],"next":null}'])("rejects %j", (text) => {
    expect(() => parseGridPage(text)).toThrow("unknown form");
  });

  it("omits defaults", () => {
    expect(String(toParameters({ search: " ", filters: [], order: "-created" }))).toBe("");
    expect(String(toParameters({ search: "a b", filters: ["n > 1", "x exists"], order: "updated" }))).toBe(
      "search=a+b&filter=n+%3E+1&filter=x+exists&order=updated",
    );
  });
});

describe("columns", () => {
  it("starts with the most common keys", () => {
    const rows = [row('{"a":1,"b":1}'), row('{"b":1,"c":1}'), row('{"b":1,"c":1}'), row("7")];
    expect(chooseColumns(rows)).toEqual([["b"], ["c"], ["a"]]);
    expect(chooseColumns([row("1"), row('"x"'), row("{}")])).toEqual([[]]);
    expect(chooseColumns([])).toEqual([[]]);
    expect(chooseColumns([row('{"file":{"name":"x"},"metadata":{}}', { contentType: "file" })]).map(toColumnName)).toEqual([
      "file.name",
      "file.type",
      "file.size",
    ]);
  });

  it("offers keys, and keys within them", () => {
    expect(findCandidates([row('{"user":{"name":"x","odd key":1}}'), row('{"n":1}')]).map(toColumnName)).toEqual([
      "data",
      "user",
      "user.name",
      'user["odd key"]',
      "n",
    ]);
  });

  it("shows strings without quotes, other values as JSON, and missing values as empty", () => {
    const shown = row('{"text":"a\\nb","n":1.50,"list":[1,"x"],"in":{"deep":null}}');
    const cells = [["text"], ["n"], ["list"], ["in", "deep"], ["missing"], ["text", "deeper"]].map((path) => toCellText(shown, path));
    expect(cells).toEqual(["a b", "1.50", '[1, "x"]', "null", "", ""]);
    expect(toCellText(row('"x"'), [])).toBe('"x"');
    expect(toCellText(row(JSON.stringify("x".repeat(100_000))), [])).toHaveLength(201);
  });

  it("sorts loaded rows by type and value, with missing values last", () => {
    const rows = ["{}", '{"v":"b"}', '{"v":10}', '{"v":"a2"}', '{"v":9}', '{"v":"a10"}', '{"v":null}'].map((data) => row(data));
    const shown = (descending: boolean) => sortLoaded(rows, { path: ["v"], descending }).map((each) => toCellText(each, ["v"]));
    expect(shown(false)).toEqual(["null", "9", "10", "a2", "a10", "b", ""]);
    expect(shown(true)).toEqual(["b", "a10", "a2", "10", "9", "null", ""]);
  });
});

describe("conflicts", () => {
  const conflict = (base: string, mine: string, theirs: string) =>
    toConflict({ base: parseStored(base), mine: parseStored(mine), theirs: parseStored(theirs) });
  const summary = (paths: ReturnType<typeof conflict>) => paths.map(({ path, by }) => `${by} ${path}`);

  it("reports who changed which path", () => {
    const paths = conflict('{"a":1,"b":1,"c":1,"d":1}', '{"a":2,"b":1,"c":5,"d":7}', '{"a":1,"b":3,"c":6,"d":7}');
    expect(summary(paths)).toEqual(["mine a", "both c", "same d", "theirs b"]);
    expect(hasOverlap(paths)).toBe(true);
  });

  it("reports added and removed paths", () => {
    const [added, removed] = conflict('{"gone":1}', '{"gone":1,"new":2}', "{}");
    expect(added).toMatchObject({ path: "new", by: "mine", base: undefined, mine: { text: "2" }, theirs: undefined });
    expect(removed).toMatchObject({ path: "gone", by: "theirs", base: { text: "1" }, mine: { text: "1" }, theirs: undefined });
  });

  it("detects a change within a value that the other side replaced", () => {
    expect(hasOverlap(conflict('{"a":{"b":1}}', '{"a":{"b":2}}', '{"a":7}'))).toBe(true);
    expect(hasOverlap(conflict('{"a":1,"ab":1}', '{"a":2,"ab":1}', '{"a":1,"ab":2}'))).toBe(false);
    expect(hasOverlap(conflict('{"a":1}', '{"a":2}', "[]"))).toBe(true);
  });
});
