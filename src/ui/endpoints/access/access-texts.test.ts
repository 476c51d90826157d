import { expect, test } from "vitest";
import { findRuleProblems, listChanges, toAccessProblems, toOffset, toProblemText, toRulesInput, toTexts } from "./access-texts";

const NONE = toTexts({ rules: null, accessFunction: null });

test("[A5] rules are edited in one line, and space around them does not count as a change", () => {
  const rules = {
    read: "@owner = @user.id |\n  public = true",
    create: null,
    update: null,
    delete: null,
    hide: ["phone unless\n@owner = @user.id"],
  };
  const texts = toTexts({ rules, accessFunction: null });
  expect(texts.read).toBe("@owner = @user.id | public = true");
  expect(texts.hide).toBe("phone unless @owner = @user.id");
  expect(listChanges(texts, { ...texts, read: ` ${texts.read} ` })).toEqual([]);
  expect(listChanges(texts, { ...texts, hide: "", create: "true" })).toEqual(["create", "hide"]);
  expect(toRulesInput({ ...texts, hide: "\nphone\n\n  mail \n" })).toEqual({ read: texts.read, hide: ["phone", "mail"] });
  expect(toRulesInput({ ...NONE, read: "  " })).toBeNull();
});

test("[A5] the column of a problem counts from the beginning of its line in the field", () => {
  const texts = { ...NONE, read: "  public == true", hide: "\n phone\n\n  mail unless\n" };
  const problems = findRuleProblems(texts);
  expect(problems.read).toEqual({ message: "Use = instead of ==.", line: 1, column: 10 });
  expect(problems.hide).toMatchObject({ line: 4, column: 14 });
  expect(texts.read.slice(toOffset(texts.read, problems.read ?? { message: "" }))).toBe("== true");
});

test("[S8.4] [A5] problems of the server are found by field, line and column", () => {
  const texts = { ...NONE, accessFunction: "async () => {\n  retrun 1\n}", hide: "\nphone" };
  const fields = {
    name: "Taken.",
    accessFunction: "Line 2, column 10: Unexpected token.",
    "rules.update": "Line 1, column 3: No.",
    "rules.hide.0": "Line 1, column 1: Odd.",
    rules: "Too long.",
  };
  const problems = toAccessProblems(fields, texts);
  expect(problems).toEqual({
    accessFunction: { message: "Unexpected token.", line: 2, column: 10 },
    update: { message: "No.", line: 1, column: 3 },
    hide: { message: "Odd.", line: 2, column: 1 },
    rules: { message: "Too long." },
  });
  expect(toOffset(texts.accessFunction, { message: "", line: 2, column: 10 })).toBe(14 + 9);
  expect(toOffset(texts.accessFunction, { message: "", line: 9, column: 10 })).toBe(texts.accessFunction.length);
  expect(toProblemText({ message: "No.", line: 1, column: 3 }, true)).toBe("Column 3: No.");
  expect(toProblemText({ message: "No.", line: 1, column: 3 }, false)).toBe("Line 1, column 3: No.");
});
