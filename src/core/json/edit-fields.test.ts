import { describe, expect, it } from "vitest";
import { editFields } from "./edit-fields";

const set = (text: string, path: string[], valueText: string) => editFields(text, [{ path, valueText }]);
const remove = (text: string, path: string[]) => editFields(text, [{ path, valueText: undefined }]);
const ok = (text: string) => ({ ok: true, text });

describe("[G40] fields of a JSON text", () => {
  it("are set in place, with the digits and the order of the others", () => {
    expect(set('{"b":1.10,"a":12345678901234567890}', ["a"], "2.50")).toEqual(ok('{"b":1.10,"a":2.50}'));
    expect(set('{"b":1.10}', ["new"], '"x"')).toEqual(ok('{"b":1.10,"new":"x"}'));
    expect(set("{}", ["a", "b", "c"], "1")).toEqual(ok('{"a":{"b":{"c":1}}}'));
    expect(set('{"a":{"b":1,"c":2}}', ["a", "b"], "3")).toEqual(ok('{"a":{"b":3,"c":2}}'));
    expect(set("7", [], "8")).toEqual(ok("8"));
  });

  it("are removed, also if they are there twice", () => {
    expect(remove('{"a":1,"b":2,"a":3}', ["a"])).toEqual(ok('{"b":2}'));
    expect(remove('{"a":{"b":1}}', ["a", "b"])).toEqual(ok('{"a":{}}'));
    expect(remove("[1,2,3]", ["1"])).toEqual(ok("[1,3]"));
  });

  it("leave the text as it is if nothing changes", () => {
    const text = '{ "a" : 1 , "b":[ 1, 2 ] }';
    expect(set(text, ["a"], "1")).toEqual(ok(text));
    expect(set(text, ["b", "1"], "2")).toEqual(ok(text));
    for (const path of [["x"], ["x", "y"], ["b", "9"]]) expect(remove(text, path)).toEqual(ok(text));
  });

  it("take keys of any kind, the last one of duplicates, and items of arrays", () => {
    expect(set('{"__proto__":1}', ["__proto__"], "2")).toEqual(ok('{"__proto__":2}'));
    expect(set('{"\\u0061":1}', ["a"], "2")).toEqual(ok('{"\\u0061":2}'));
    expect(set('{"a":1,"a":2}', ["a"], "3")).toEqual(ok('{"a":1,"a":3}'));
    expect(set('{"tags":["a","b"]}', ["tags", "1"], '"c"')).toEqual(ok('{"tags":["a","c"]}'));
    expect(set("[1]", ["1"], "2")).toEqual(ok("[1,2]"));
  });

  it("fail if a value on the way is not an object, or an array has no such item", () => {
    expect(set('{"a":"text"}', ["a", "b"], "1")).toEqual({ ok: false, problem: "The value of a is not an object." });
    expect(set('"text"', ["a"], "1")).toEqual({ ok: false, problem: "The data is not an object." });
    expect(remove("1", [])).toEqual({ ok: false, problem: "The whole value cannot be removed." });
    expect(set('{"a":[1]}', ["a", "5"], "1")).toMatchObject({ ok: false, problem: expect.stringContaining("array of 1") });
    expect(set('{"a":[1]}', ["a", "x"], "1")).toMatchObject({ ok: false });
  });

  it("are found behind escapes, duplicates and white space, and the rest stays as it is", () => {
    expect(set('{ "a" : { "x":1 } , "\\u0061" : [ {"b" : 1 } , 2 ] }', ["a", "0", "b"], "3")).toEqual(
      ok('{ "a" : { "x":1 } , "\\u0061" : [ {"b" : 3} , 2 ] }'),
    );
    expect(set('{"a":{"b":1},"a":5}', ["a", "b"], "3")).toEqual({ ok: false, problem: "The value of a is not an object." });
    expect(set('{"a":5,"a":{"b":1,"b":{}}}', ["a", "b", "c", "d"], "3")).toEqual(ok('{"a":5,"a":{"b":1,"b":{"c":{"d":3}}}}'));
    expect(set('[[],"]",[1,{"}":[]}]]', ["2", "1", "}", "0"], "1")).toEqual(ok('[[],"]",[1,{"}":[1]}]]'));
    expect(set("[[1]]", ["3", "0"], "1")).toMatchObject({ ok: false, problem: expect.stringContaining("array of 1") });
  });

  it("are found in linear time at the end of a long path", () => {
    const depth = 400;
    const path = new Array<string>(depth).fill("0");
    const numbers = new Array<string>(300_000).fill("1");
    const nest = (items: readonly string[]) => `${"[".repeat(depth)}[${items.join(",")}]${"]".repeat(depth)}`;
    const edits = Array.from({ length: 20 }, (_, index) => ({ path: [...path, String(index)], valueText: "2" }));
    expect(editFields(nest(numbers), edits)).toEqual(ok(nest(numbers.map((one, index) => (index < 20 ? "2" : one)))));
  });
});
