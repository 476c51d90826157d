/** Compiles an access rule to a predicate. Rules have three results: true, false and undecided (Kleene's logic, which is also that of SQL). */
import type { RuleExpression, RuleRange } from "@/src/shared/rules/rule-syntax";
import { type RuleCondition, toRuleCondition } from "./rule-condition";
import type { FactReader, RuleCaller, RuleFacts } from "./rule-facts";
import { compareValues, isNullLiteral, type Verdict } from "./rule-values";

export interface CompiledRule {
  readonly text: string;
  readonly expression: RuleExpression;
  /** True only if the rule is true. Undecided refuses. */
  isMet(facts: RuleFacts): boolean;
  /** Why: the smallest part of the rule that decides, with its own verdict. */
  explain(facts: RuleFacts): RuleReason;
  /** A condition in SQL that every record fulfils for which the rule is true. Rules that read `@input` have none for records that it decides. */
  toCondition(caller: RuleCaller, alias?: string): RuleCondition;
}

export interface RuleReason {
  isMet: boolean;
  /** The part of the rule that decides, as written. */
  part: string;
  start: number;
  end: number;
  /** The verdict of that part. */
  verdict: "true" | "false" | "undecided";
}

interface Node extends RuleRange {
  kind: RuleExpression["kind"];
  parts: readonly Node[];
  judge(facts: RuleFacts): Verdict;
}

/** Adds the operands of the rule to `reader`, which must not have been used yet. */
export function compileRule(text: string, expression: RuleExpression, reader: FactReader): CompiledRule {
  const root = toNode(expression, reader);
  return {
    text,
    expression,
    isMet: (facts) => root.judge(facts) === true,
    explain: (facts) => explain(text, root, facts),
    toCondition: (caller, alias = "r") =>
      toRuleCondition(expression, { alias, readCaller: (operand) => reader.readCaller(operand, caller) }),
  };
}

function toNode(expression: RuleExpression, reader: FactReader): Node {
  const { kind, start, end } = expression;
  const leaf = (judge: Node["judge"]): Node => ({ kind, start, end, parts: [], judge });
  switch (expression.kind) {
    case "constant": {
      const { value } = expression;
      return leaf(() => value);
    }
    case "or":
    case "and": {
      const parts = expression.parts.map((part) => toNode(part, reader));
      const deciding = expression.kind === "or";
      return { kind, start, end, parts, judge: (facts) => judgeAll(parts, deciding, facts) };
    }
    case "not": {
      const part = toNode(expression.part, reader);
      return { kind, start, end, parts: [part], judge: (facts) => negate(part.judge(facts)) };
    }
    case "exists":
    case "missing": {
      const { operand } = expression;
      const wanted = expression.kind === "exists";
      reader.add(operand);
      return leaf((facts) => (reader.read(operand, facts) !== undefined) === wanted);
    }
    case "compare": {
      const { left, operator, right } = expression;
      reader.add(left);
      reader.add(right);
      const isNull = isNullLiteral(right);
      return leaf((facts) => compareValues(operator, reader.read(left, facts), reader.read(right, facts), isNull));
    }
  }
}

/** `or` is decided by the first true part, `and` by the first false one. Otherwise one undecided part makes both undecided. */
function judgeAll(parts: readonly Node[], deciding: boolean, facts: RuleFacts): Verdict {
  let verdict: Verdict = !deciding;
  for (const part of parts) {
    const each = part.judge(facts);
    if (each === deciding) return deciding;
    if (each === undefined) verdict = undefined;
  }
  return verdict;
}

export function negate(verdict: Verdict): Verdict {
  return verdict === undefined ? undefined : !verdict;
}

function explain(text: string, root: Node, facts: RuleFacts): RuleReason {
  let node = root;
  let verdict = root.judge(facts);
  const isMet = verdict === true;
  for (;;) {
    const deciding = findDeciding(node, verdict, facts);
    if (!deciding) break;
    node = deciding;
    verdict = node.judge(facts);
  }
  const { start, end } = node;
  return { isMet, part: text.slice(start, end), start, end, verdict: verdict === undefined ? "undecided" : verdict ? "true" : "false" };
}

/** The one part that decides the verdict of the node. Undefined if several do, or if it has no parts. */
function findDeciding({ kind, parts }: Node, verdict: Verdict, facts: RuleFacts): Node | undefined {
  if (kind === "not") return parts[0];
  if (kind !== "or" && kind !== "and") return undefined;
  const deciding = kind === "or";
  if (verdict === deciding) return parts.find((part) => part.judge(facts) === deciding);
  // All parts of an `or` failed, or all of an `and` are true. Of undecided parts, the first one is reported.
  return verdict === undefined ? parts.find((part) => part.judge(facts) === undefined) : undefined;
}
