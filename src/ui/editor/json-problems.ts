/** Finds positions in JSON text: the first syntax error, and the value at a JSON pointer. Part of the editor's bundle. */
import { jsonLanguage } from "@codemirror/lang-json";

/** A problem of a text at a JSON pointer ("" is the whole text) or at an offset in UTF-16 units. */
export type JsonProblem = { message: string } & ({ pointer: string } | { offset: number });

/** A problem with its position in the text. */
export interface LocatedProblem {
  from: number;
  /** Greater than `from`, except at the end of the text. */
  to: number;
  message: string;
  /** The pointer of the given problem. */
  pointer?: string;
}

type Tree = ReturnType<typeof jsonLanguage.parser.parse>;
type Node = Tree["topNode"];

const VALUES: ReadonlySet<string> = new Set(["String", "Number", "True", "False", "Null", "Object", "Array"]);

/**
 * The problems of `text`, ordered by position: its first syntax error, and the given problems. If a pointer leads to a missing value, its last
 * existing ancestor is marked. Blank text has no syntax error; whether a value is required is up to the caller.
 */
export function locateProblems(text: string, problems: readonly JsonProblem[]): LocatedProblem[] {
  const tree = jsonLanguage.parser.parse(text);
  const broken = findBreak(text, tree);
  const located = problems.map((problem) => {
    const { from, to } = "offset" in problem ? { from: problem.offset, to: problem.offset + 1 } : findPointer(text, tree, problem.pointer);
    const place = { from: Math.min(from, text.length), to: Math.min(to, text.length) };
    return { ...place, message: problem.message, ...("pointer" in problem ? { pointer: problem.pointer } : {}) };
  });
  return [...(broken ? [broken] : []), ...located].sort((a, b) => a.from - b.from);
}

function findBreak(text: string, tree: Tree): LocatedProblem | undefined {
  if (text.trim() === "" || isJson(text)) return undefined;
  let at: { from: number; to: number } | undefined;
  tree.iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) at ??= { from, to };
      return at === undefined;
    },
  });
  const { from: noticed, to } = at ?? { from: 0, to: 0 };
  // The unexpected text follows the white space at which the parser stopped.
  const from = noticed + (text.slice(noticed).length - text.slice(noticed).trimStart().length);
  const word = /^(?:[\w.+-]{1,24}|.)/u.exec(text.slice(from))?.[0];
  if (word === undefined) return { from: text.trimEnd().length - 1, to: text.length, message: "The JSON is incomplete." };
  const before = text.slice(0, from).trimEnd().at(-1);
  return { from, to: Math.max(to, from + word.length), message: toMessage(word, to > noticed, before) };
}

/** `inside`: the word itself is malformed; otherwise it is only in the wrong place. `before`: the character before it, without white space. */
function toMessage(word: string, inside: boolean, before: string | undefined): string {
  if (word === "'") return 'Use double quotes (") around names and strings.';
  if (word === '"' && inside) return "This string is not closed, or a character in it needs a backslash.";
  if (/^[}\],]$/.test(word) && before === ":") return `Unexpected “${word}”: a value is missing after the colon.`;
  if (/^[}\]]$/.test(word) && before === ",") return `Unexpected “${word}”: remove the comma before it.`;
  if (word === "," && before !== undefined && /[,{[]/.test(before)) return "Unexpected “,”: remove this comma.";
  if (before === "{" && /^[A-Za-z_]/.test(word)) return `Unexpected “${word}”: names must be in double quotes (").`;
  return `Unexpected ${word === '"' ? "string" : `“${word}”`}: check for a missing or extra comma, colon or quote.`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The value at the pointer. For an object or array only its first bracket, so that not all of it is marked. */
function findPointer(text: string, tree: Tree, pointer: string): { from: number; to: number } {
  let found = listValues(tree.topNode)[0];
  if (!found) return { from: 0, to: 1 };
  for (const step of pointer.split("/").slice(1)) {
    const next = findStep(text, found, step.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (!next) break;
    found = next;
  }
  return { from: found.from, to: found.name === "Object" || found.name === "Array" ? found.from + 1 : found.to };
}

function findStep(text: string, node: Node, step: string): Node | undefined {
  if (node.name === "Array") return /^\d{1,9}$/.test(step) ? listValues(node)[Number(step)] : undefined;
  if (node.name !== "Object") return undefined;
  // If a name occurs twice, the last one counts, as for JSON.parse.
  const property = node.getChildren("Property").findLast((child) => {
    const name = child.getChild("PropertyName");
    return name !== null && toName(text.slice(name.from, name.to)) === step;
  });
  return property && listValues(property)[0];
}

function listValues(node: Node): Node[] {
  const values: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) if (VALUES.has(child.name)) values.push(child);
  return values;
}

function toName(quoted: string): unknown {
  try {
    return JSON.parse(quoted);
  } catch {
    return undefined;
  }
}
