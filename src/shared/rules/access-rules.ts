/** The access rules of an endpoint (A1): a rule for each operation, and the fields that are hidden. */
import { parseHideEntry, parseRule } from "./parse-rule";
import { HIDE_ENTRIES_MAX, type HideEntry, RULES_LENGTH_MAX, type RuleExpression, type RuleProblem } from "./rule-syntax";

export const RULED_OPERATIONS = ["read", "create", "update", "delete"] as const;
export type RuledOperation = (typeof RULED_OPERATIONS)[number];

/** The texts of the rules. Null or absent: the operation has no rule of its own. */
export interface AccessRules extends Partial<Record<RuledOperation, string | null | undefined>> {
  hide?: readonly string[] | null | undefined;
}

/** By field: `read`, `hide.0`, …; an empty name: the rules together. */
export type RuleProblems = Readonly<Record<string, RuleProblem>>;

export type ParsedAccessRules =
  | { ok: true; rules: Partial<Record<RuledOperation, RuleExpression>>; hide: (HideEntry & { text: string })[] }
  | { ok: false; problems: RuleProblems };

/** Parses all rules of an endpoint, and reports the first problem of each field. */
export function parseAccessRules(texts: AccessRules): ParsedAccessRules {
  const entries = texts.hide ?? [];
  const length = [...RULED_OPERATIONS.map((operation) => texts[operation] ?? ""), ...entries].reduce((sum, text) => sum + text.length, 0);
  // The length is checked first, so that parsing has a bound.
  if (length > RULES_LENGTH_MAX) return failAt("", `Use ${RULES_LENGTH_MAX} characters at most in all rules together.`);
  if (entries.length > HIDE_ENTRIES_MAX) return failAt("hide", `Use ${HIDE_ENTRIES_MAX} entries at most.`);
  const problems = new Map<string, RuleProblem>();
  const rules: Partial<Record<RuledOperation, RuleExpression>> = {};
  for (const operation of RULED_OPERATIONS) {
    const text = texts[operation];
    if (text === null || text === undefined) continue;
    const parsed = parseRule(text, { input: operation === "create" || operation === "update" });
    if (parsed.ok) rules[operation] = parsed.expression;
    else problems.set(operation, parsed.problem);
  }
  const hide: (HideEntry & { text: string })[] = [];
  for (const [index, text] of entries.entries()) {
    const parsed = parseHideEntry(text);
    if (parsed.ok) hide.push({ ...parsed.entry, text });
    else problems.set(`hide.${index}`, parsed.problem);
  }
  return problems.size > 0 ? { ok: false, problems: Object.fromEntries(problems) } : { ok: true, rules, hide };
}

function failAt(field: string, message: string): ParsedAccessRules {
  return { ok: false, problems: { [field]: { message, line: 1, column: 1 } } };
}

/** Blind copies, and replies of the mail server, which can name them. */
const OF_SENDERS = "bcc, delivery.error, delivery.recipients unless @owner = @user.id";

/** The fields that an endpoint hides by its kind, as entries of `hide`: mails that others may read show blind copies to their senders only (M6). */
export function toHiddenFields(endpoint: {
  kind: string;
  secure: boolean;
  othersCanRead: boolean;
  rules: unknown;
  accessFunction: string | null;
}): readonly string[] {
  const { kind, secure, othersCanRead, rules, accessFunction } = endpoint;
  const isOwn = secure && !othersCanRead && rules === null && accessFunction === null;
  return kind === "email" && !isOwn ? [OF_SENDERS] : [];
}

/** The meaning of an endpoint's kind and switches (S2, L4), as rules. They apply to operations that have no rule of their own. */
export function toDefaultRules(endpoint: {
  kind: string;
  secure: boolean;
  othersCanRead: boolean;
  othersCanUpdate: boolean;
  othersCanDelete: boolean;
}): Record<RuledOperation, string> {
  const isAccount = endpoint.kind === "authentication";
  const rule = (others: boolean) => (!isAccount && (others || !endpoint.secure) ? "true" : "@owner = @user.id");
  return {
    read: rule(endpoint.othersCanRead),
    create: "true",
    update: rule(endpoint.othersCanUpdate),
    delete: rule(endpoint.othersCanDelete),
  };
}
