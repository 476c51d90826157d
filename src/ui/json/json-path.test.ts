import { expect, test } from "vitest";
import { getAtPath, parsePath } from "./json-path";
import { joinPath, toCompactParts } from "./json-print";
import { parseStored } from "./json-tree";

const DATA = parseStored('{"a":{"b":[1,{"odd key":"x"}]},"a\\"b":true}');

test("a path is parsed as it is printed, and names a value", () => {
  const steps = ["a", "b", 1, "odd key"] as const;
  const text = steps.reduce<string>((path, step) => joinPath(path, step), "");
  expect(text).toBe('a.b[1]["odd key"]');
  expect(parsePath(text)).toEqual(steps);
  expect(getAtPath(DATA, steps)).toMatchObject({ kind: "string", value: "x" });
  expect(parsePath('["a\\"b"]')).toEqual(['a"b']);
  expect(getAtPath(DATA, ["a", "b", 7])).toBeUndefined();
  expect(getAtPath(DATA, ["a", 0])).toBeUndefined();
});

test.each(["", ".", ".a", "a.", "a..b", "a b", "a[", "a[x]", 'a["b]', "a[1", "1"])("%j is not a path", (text) => {
  expect(parsePath(text)).toBeUndefined();
});

test("printed values are distinguished from keys and punctuation", () => {
  const { text, values } = toCompactParts(DATA, 200);
  expect(text).toBe('{"a": {"b": [1, {"odd key": "x"}]}, "a\\"b": true}');
  const shown = values.flatMap((start, index) => (index % 2 === 0 ? [text.slice(start, values[index + 1])] : []));
  expect(shown).toEqual(["1", '"x"', "true"]);
  const cut = toCompactParts(DATA, 14);
  expect(cut.text).toBe('{"a": {"b": [1…');
  expect(cut.values.every((position) => position <= cut.text.length)).toBe(true);
});
