/** Says in English what a rule means. Pure. */
import { parseHideEntry, parseRule } from "@/src/shared/rules/parse-rule";
import type { HidePath, RuleExpression, RuleOperand, RuleOperator } from "@/src/shared/rules/rule-syntax";

const OPERATORS: Readonly<Record<RuleOperator, string>> = {
  "=": "is",
  "!=": "is not",
  "<": "is less than",
  "<=": "is at most",
  ">": "is more than",
  ">=": "is at least",
  "~": "contains",
};

/** “Allowed if the record belongs to the user.” Undefined if the text is not a rule. */
export function describeRule(text: string): string | undefined {
  // Whether @input is allowed is shown as a problem of the field.
  const parsed = parseRule(text, { input: true });
  if (!parsed.ok) return undefined;
  const { expression } = parsed;
  if (expression.kind === "constant") return expression.value ? "Always allowed." : "Never allowed.";
  return `Allowed if ${describe(expression)}.`;
}

/** “phone: hidden unless the record belongs to the user.” Undefined if the text is not an entry of `hide`. */
export function describeHideEntry(text: string): string | undefined {
  const parsed = parseHideEntry(text);
  if (!parsed.ok) return undefined;
  const { paths, unless } = parsed.entry;
  const what = listPaths(paths).join(", ");
  if (!unless || (unless.kind === "constant" && !unless.value)) return `${what}: always hidden.`;
  if (unless.kind === "constant") return `${what}: never hidden.`;
  return `${what}: hidden unless ${describe(unless)}.`;
}

/** A path that begins with `data` is in the entry in both of its meanings. Only the shorter one is shown. */
function listPaths(paths: readonly HidePath[]): string[] {
  const names = paths.map((path) => path.join("."));
  return names.filter((name) => !(name.startsWith("data.") && names.includes(name.slice("data.".length))));
}

function describe(expression: RuleExpression): string {
  switch (expression.kind) {
    case "constant":
      return expression.value ? "always" : "never";
    case "and":
    case "or":
      return expression.parts.map((part) => (isChain(part) ? `(${describe(part)})` : describe(part))).join(` ${expression.kind} `);
    case "not":
      return `not (${describe(expression.part)})`;
    case "exists":
    case "missing":
      return describePresence(expression.operand, expression.kind === "exists");
    case "compare":
      return describeComparison(expression);
  }
}

function isChain({ kind }: RuleExpression): boolean {
  return kind === "and" || kind === "or";
}

function describePresence(operand: RuleOperand, isPresent: boolean): string {
  if (operand.kind === "userId") return isPresent ? "a user is logged in" : "nobody is logged in";
  if (operand.kind === "owner") return isPresent ? "the record has an owner" : "the record has no owner";
  return `${name(operand)} ${isPresent ? "is present" : "is missing"}`;
}

function describeComparison({ left, operator, right }: Extract<RuleExpression, { kind: "compare" }>): string {
  const kinds = [left.kind, right.kind];
  const isOwn = kinds.includes("owner") && kinds.includes("userId");
  if (isOwn && operator === "=") return "the record belongs to the user";
  if (isOwn && operator === "!=") return "the record belongs to another user";
  return `${name(left)} ${OPERATORS[operator]} ${name(right)}`;
}

function name(operand: RuleOperand): string {
  switch (operand.kind) {
    case "literal":
      return operand.value.type === "string" ? `“${operand.value.text}”` : operand.value.text;
    case "data":
      return operand.path.length === 0 ? "the record" : `the record’s ${operand.path.join(".")}`;
    case "userData":
      return operand.path.length === 0 ? "the user’s own record" : `the user’s ${operand.path.join(".")}`;
    case "input":
      return operand.path.length === 0 ? "the sent body" : `the sent ${operand.path.join(".")}`;
    case "userId":
      return "the user’s uniqueId";
    case "userEndpoint":
      return "the user’s authentication endpoint";
    case "owner":
      return "the record’s owner";
    case "keyScope":
      return "the scope of the key";
  }
}
