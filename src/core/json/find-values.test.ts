import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonTexts } from "@/tests/support/json-texts";
import { createValueFinder } from "./find-values";

const find = (text: string, ...paths: string[][]) => createValueFinder(paths)(text);

describe("[A1] values by their paths in a JSON text", () => {
  it.each<[string, string[][], (string | undefined)[]]>([
    [
      '{"a":{"b":[1.50,{"c":"x"}]}}',
      [["a", "b", "0"], ["a", "b", "1", "c"], ["a"], ["x"]],
      ["1.50", '"x"', '{"b":[1.50,{"c":"x"}]}', undefined],
    ],
    [' { "a" : 1e400 , "b" : [ ] } ', [[], ["a"], ["b"], ["b", "0"]], ['{ "a" : 1e400 , "b" : [ ] }', "1e400", "[ ]", undefined]],
    ['{"a":1,"a":2}', [["a"]], ["2"]],
    // As PostgreSQL's #> of json: the last complete path counts.
    ['{"a":{"b":1},"a":{"c":2}}', [["a", "b"], ["a", "c"], ["a"]], ["1", "2", '{"c":2}']],
    ['{"\\u0061":1}', [["a"]], ["1"]],
    ['{"\\ud800":1}', [["\ud800"]], ["1"]],
    ["[1,2]", [["0"], ["1"], ["2"], ["-1"], ["01"]], ["1", "2", undefined, undefined, undefined]],
    ['"text"', [[], ["0"]], ['"text"', undefined]],
    ["", [[]], [""]],
  ])("%s", (text, paths, values) => {
    expect(find(text, ...paths)).toEqual(values);
  });

  it("finds what a parser finds", () => {
    fc.assert(
      fc.property(jsonTexts(), (text) => {
        const all: { path: string[]; value: unknown }[] = [];
        const visit = (value: unknown, path: string[]) => {
          all.push({ path, value });
          if (typeof value === "object" && value !== null) for (const [key, member] of Object.entries(value)) visit(member, [...path, key]);
        };
        visit(JSON.parse(text), []);
        const found = find(text, ...all.map(({ path }) => path));
        expect(found.map((each) => JSON.parse(each ?? "null"))).toEqual(all.map(({ value }) => value));
      }),
    );
  });
});
