/** The access rules and function of an endpoint as texts in a form, and back. Pure. */
import type { AccessRulesInput, StoredRules } from "@/src/shared/management/access";
import { parseAccessRules, RULED_OPERATIONS, type RuledOperation } from "@/src/shared/rules/access-rules";

/** Empty texts stand for no rule, no hidden fields and no function. `hide`: one entry a line. */
export type AccessTexts = Record<RuledOperation | "hide" | "accessFunction", string>;
export type AccessField = keyof AccessTexts;

export const ACCESS_FIELDS: readonly AccessField[] = [...RULED_OPERATIONS, "hide", "accessFunction"];

export function toTexts({ rules, accessFunction }: { rules: StoredRules | null; accessFunction: string | null }): AccessTexts {
  return {
    read: toLine(rules?.read ?? ""),
    create: toLine(rules?.create ?? ""),
    update: toLine(rules?.update ?? ""),
    delete: toLine(rules?.delete ?? ""),
    hide: (rules?.hide ?? []).map(toLine).join("\n"),
    accessFunction: accessFunction ?? "",
  };
}

/** A rule in one line. Space between its parts has no meaning, and texts in quotes have no line breaks. */
function toLine(rule: string): string {
  return rule.replace(/\s*[\n\r]\s*/g, " ").trim();
}

/** The rules as the management API takes them. Null: none. */
export function toRulesInput(texts: AccessTexts): AccessRulesInput | null {
  const rules: AccessRulesInput = {};
  for (const operation of RULED_OPERATIONS) if (texts[operation].trim() !== "") rules[operation] = texts[operation].trim();
  const hide = listEntries(texts.hide).map(({ text }) => text);
  if (hide.length > 0) rules.hide = hide;
  return Object.keys(rules).length === 0 ? null : rules;
}

/** The function as the management API takes it. Null: none. */
export function toFunctionInput({ accessFunction }: AccessTexts): string | null {
  return accessFunction.trim() === "" ? null : accessFunction;
}

/** The fields that differ. Space around texts does not count. */
export function listChanges(saved: AccessTexts, texts: AccessTexts): AccessField[] {
  return ACCESS_FIELDS.filter((field) => texts[field].trim() !== saved[field].trim());
}

/** A problem of a field. `line` and `column` begin at 1; they are undefined if the problem concerns the whole text. */
export interface AccessProblem {
  message: string;
  line?: number;
  column?: number;
}

export type AccessProblems = { [field in AccessField | "rules"]?: AccessProblem | undefined };

/** The problems of the rules that can be found without the server. Of several entries of `hide`, the first one with a problem counts. */
export function findRuleProblems(texts: AccessTexts): AccessProblems {
  const parsed = parseAccessRules(toRulesInput(texts) ?? {});
  if (parsed.ok) return {};
  const problems: AccessProblems = {};
  for (const [path, { message, column }] of Object.entries(parsed.problems))
    addProblem(problems, path, { message, line: 1, column }, texts);
  return problems;
}

/** The problems in the `fields` of a response. Fields of other parts are left out. */
export function toAccessProblems(fields: Readonly<Record<string, string>>, texts: AccessTexts): AccessProblems {
  const problems: AccessProblems = {};
  for (const [path, text] of Object.entries(fields)) {
    const isRule = path === "rules" || path.startsWith("rules.");
    if (!isRule && path !== "accessFunction") continue;
    const found = /^Line (\d+)(?:, column (\d+))?: ([\s\S]*)$/.exec(text);
    const problem = found
      ? { message: found[3] ?? "", line: Number(found[1]), ...(found[2] === undefined ? {} : { column: Number(found[2]) }) }
      : { message: text };
    addProblem(problems, isRule ? path.slice("rules.".length) : path, problem, texts);
  }
  return problems;
}

function addProblem(problems: AccessProblems, path: string, problem: AccessProblem, texts: AccessTexts): void {
  const [name = "", index] = path.split(".");
  const field = ACCESS_FIELDS.find((candidate) => candidate === name) ?? "rules";
  if (problems[field] !== undefined) return;
  if (field === "hide") {
    const entry = index === undefined ? undefined : listEntries(texts.hide)[Number(index)];
    if (!entry) problems.hide = { message: problem.message };
    else
      problems.hide = { ...problem, line: entry.line, ...(problem.column === undefined ? {} : { column: problem.column + entry.indent }) };
    return;
  }
  const indent = field === "rules" || field === "accessFunction" ? 0 : texts[field].length - texts[field].trimStart().length;
  problems[field] = problem.column === undefined ? problem : { ...problem, column: problem.column + indent };
}

/** The entries of `hide` with the lines that they are in. `indent`: the characters before them. */
function listEntries(hide: string): { text: string; line: number; indent: number }[] {
  return hide.split("\n").flatMap((text, index) => {
    const trimmed = text.trim();
    return trimmed === "" ? [] : [{ text: trimmed, line: index + 1, indent: text.length - text.trimStart().length }];
  });
}

/** The offset of a problem in its text. Undefined: it has no place. */
export function toOffset(text: string, { line, column = 1 }: AccessProblem): number | undefined {
  if (line === undefined) return undefined;
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
  return Math.min(start + Math.min(column - 1, lines[line - 1]?.length ?? 0), text.length);
}

/** “Line 2, column 5: …”. The line of a rule is left out, because it has only one. */
export function toProblemText({ message, line, column }: AccessProblem, isOneLine: boolean): string {
  if (line === undefined) return message;
  if (isOneLine) return column === undefined ? message : `Column ${column}: ${message}`;
  return `Line ${line}${column === undefined ? "" : `, column ${column}`}: ${message}`;
}
