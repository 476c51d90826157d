import { describe, expect, test } from "vitest";
import { locateProblems } from "./json-problems";

/** The marked text and the message of each problem. */
const mark = (text: string, problems: Parameters<typeof locateProblems>[1] = []) =>
  locateProblems(text, problems).map(({ from, to, message }) => [text.slice(from, to), message]);

describe("syntax errors", () => {
  test.each(["", "  \n", "1", '"a"', '{"a": [1, 2, {"b": null}]}'])("%j is valid", (text) => {
    expect(mark(text)).toEqual([]);
  });

  test.each([
    ['{"a": 1,}', "}"],
    ["[1 2]", "2"],
    ['{"a": tru}', "tru"],
    ['{"a":\n\n"b"\n"c":1}', '"'],
    ['{"a":1} x', "x"],
    ["{a:1}", "a"],
    ["01", "1"],
  ])("%j has an error at %j", (text, at) => {
    expect(mark(text)).toEqual([[at, expect.stringContaining("Unexpected")]]);
  });

  test("the message names the kind of error", () => {
    expect(mark("{'a':1}")).toEqual([[expect.stringMatching(/^'/), expect.stringContaining("double quotes")]]);
    expect(mark('{"a": "x\n"}')).toEqual([[expect.stringMatching(/^"x/), expect.stringContaining("not closed")]]);
    expect(mark('{"a": {"b": [1, 2')).toEqual([["2", "The JSON is incomplete."]]);
    expect(mark('{"a": }')).toEqual([["}", "Unexpected “}”: a value is missing after the colon."]]);
    expect(mark('{"a": 1,}')).toEqual([["}", "Unexpected “}”: remove the comma before it."]]);
    expect(mark("[1,,2]")).toEqual([[",", "Unexpected “,”: remove this comma."]]);
    expect(mark("{a: 1}")).toEqual([["a", 'Unexpected “a”: names must be in double quotes (").']]);
  });
});

describe("JSON pointers", () => {
  const text = '{"name": "x", "list": [1, {"a/b~c": true}], "name": "y"}';
  test.each([
    ["/list/0", "1"],
    ["/list/1/a~1b~0c", "true"],
    ["/list/1", "{"],
    ["", "{"],
    ["/name", '"y"'],
    ["/list/7/a", "["],
    ["/missing", "{"],
  ])("%j points to %j", (pointer, at) => {
    expect(mark(text, [{ pointer, message: "wrong" }])).toEqual([[at, "wrong"]]);
  });

  test("a pointer into invalid or blank text stays within the text", () => {
    for (const broken of ["", "{", '{"a":', '{"a": [}']) {
      for (const { from, to } of locateProblems(broken, [{ pointer: "/a/0", message: "" }])) {
        expect(from).toBeLessThanOrEqual(to);
        expect(to).toBeLessThanOrEqual(broken.length);
      }
    }
  });
});

test("problems are ordered by position, with offsets within the text", () => {
  expect(
    locateProblems("[1, 2]", [
      { offset: 99, message: "c" },
      { offset: 4, message: "b" },
      { pointer: "/0", message: "a" },
    ]),
  ).toEqual([
    { from: 1, to: 2, message: "a", pointer: "/0" },
    { from: 4, to: 5, message: "b" },
    { from: 6, to: 6, message: "c" },
  ]);
});
