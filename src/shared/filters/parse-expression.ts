/**
 * Parses filter expressions (G27): the filters of the grid (G13), texts, regular expressions, and conditions on the operation, the record and the size,
 * combined as in access rules (A1). `&` may be left out; it binds more tightly than `|`.
 */
import type { FilterOperator } from "@/src/shared/streams/record-filter";
import { ExpressionError, FilterReader } from "./filter-reader";
import {
  EXPRESSION_CONDITIONS_MAX,
  EXPRESSION_DEPTH_MAX,
  EXPRESSION_LENGTH_MAX,
  FILTER_OPERATIONS,
  type FilterExpression,
  type FilterOperation,
  type ParsedExpression,
} from "./filter-syntax";
import { readTimeRange, type TimeRange } from "./time-range";

/** Other names of a field, and the name to write instead. */
const FOREIGN_FIELDS: Readonly<Record<string, string>> = {
  operation: "op:",
  type: "op:",
  method: "op:",
  record: "id:",
  recordid: "id:",
  uniqueid: "id:",
};
const FOREIGN_OPERATIONS: Readonly<Record<string, FilterOperation>> = {
  post: "create",
  created: "create",
  put: "update",
  updated: "update",
  deleted: "delete",
};
const FOREIGN_LINKS: Readonly<Record<string, string>> = { and: "&", or: "|", not: "-" };

/** Parses an expression. Never throws. `hasEndpoints`: it is for the changes of a project, so it can name endpoints. */
export function parseExpression(text: string, { hasEndpoints = false }: { hasEndpoints?: boolean } = {}): ParsedExpression {
  if (text.length > EXPRESSION_LENGTH_MAX)
    return { ok: false, problem: { message: `Use ${EXPRESSION_LENGTH_MAX} characters at most.`, column: EXPRESSION_LENGTH_MAX + 1 } };
  const nul = text.indexOf("\0");
  if (nul >= 0) return { ok: false, problem: { message: "Remove the NUL character; no record contains one.", column: nul + 1 } };
  try {
    return { ok: true, expression: new ExpressionParser(text, hasEndpoints).expression() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { ok: false, problem: { message: error.message, column: error.offset + 1 } };
  }
}

class ExpressionParser {
  readonly #reader: FilterReader;
  readonly #hasEndpoints: boolean;
  #conditions = 0;
  #depth = 0;
  /** The last value without quotes ended here. A word that follows it may belong to it. */
  #bareValue: { text: string; path: string } | undefined;

  constructor(text: string, hasEndpoints: boolean) {
    this.#reader = new FilterReader(text);
    this.#hasEndpoints = hasEndpoints;
  }

  expression(): FilterExpression | undefined {
    const reader = this.#reader;
    if (reader.isOver()) return undefined;
    const expression = this.#or();
    if (reader.isOver()) return expression;
    return reader.fail(
      reader.startsWith(")")
        ? "This parenthesis closes nothing. Remove it, or open one before."
        : "Write & or | before the next condition.",
    );
  }

  #or(): FilterExpression {
    const parts = [this.#and()];
    while (this.#takeLink("|")) {
      this.#bareValue = undefined;
      parts.push(this.#and());
    }
    return join("or", parts);
  }

  #and(): FilterExpression {
    const parts = [this.#unit()];
    for (;;) {
      const isLinked = this.#takeLink("&");
      if (isLinked) this.#bareValue = undefined;
      else if (this.#reader.isOver() || this.#reader.startsWith("|") || this.#reader.startsWith(")")) break;
      parts.push(this.#unit());
    }
    return join("and", parts);
  }

  #takeLink(link: "|" | "&"): boolean {
    if (this.#reader.startsWith(link + link)) this.#reader.fail(`Use ${link} instead of ${link}${link}.`);
    return this.#reader.take(link);
  }

  #unit(): FilterExpression {
    const reader = this.#reader;
    this.#depth += 1;
    if (this.#depth > EXPRESSION_DEPTH_MAX) reader.fail(`Nest parentheses and exclusions at most ${EXPRESSION_DEPTH_MAX} deep.`);
    const unit = this.#readUnit();
    this.#depth -= 1;
    return unit;
  }

  #readUnit(): FilterExpression {
    const reader = this.#reader;
    const start = reader.place();
    if (reader.isOver()) reader.fail("Write a condition here, like temperature > 20, op:delete or a text.");
    if (reader.takeExclusion()) {
      this.#bareValue = undefined;
      return { kind: "not", part: this.#unit() };
    }
    if (reader.take("(")) {
      this.#bareValue = undefined;
      const inner = this.#or();
      if (!reader.take(")")) reader.fail("This parenthesis is not closed.", start);
      this.#bareValue = undefined;
      return inner;
    }
    this.#conditions += 1;
    if (this.#conditions > EXPRESSION_CONDITIONS_MAX) reader.fail(`Use at most ${EXPRESSION_CONDITIONS_MAX} conditions.`, start);
    return this.#condition(start);
  }

  #condition(start: number): FilterExpression {
    const reader = this.#reader;
    const pattern = reader.pattern();
    if (pattern) return this.#closed({ kind: "pattern", ...pattern });
    const quoted = reader.quoted();
    if (quoted !== undefined) return this.#closed(this.#quotedText(quoted, start));
    const field = this.#field(start);
    if (field) return this.#closed(field);
    const path = reader.path();
    const pathEnd = reader.slice(start);
    if (path !== undefined) {
      if (path.length === 1 && path[0] === "size" && pathEnd === "size") {
        const operator = reader.sizeOperator();
        if (operator) return this.#closed({ kind: "size", operator, bytes: reader.size() });
      }
      const operator = reader.operator();
      if (operator) return this.#value(path, pathEnd, operator);
      if (pathEnd === "$" || pathEnd.startsWith("$.") || pathEnd.includes("["))
        reader.fail(`After ${pathEnd} write one of: = != < <= > >= ~ exists missing.`);
    }
    reader.moveTo(start);
    return this.#text(start);
  }

  #closed(condition: FilterExpression): FilterExpression {
    this.#bareValue = undefined;
    return condition;
  }

  #value(path: readonly string[], pathText: string, operator: FilterOperator): FilterExpression {
    const reader = this.#reader;
    if (operator === "exists" || operator === "missing") return this.#closed({ kind: "value", filter: { path, operator } });
    const start = reader.place();
    const { value, isBare } = reader.value(operator);
    if (value.kind === "word" && /[<>]/.test(operator)) reader.fail(`${operator} works only with numbers and texts.`, start);
    if (operator === "~" && value.kind === "string" && value.text === "")
      reader.fail("After ~ write a text that is not empty, a number, true or false.", start);
    this.#bareValue = isBare ? { text: value.text, path: `${pathText} ${operator}` } : undefined;
    return { kind: "value", filter: { path, operator, value } };
  }

  #quotedText(text: string, start: number): FilterExpression {
    const reader = this.#reader;
    if (reader.slice(reader.place(), reader.place() + 1) === ":")
      reader.fail('To search for this text, put all of it in quotes, with \\" for a quote inside.', start);
    if (reader.operator() !== undefined)
      reader.fail('Write the value on the right side. A field with an odd name is written ["odd name"].', start);
    return this.#checked(text, start);
  }

  #field(start: number): FilterExpression | undefined {
    const reader = this.#reader;
    const name = reader.takeField(["op", "id", "time", "endpoint"]);
    if (name === "op") return { kind: "operation", operations: this.#operations() };
    if (name === "id") return { kind: "record", part: this.#recordPart() };
    if (name === "endpoint") return { kind: "endpoint", names: this.#endpoints(start) };
    if (name === "time") return { kind: "time", ...this.#timeRange() };
    const other = reader.peekField();
    if (other === undefined) return undefined;
    const instead = Object.hasOwn(FOREIGN_FIELDS, other.toLowerCase()) ? FOREIGN_FIELDS[other.toLowerCase()] : undefined;
    if (instead !== undefined) return reader.fail(`Use ${instead} instead of ${other}:.`, start);
    return reader.fail(
      `Use = instead of : for a field, as in ${other} = value. For the text itself, put it in quotes.`,
      start + other.length,
    );
  }

  #operations(): FilterOperation[] {
    const reader = this.#reader;
    const start = reader.place();
    const names = (reader.word() ?? "").split(",");
    return names.map((name, index) => {
      const known = FILTER_OPERATIONS.find((each) => each === name.toLowerCase());
      if (known) return known;
      const offset = start + names.slice(0, index).join(",").length + (index === 0 ? 0 : 1);
      const meant = Object.hasOwn(FOREIGN_OPERATIONS, name.toLowerCase()) ? FOREIGN_OPERATIONS[name.toLowerCase()] : undefined;
      return reader.fail(
        meant === undefined ? `After op: write one or several of: ${FILTER_OPERATIONS.join(", ")}.` : `Use ${meant} instead of ${name}.`,
        offset,
      );
    });
  }

  #recordPart(): string {
    const reader = this.#reader;
    const start = reader.place();
    const part = (reader.word() ?? "").toLowerCase().replaceAll("-", "").replace(/^…/, "");
    if (!/^[0-9a-f]{1,32}$/.test(part)) reader.fail("After id: write the record's ID or a part of it: hex digits.", start);
    return part;
  }

  #endpoints(start: number): string[] {
    const reader = this.#reader;
    if (!this.#hasEndpoints) reader.fail("endpoint: is for the changes of a whole project.", start);
    const names = (reader.word() ?? "").split(",").filter((name) => name !== "");
    return names.length > 0 ? names : reader.fail("After endpoint: write the name of one or several endpoints, like endpoint:orders.");
  }

  #timeRange(): TimeRange {
    const reader = this.#reader;
    const start = reader.place();
    const read = readTimeRange(reader.word() ?? "");
    return read.ok ? read.range : reader.fail(read.message, start + read.offset);
  }

  /** Reads words up to the next condition. Together they are one text. */
  #text(start: number): FilterExpression {
    const reader = this.#reader;
    let end = start;
    for (;;) {
      const place = reader.place();
      if (end !== start && !this.#isTextNext()) break;
      reader.moveTo(place);
      if (reader.word() === undefined) {
        if (end === start) this.#failAtSign();
        break;
      }
      end = place + reader.slice(place).length;
      const sign = reader.peekSign();
      if (sign !== undefined)
        reader.fail(`Put a text that contains ${sign === '"' ? "quotes" : sign} in quotes, with \\" for a quote inside.`, end);
    }
    reader.moveTo(end);
    const text = reader.slice(start, end);
    const link = Object.hasOwn(FOREIGN_LINKS, text.toLowerCase()) ? FOREIGN_LINKS[text.toLowerCase()] : undefined;
    if (link !== undefined) reader.fail(`Use ${link} instead of ${text}. To search for the word, put it in quotes.`, start);
    const bare = this.#bareValue;
    if (bare)
      reader.fail(
        `Put a text with spaces in quotes, as in ${bare.path} "${bare.text} ${text}", or write & before the next condition.`,
        start,
      );
    return this.#closed(this.#checked(text, start));
  }

  /** True if the next part is another word of a text, and not a condition of its own. Moves the reader. */
  #isTextNext(): boolean {
    const reader = this.#reader;
    if (reader.isOver() || reader.startsWith('"') || reader.startsWith("/") || reader.startsWith("(")) return false;
    if (reader.takeExclusion() || reader.peekField() !== undefined) return false;
    const start = reader.place();
    const path = reader.path();
    if (path !== undefined && /\[/.test(reader.slice(start))) return false;
    return path === undefined || reader.operator() === undefined;
  }

  #failAtSign(): never {
    const reader = this.#reader;
    const [sign = ""] = reader.slice(reader.place(), reader.place() + 1);
    if (sign === "&" || sign === "|") reader.fail(`Write a condition before ${sign}.`);
    if (sign === ")") reader.fail("Write a condition before the parenthesis.");
    return reader.fail(`Write a field before ${sign}, as in temperature > 20. For the text itself, put it in quotes.`);
  }

  #checked(text: string, start: number): FilterExpression {
    if (text === "") this.#reader.fail("Write text between the quotes.", start);
    return { kind: "text", text };
  }
}

function join(kind: "or" | "and", parts: readonly FilterExpression[]): FilterExpression {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : { kind, parts };
}
