/** Finds values by their paths in a JSON text, without parsing the rest. The texts of the values stay as stored. */
import { endOfValue } from "@/src/core/json/members";
import { closingQuote, skipSpace } from "@/src/core/json/text";

/** Returns the JSON text of the value at each path, in the order of the paths; undefined where there is none. */
export type ValueFinder = (text: string) => (string | undefined)[];

interface Node {
  /** The paths that end here, as indexes. */
  ends: number[];
  children: Map<string, Node>;
}

const ARRAY_INDEX = /^(?:0|[1-9]\d{0,8})$/;

/**
 * Prepares a search for values. A step is the decoded key of a member, compared exactly, or the index of an item (`0`, `1`, …). Unpaired surrogates and
 * NUL in keys count as U+FFFD. Of duplicate keys, the last one at which the whole path exists counts, as with PostgreSQL's `#>` of `json`. The texts
 * must be valid JSON. Takes linear time; the recursion is as deep as the paths are long.
 */
export function createValueFinder(paths: readonly (readonly string[])[]): ValueFinder {
  if (paths.length === 0) return () => [];
  const root: Node = { ends: [], children: new Map() };
  for (const [index, path] of paths.entries()) {
    let node = root;
    for (const step of path.map(toStorable)) {
      const next: Node = node.children.get(step) ?? { ends: [], children: new Map() };
      node.children.set(step, next);
      node = next;
    }
    node.ends.push(index);
  }
  return (text) => new Search(text, paths.length).run(root);
}

class Search {
  readonly #text: string;
  readonly #found: (string | undefined)[];

  constructor(text: string, paths: number) {
    this.#text = text;
    this.#found = Array.from({ length: paths }, () => undefined);
  }

  run(root: Node): (string | undefined)[] {
    this.#visit(skipSpace(this.#text, 0), root);
    return this.#found;
  }

  /** Returns the index after the value that starts at `start`. */
  #visit(start: number, node: Node): number {
    const end = this.#enter(start, node);
    for (const index of node.ends) this.#found[index] = this.#text.slice(start, end);
    return end;
  }

  #enter(start: number, node: Node): number {
    if (node.children.size === 0) return endOfValue(this.#text, start);
    switch (this.#text[start]) {
      case "{":
        return this.#object(start, node);
      case "[":
        return this.#array(start, node);
      default:
        return endOfValue(this.#text, start);
    }
  }

  #object(start: number, node: Node): number {
    const text = this.#text;
    let at = skipSpace(text, start + 1);
    while (at < text.length && text[at] !== "}") {
      const keyEnd = closingQuote(text, at) + 1;
      const child = node.children.get(decodeKey(text.slice(at, keyEnd)));
      const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
      at = skipSpace(text, child ? this.#visit(valueStart, child) : endOfValue(text, valueStart));
      if (text[at] === ",") at = skipSpace(text, at + 1);
    }
    return at + 1;
  }

  #array(start: number, node: Node): number {
    const text = this.#text;
    let last = -1;
    for (const step of node.children.keys()) if (ARRAY_INDEX.test(step)) last = Math.max(last, Number(step));
    let at = skipSpace(text, start + 1);
    for (let index = 0; at < text.length && text[at] !== "]"; index += 1) {
      const child = index <= last ? node.children.get(String(index)) : undefined;
      at = skipSpace(text, child ? this.#visit(at, child) : endOfValue(text, at));
      if (text[at] === ",") at = skipSpace(text, at + 1);
    }
    return at + 1;
  }
}

const UNSTORABLE = /[\0\p{Cs}]/gu;

function toStorable(key: string): string {
  return key.replace(UNSTORABLE, "\ufffd");
}

/** The key of a member. NUL and unpaired surrogates, which PostgreSQL cannot decode, become U+FFFD. */
export function decodeKey(keyText: string): string {
  let at = keyText.indexOf("\\");
  if (at < 0) return keyText.slice(1, -1);
  const end = keyText.length - 1;
  let key = "";
  let isStorable = true;
  let from = 1;
  while (at >= 0) {
    key += keyText.slice(from, at);
    const kind = keyText[at + 1] ?? "";
    if (kind === "u") {
      const code = Number.parseInt(keyText.slice(at + 2, at + 6), 16);
      isStorable &&= code !== 0 && (code & 0xf800) !== 0xd800;
      key += String.fromCharCode(code);
      from = at + 6;
    } else {
      key += SHORT_ESCAPES[kind] ?? kind;
      from = at + 2;
    }
    at = keyText.indexOf("\\", from);
  }
  key += keyText.slice(from, end);
  return isStorable ? key : toStorable(key);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
