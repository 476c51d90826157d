import { expect, test } from "vitest";
import { toTexts } from "./access-texts";
import { diffLines, shorten, toVersionLines } from "./version-lines";

test("[A5] versions are compared line by line", () => {
  const rules = { read: "true", create: null, update: null, delete: "false", hide: ["phone"] };
  const before = toVersionLines(toTexts({ rules, accessFunction: null }));
  const after = toVersionLines(toTexts({ rules: { ...rules, read: "public = true" }, accessFunction: "() => true\n" }));
  expect(before).toEqual(["read: true", "create: default", "update: default", "delete: false", "hide: phone"]);
  expect(diffLines(before, after)).toEqual([
    { kind: "removed", text: "read: true" },
    { kind: "added", text: "read: public = true" },
    ...["create: default", "update: default", "delete: false", "hide: phone"].map((text) => ({ kind: "same", text })),
    { kind: "added", text: "() => true" },
  ]);
});

test("[A5] lines in the middle are matched, and distant equal lines are left out", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
  const after = ["a", "x", "c", "y", "d", "e", "f", "g", "h", "i"];
  const text = shorten(diffLines(before, after)).map((line) => line && { same: " ", added: "+", removed: "-" }[line.kind] + line.text);
  expect(text).toEqual([" a", "-b", "+x", " c", "+y", " d", " e", " f", null]);
  expect(shorten(diffLines(before, before))).toEqual([null]);
  const large = (word: string) => Array.from({ length: 1_500 }, (_, index) => `${word}${index}`);
  expect(diffLines(large("a"), large("b")).map(({ kind }) => kind)).toEqual([
    ...Array(1_500).fill("removed"),
    ...Array(1_500).fill("added"),
  ]);
});
