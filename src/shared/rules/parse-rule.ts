/**
 * Parses access rules (A1): the filters of the grid (G13), combined by `|`, `&`, `!( )` and parentheses, with variables such as `@user.id`. `&` binds
 * more tightly than `|`.
 */
import { FILTER_OPERATORS } from "@/src/shared/streams/record-filter";
import { RuleReader, RuleSyntaxError } from "./rule-reader";
import {
  type HideEntry,
  type HidePath,
  type ParsedHideEntry,
  type ParsedRule,
  RULE_CONDITIONS_MAX,
  RULE_DEPTH_MAX,
  RULE_LENGTH_MAX,
  type RuleExpression,
  type RuleOperand,
  type RuleOperator,
  type RuleProblem,
} from "./rule-syntax";

/** Operators of other languages, longest first, and what to write instead. */
const FOREIGN_OPERATORS = [
  ["===", "="],
  ["!==", "!="],
  ["==", "="],
  ["=~", "~"],
  ["<>", "!="],
  ["=<", "<="],
  ["=>", ">="],
  ["!~", "!( … ~ … )"],
] as const;
const FOREIGN_WORDS: Readonly<Record<string, string>> = {
  in: "~, with the list on the left",
  contains: "~",
  includes: "~",
  has: "~",
  like: "~",
  is: "=",
  eq: "=",
  ne: "!=",
  exist: "exists",
  empty: "missing",
};
const FOREIGN_LINKS: Readonly<Record<string, string>> = { and: "&", or: "|", "&&": "&", "||": "|", ",": "| or &" };

/** Parses one rule. `input`: whether the rule may use `@input`, which only the rules `create` and `update` may. */
export function parseRule(text: string, { input }: { input: boolean }): ParsedRule {
  const parsed = attempt(text, () => new RuleParser(text, input).rule());
  return "problem" in parsed ? { ok: false, problem: parsed.problem } : { ok: true, expression: parsed.value };
}

/** Parses one entry of `hide`: `path, path unless expression`, or paths alone. */
export function parseHideEntry(text: string): ParsedHideEntry {
  const parsed = attempt(text, () => new RuleParser(text, false).hideEntry());
  return "problem" in parsed ? { ok: false, problem: parsed.problem } : { ok: true, entry: parsed.value };
}

function attempt<Value>(text: string, parse: () => Value): { value: Value } | { problem: RuleProblem } {
  if (text.length > RULE_LENGTH_MAX) return { problem: { message: `Use ${RULE_LENGTH_MAX} characters at most.`, line: 1, column: 1 } };
  try {
    return { value: parse() };
  } catch (error) {
    if (!(error instanceof RuleSyntaxError)) throw error;
    const before = text.slice(0, error.offset);
    return {
      problem: {
        message: error.message,
        line: before.split("\n").length,
        column: error.offset - before.lastIndexOf("\n"),
      },
    };
  }
}

class RuleParser {
  readonly #reader: RuleReader;
  #conditions = 0;
  #depth = 0;

  constructor(text: string, allowsInput: boolean) {
    this.#reader = new RuleReader(text, allowsInput);
  }

  rule(): RuleExpression {
    if (this.#reader.isOver()) this.#reader.fail("Write a condition, such as @owner = @user.id, or true or false.");
    const expression = this.#or();
    if (this.#reader.isOver()) return expression;
    return this.#failAfter();
  }

  hideEntry(): HideEntry {
    const reader = this.#reader;
    const paths: HidePath[] = [...reader.hidePath()];
    while (reader.take(",")) paths.push(...reader.hidePath());
    if (reader.isOver()) return { paths };
    if (!reader.takeWord("unless")) reader.fail("After the field write a comma and another field, or unless and a condition.");
    if (reader.isOver()) reader.fail("After unless write a condition, such as @owner = @user.id.");
    const unless = this.#or();
    return reader.isOver() ? { paths, unless } : this.#failAfter();
  }

  #or(): RuleExpression {
    return this.#chain("or", "|", () => this.#chain("and", "&", () => this.#unit()));
  }

  #chain(kind: "or" | "and", link: string, part: () => RuleExpression): RuleExpression {
    const first = part();
    const parts = [first];
    while (!this.#isDoubled(link) && this.#reader.take(link)) parts.push(part());
    const last = parts.at(-1) ?? first;
    return parts.length === 1 ? first : { kind, parts, start: first.start, end: last.end };
  }

  /** Throws for `&&` and `||`. */
  #isDoubled(link: string): false {
    if (this.#reader.startsWith(link + link)) this.#reader.fail(`Use ${link} instead of ${link}${link}.`);
    return false;
  }

  #unit(): RuleExpression {
    const reader = this.#reader;
    const start = reader.place();
    if (reader.take("!")) {
      if (!reader.startsWith("(")) reader.fail("After ! write parentheses: !( … ).");
      const part = this.#group();
      return { kind: "not", part, start, end: reader.end };
    }
    if (reader.startsWith("(")) return { ...this.#group(), start, end: reader.end };
    const constant = reader.constant();
    if (constant !== undefined) return { kind: "constant", value: constant, start, end: reader.end };
    if (reader.isWordBefore("not", "(")) reader.fail("Use !( … ) instead of not.");
    return this.#condition(start);
  }

  #group(): RuleExpression {
    const reader = this.#reader;
    const open = reader.place();
    reader.take("(");
    this.#depth += 1;
    if (this.#depth > RULE_DEPTH_MAX) reader.fail(`Nest parentheses at most ${RULE_DEPTH_MAX} deep.`, open);
    const inner = this.#or();
    if (!reader.take(")")) {
      if (reader.isOver()) reader.fail("This parenthesis is not closed.", open);
      this.#failAfter();
    }
    this.#depth -= 1;
    return inner;
  }

  #condition(start: number): RuleExpression {
    const reader = this.#reader;
    this.#conditions += 1;
    if (this.#conditions > RULE_CONDITIONS_MAX) reader.fail(`Use at most ${RULE_CONDITIONS_MAX} conditions in a rule.`);
    const left = reader.leftOperand();
    const leftEnd = reader.end;
    for (const kind of ["exists", "missing"] as const) if (reader.takeWord(kind)) return { kind, operand: left, start, end: reader.end };
    const operatorStart = reader.place();
    const operator = this.#operator(start, leftEnd);
    const rightStart = reader.place();
    const right = reader.rightOperand();
    this.#check({ left, operator, right, operatorStart, rightStart });
    return { kind: "compare", left, operator, right, start, end: reader.end };
  }

  #operator(start: number, leftEnd: number): RuleOperator {
    const reader = this.#reader;
    for (const [foreign, ours] of FOREIGN_OPERATORS) if (reader.startsWith(foreign)) reader.fail(`Use ${ours} instead of ${foreign}.`);
    for (const operator of FILTER_OPERATORS) {
      if (operator !== "exists" && operator !== "missing" && reader.take(operator)) return operator;
    }
    const word = reader.peekWord();
    const instead = word === undefined || !Object.hasOwn(FOREIGN_WORDS, word.toLowerCase()) ? undefined : FOREIGN_WORDS[word.toLowerCase()];
    if (instead !== undefined) reader.fail(`Use ${instead} instead of ${word}.`);
    return reader.fail(`After ${reader.slice(start, leftEnd)} write one of: = != < <= > >= ~ exists missing.`);
  }

  #check(condition: { left: RuleOperand; operator: RuleOperator; right: RuleOperand; operatorStart: number; rightStart: number }): void {
    const { left, operator, right, operatorStart, rightStart } = condition;
    if (right.kind !== "literal") return;
    const { type, text } = right.value;
    if (/[<>]/.test(operator) && (type === "boolean" || type === "null"))
      this.#reader.fail(`${operator} works only with numbers and texts.`, operatorStart);
    if (operator === "~" && (type === "null" || (type === "string" && text === "")))
      this.#reader.fail("After ~ write a text that is not empty, a number, true or false.", rightStart);
    if (type === "null" && (left.kind === "userId" || left.kind === "userEndpoint" || left.kind === "owner" || left.kind === "keyScope"))
      this.#reader.fail(`This is never null. Use ${operator === "=" ? "missing" : "exists"}, without a value.`, operatorStart);
  }

  /** Throws the problem of what follows a complete condition. */
  #failAfter(): never {
    const reader = this.#reader;
    if (reader.startsWith(")")) reader.fail("This parenthesis closes nothing. Remove it, or open one before.");
    for (const link of ["&&", "||", ","]) if (reader.startsWith(link)) reader.fail(`Use ${FOREIGN_LINKS[link]} instead of ${link}.`);
    const word = reader.peekWord();
    const link = word === undefined || !Object.hasOwn(FOREIGN_LINKS, word.toLowerCase()) ? undefined : FOREIGN_LINKS[word.toLowerCase()];
    if (link !== undefined) reader.fail(`Use ${link} instead of ${word}.`);
    if (word?.toLowerCase() === "unless") reader.fail("Only entries of hide can have unless.");
    return reader.fail("Write | or & before the next condition, or remove this.");
  }
}
