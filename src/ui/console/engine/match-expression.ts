/** Compiles filter expressions (G27) for buffered events. Compares bytes where possible, and parses the data only for conditions on values. Pure. */
import type { FilterCondition, FilterExpression, SizeOperator } from "@/src/shared/filters/filter-syntax";
import type { FilterOperator, FilterValue, RecordFilter } from "@/src/shared/streams/record-filter";
import { compareCodePoints, compareNumbers } from "@/src/shared/text/compare-values";
import { foldText, normalizeText, toSearchText } from "@/src/shared/text/fold-text";
import { type JsonNode, parseStored } from "../../json/json-tree";
import type { EventRing } from "./event-ring";

/** Compiles a regular expression that takes linear time. Throws for one that is not supported. */
export type CompilePattern = (pattern: string, options: { ignoreCase: boolean }) => { test(text: string): boolean };

/** An event that is matched. Its data is decoded and parsed once at most. */
interface Candidate {
  ring: EventRing;
  ordinal: number;
  node?: JsonNode;
  data?: string;
}

type Test = (candidate: Candidate) => boolean;

/** `compile` is needed for expressions that contain regular expressions. Without it these match nothing. */
export function compileExpression(expression: FilterExpression, compile?: CompilePattern): (ring: EventRing, ordinal: number) => boolean {
  const test = toTest(expression, compile);
  return (ring, ordinal) => test({ ring, ordinal });
}

/** True if the expression contains a regular expression. */
export function containsPattern(expression: FilterExpression): boolean {
  if (expression.kind === "and" || expression.kind === "or") return expression.parts.some(containsPattern);
  return expression.kind === "not" ? containsPattern(expression.part) : expression.kind === "pattern";
}

function toTest(expression: FilterExpression, compile: CompilePattern | undefined): Test {
  switch (expression.kind) {
    case "or": {
      const tests = expression.parts.map((part) => toTest(part, compile));
      return (candidate) => tests.some((test) => test(candidate));
    }
    case "and": {
      // Cheap conditions first: the data is parsed only for events that fulfil them.
      const tests = expression.parts.toSorted((a, b) => toCost(a) - toCost(b)).map((part) => toTest(part, compile));
      return (candidate) => tests.every((test) => test(candidate));
    }
    case "not": {
      const test = toTest(expression.part, compile);
      return (candidate) => !test(candidate);
    }
    default:
      return toConditionTest(expression, compile);
  }
}

function toCost(expression: FilterExpression): number {
  switch (expression.kind) {
    case "operation":
    case "size":
    case "record":
    case "endpoint":
    case "time":
      return 0;
    case "text":
      return 1;
    case "value":
      return 2;
    case "pattern":
      return 3;
    case "not":
      return toCost(expression.part);
    case "and":
    case "or":
      return Math.max(...expression.parts.map(toCost));
  }
}

function toConditionTest(condition: FilterCondition, compile: CompilePattern | undefined): Test {
  switch (condition.kind) {
    case "text":
      return toTextTest(condition.text);
    case "operation": {
      const operations = new Set<string>(condition.operations);
      return ({ ring, ordinal }) => operations.has(ring.kind(ordinal));
    }
    case "record":
      return ({ ring, ordinal }) => ring.recordId(ordinal).includes(condition.part);
    case "size":
      return ({ ring, ordinal }) => isOrdered(condition.operator, ring.size(ordinal) - condition.bytes);
    case "endpoint": {
      const names = new Set(condition.names);
      return ({ ring, ordinal }) => names.has(ring.endpointName(ordinal));
    }
    case "time": {
      const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = condition;
      return ({ ring, ordinal }) => ring.atMs(ordinal) >= fromMs && ring.atMs(ordinal) < toMs;
    }
    case "pattern": {
      if (!compile) return () => false;
      const pattern = compile(condition.pattern, { ignoreCase: condition.ignoreCase });
      return (candidate) => pattern.test(toData(candidate));
    }
    case "value":
      return toValueTest(condition.filter);
  }
}

const PART_OF_ID = /^[0-9a-f]{4,32}$/;

function toTextTest(searched: string): Test {
  const text = foldText(searched);
  const needle = new TextEncoder().encode(text);
  const isNeedlePlain = needle.length === text.length;
  const idPart = PART_OF_ID.test(text) ? text : undefined;
  return (candidate) => {
    const { ring, ordinal } = candidate;
    if (idPart !== undefined && ring.recordId(ordinal).includes(idPart)) return true;
    if (ring.isPlain(ordinal)) return isNeedlePlain && includesBytes(ring.bytesOf(ordinal), needle);
    return toSearchText(toData(candidate)).includes(text);
  };
}

const ASCII = /^[\0-\x7f]*$/;

function toValueTest({ path, operator, value }: RecordFilter): Test {
  const steps = path.map(normalizeText);
  // Data that does not contain the last key cannot have the value. Found in the bytes, without parsing.
  const last = steps.findLast((step) => !/^-?\d+$/.test(step));
  const key = last !== undefined && ASCII.test(last) && !/["\\]/.test(last) ? new TextEncoder().encode(last.toLowerCase()) : undefined;
  const test = toNodeTest(operator, value);
  const ofMissing = test(undefined, "");
  return (candidate) => {
    const { ring, ordinal } = candidate;
    if (key !== undefined && ring.isPlain(ordinal) && !includesBytes(ring.bytesOf(ordinal), key)) return ofMissing;
    candidate.node ??= parseStored(toData(candidate));
    return test(findNode(candidate.node, steps), toData(candidate));
  };
}

function findNode(root: JsonNode, steps: readonly string[]): JsonNode | undefined {
  let node: JsonNode | undefined = root;
  for (const step of steps) {
    if (node?.kind === "array") node = /^-?\d{1,9}$/.test(step) ? node.items.at(Number(step)) : undefined;
    else if (node?.kind === "object") node = node.entries.findLast(({ key }) => key === step || normalizeText(key) === step)?.value;
    else return undefined;
  }
  return node;
}

/** As the database compares (G13). `json`: the text to which the node's positions refer. */
function toNodeTest(operator: FilterOperator, value: FilterValue | undefined): (node: JsonNode | undefined, json: string) => boolean {
  if (operator === "missing") return (node) => node === undefined;
  if (operator === "exists" || value === undefined) return (node) => node !== undefined;
  if (operator === "~") {
    const folded = foldText(value.text);
    return (node, json) => node !== undefined && toFoldedNode(node, json).includes(folded);
  }
  if (operator === "!=") return (node) => !isMet(node, "=", value);
  return (node) => isMet(node, operator, value);
}

function toFoldedNode(node: JsonNode, json: string): string {
  if (node.kind === "object" || node.kind === "array") return toSearchText(json.slice(node.start, node.end));
  return foldText(node.kind === "string" ? node.value : node.text);
}

function isMet(node: JsonNode | undefined, operator: SizeOperator, value: FilterValue): boolean {
  if (node === undefined) return false;
  switch (value.kind) {
    case "word":
      return (node.kind === "boolean" || node.kind === "null") && node.text === value.text;
    case "number": {
      const order = node.kind === "number" ? compareNumbers(node.text, value.text) : undefined;
      return order !== undefined && isOrdered(operator, order);
    }
    case "string":
      return node.kind === "string" && isOrdered(operator, compareCodePoints(normalizeText(node.value), normalizeText(value.text)));
  }
}

function isOrdered(operator: SizeOperator, order: number): boolean {
  switch (operator) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function toData(candidate: Candidate): string {
  candidate.data ??= candidate.ring.data(candidate.ordinal);
  return candidate.data;
}

/** True if `needle`, which is in lower case, occurs in `bytes`. ASCII letters match in either case. */
export function includesBytes(bytes: Uint8Array, needle: Uint8Array): boolean {
  const [start] = needle;
  if (start === undefined) return true;
  const last = bytes.length - needle.length;
  for (let at = 0; at <= last; at += 1) {
    if (toLowerByte(bytes[at] ?? 0) !== start) continue;
    let length = 1;
    while (length < needle.length && toLowerByte(bytes[at + length] ?? 0) === needle[length]) length += 1;
    if (length === needle.length) return true;
  }
  return false;
}

function toLowerByte(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}
