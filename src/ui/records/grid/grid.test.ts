import { describe, expect, it } from "vitest";
import { type GridRow, parseGridPage, parseGridRecord, toParameters } from "../../api/record-rows";
import { parseStored } from "../../json/json-tree";
import { parseCell, stage, toEditBody, toFieldText, toTyped } from "../edits/staged";
import { hasOverlap, toConflict } from "../panel/three-way";
import { toCellContent } from "./cell-content";
import { chooseColumns, findCandidates, sortLoaded, toColumnName } from "./grid-columns";
import { move, parseLayout, resize, toShownColumns } from "./grid-layout";

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

  it("[F22] shows columns of files and of other records side by side", () => {
    const file = row('{"file":{"name":"x"}}', { contentType: "file" });
    expect(chooseColumns([file, file, row('{"note":"x","file":1}')]).map(toColumnName)).toEqual([
      "file.name",
      "file.type",
      "file.size",
      "note",
    ]);
    expect(chooseColumns([file, row('{"note":1}'), row('{"note":1}')]).map(toColumnName)).toEqual(["file", "note"]);
  });

  it("are moved, resized and hidden, and read back from what was stored", () => {
    const layout = { columns: [{ path: ["a"] }, { path: ["b"], width: 200 }], hidden: ["created" as const] };
    expect(parseLayout(JSON.stringify(layout))).toEqual(layout);
    expect(parseLayout('[["a"],["b","c"]]')).toEqual({ columns: [{ path: ["a"] }, { path: ["b", "c"] }], hidden: [] });
    for (const text of [undefined, "", "{", "7", '{"columns":[{"path":"a"}]}', '{"columns":5}']) expect(parseLayout(text)).toBeUndefined();
    expect(toShownColumns(layout).map(({ key }) => key)).toEqual(["id", "data:a", "data:b", "updated"]);
    expect(toShownColumns(move(layout, "data:a", 1)).map(({ key }) => key)).toEqual(["id", "data:b", "data:a", "updated"]);
    expect(move(layout, "data:a", -1)).toBe(layout);
    expect(resize(layout, "data:a", 10).columns[0]).toEqual({ path: ["a"], width: 48 });
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

  it("names the type of a cell, so that values of different types look different", () => {
    const id = "0".repeat(32);
    const data = {
      ...{ text: "a\nb", number: 1.5, looks: "20", empty: "", no: false, nothing: null, list: [1, "x"] },
      ...{
        in: { deep: null, b: "c" },
        at: "2030-01-01T00:00:00Z",
        link: "https://example.com/a",
        id,
        ref: { endpoint: "x", uniqueId: id },
      },
    };
    const shown = row(JSON.stringify(data));
    const cell = (...path: string[]) => toCellContent(shown, path);
    expect(cell("text")).toEqual({ kind: "string", text: "a b" });
    expect(cell("number")).toEqual({ kind: "number", text: "1.5" });
    expect(cell("looks")).toEqual({ kind: "quoted", text: "20" });
    expect(cell("empty")).toEqual({ kind: "quoted", text: "" });
    expect(cell("no")).toEqual({ kind: "boolean", text: "false" });
    expect(cell("nothing")).toEqual({ kind: "null", text: "null" });
    expect(cell("list")).toEqual({ kind: "array", text: '[2] 1, "x"' });
    expect(cell("in")).toEqual({ kind: "object", text: '{deep: null, b: "c"}' });
    expect(cell("at")).toEqual({ kind: "date", text: "2030-01-01T00:00:00Z" });
    expect(cell("link")).toEqual({ kind: "link", text: "https://example.com/a" });
    expect(cell("id")).toEqual({ kind: "id", text: id, reference: id });
    expect(cell("ref")).toMatchObject({ kind: "object", reference: id });
    for (const path of [["missing"], ["text", "deeper"]]) expect(cell(...path)).toEqual({ kind: "missing", text: "" });
    const long = row(JSON.stringify("x".repeat(100_000)));
    expect(toCellContent(long, [])).toMatchObject({ kind: "start", text: expect.stringMatching(/^"x{199}…$/) });
  });

  it("sorts loaded rows by type and value, with missing values last", () => {
    const rows = ["{}", '{"v":"b"}', '{"v":10}', '{"v":"a2"}', '{"v":9}', '{"v":"a10"}', '{"v":null}'].map((data) => row(data));
    const shown = (descending: boolean) => sortLoaded(rows, { path: ["v"], descending }).map((each) => toCellContent(each, ["v"]).text);
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

describe("staged edits", () => {
  const parsed = (typed: string) => {
    const result = parseCell(typed);
    return result.ok ? result.text : result.problem;
  };

  it("takes what is typed as a value of its type, and digits as they are", () => {
    for (const text of ["20", "1.50", "true", "null", '{"a":1.10}', '"20"', "[]"]) expect(parsed(text)).toBe(text);
    expect([parsed("done"), parsed("2 kg"), parsed(""), parsed("  ")]).toEqual(['"done"', '"2 kg"', undefined, undefined]);
    expect([parsed('"open'), parsed("{a")]).toEqual([expect.stringContaining("Column"), expect.stringContaining("Column")]);
  });

  it("starts with a text that means the same value", () => {
    for (const value of ['"20"', '"plain"', "20", '" x "', '""', '"a\\nb"', "1.50", '{"a":[1]}', "null", '"\\"q\\""'])
      expect(parsed(toTyped(row(`{"v":${value}}`), ["v"], undefined))).toBe(value);
    expect(toTyped(row("{}"), ["v"], undefined)).toBe("");
  });

  it("sends the fields of each record with the version that was seen, and forgets what was changed back", () => {
    const first = row('{"a":1.10,"odd key":{"b":2}}', { version: 3 });
    const staged = stage(stage(new Map(), first, ["a"], "2.50"), first, ["odd key", "b"], undefined);
    expect(toEditBody([...staged.values()])).toBe(
      `{"records":[{"uniqueId":"${ID}","version":3,"changes":[{"field":"a","value":2.50},{"field":"[\\"odd key\\"].b","remove":true}]}]}`,
    );
    expect(stage(stage(staged, first, ["a"], "1.10"), first, ["odd key", "b"], "2").size).toBe(0);
    expect([toFieldText([]), toFieldText(["$"]), toFieldText(["a", "b-c"])]).toEqual(["$", '["$"]', "a.b-c"]);
  });
});
