/** Finds places in JSON text: where it breaks, and where a JSON pointer leads. Part of the editor's own bundle; it must not touch the page. */
import { jsonLanguage } from "@codemirror/lang-json";

/** What is wrong with a text, and where: at a JSON pointer ("" is the whole of it), or at an offset in UTF-16 units. */
export type JsonProblem = { message: string } & ({ pointer: string } | { offset: number });

/** A problem with its place in the text. */
export interface LocatedProblem {
  from: number;
  /** Greater than `from`, but at the end of the text. */
  to: number;
  message: string;
  /** As it was given. */
  pointer?: string;
}

type Tree = ReturnType<typeof jsonLanguage.parser.parse>;
type Node = Tree["topNode"];

const VALUES: ReadonlySet<string> = new Set(["String", "Number", "True", "False", "Null", "Object", "Array"]);

/**
 * What is wrong with `text`, in order of place: where it breaks as JSON, and the given problems. A pointer that leads further than the text does
 * is marked where it stops. A blank text breaks nothing: whether one is missed is for the caller to say.
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
  // What is unexpected stands behind the blanks at which the parser noticed.
  const from = noticed + (text.slice(noticed).length - text.slice(noticed).trimStart().length);
  const word = /^(?:[\w.+-]{1,24}|.)/u.exec(text.slice(from))?.[0];
  if (word === undefined) return { from: text.trimEnd().length - 1, to: text.length, message: "The JSON ends too early." };
  return { from, to: Math.max(to, from + word.length), message: toMessage(word, to > noticed) };
}

/** `inside`: what begins with the word is itself broken; otherwise it only stands in the wrong place. */
function toMessage(word: string, inside: boolean): string {
  if (word === "'") return 'Use double quotes (") around names and strings.';
  if (word === '"' && inside) return "This string has no end, or a character in it needs a backslash.";
  return `Unexpected ${word === '"' ? "string" : `“${word}”`}: is a comma, a colon or a quote missing, or one too many?`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The value that the pointer names; of an object or array only its first bracket, so that a problem of the whole does not mark all of it. */
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
  // Of a name that is there twice the last one counts, as for JSON.parse.
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
