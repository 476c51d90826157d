/** Removes values from a JSON text by their paths. Everything else stays as stored: order, digits, white space and duplicate keys. */
import { decodeKey } from "@/src/core/json/find-values";
import { endOfValue } from "@/src/core/json/members";
import { closingQuote, skipSpace } from "@/src/core/json/text";
import { normalizeText } from "@/src/shared/text/fold-text";

interface Node {
  isHidden: boolean;
  children: Map<string, Node>;
}

/** Removes the prepared paths from a valid JSON text. */
export type Redaction = (text: string) => string;

/**
 * Prepares the removal of paths. A step is the key of a member or the index of an item (`0`, `1`, …). Arrays on the way are passed: `items.price` is
 * also removed from each item of an array `items`. Members are removed, with every duplicate; items that a path names become null, so that the others
 * keep their indexes. Keys are compared in NFC, so that no spelling of a key escapes. Takes linear time; the recursion is as deep as the text is nested
 * along the paths.
 */
export function createRedaction(paths: readonly (readonly string[])[]): Redaction {
  const root = createNode();
  for (const path of paths) {
    let node = root;
    for (const step of path) {
      const key = toComparable(step);
      const next = node.children.get(key) ?? createNode();
      node.children.set(key, next);
      node = next;
    }
    // An empty path would be the whole data. The parser refuses it.
    if (path.length > 0) node.isHidden = true;
  }
  return paths.length === 0 ? (text) => text : (text) => new Cut(text).run(root);
}

/** Printable ASCII has one normal form. */
const PRINTABLE = /^[ -~]*$/;

function toComparable(key: string): string {
  return PRINTABLE.test(key) ? key : normalizeText(key);
}

function createNode(): Node {
  return { isHidden: false, children: new Map() };
}

class Cut {
  readonly #text: string;
  readonly #pieces: string[] = [];
  /** Everything before it is in the pieces, or cut. */
  #copied = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(root: Node): string {
    this.#visit(skipSpace(this.#text, 0), [root]);
    this.#pieces.push(this.#text.slice(this.#copied));
    return this.#pieces.join("");
  }

  #replace(start: number, end: number, replacement: string): void {
    this.#pieces.push(this.#text.slice(this.#copied, start), replacement);
    this.#copied = end;
  }

  /** Returns the index after the value that starts at `start`. `nodes`: what its path matches so far. */
  #visit(start: number, nodes: readonly Node[]): number {
    if (nodes.length === 0) return endOfValue(this.#text, start);
    switch (this.#text[start]) {
      case "{":
        return this.#object(start, nodes);
      case "[":
        return this.#array(start, nodes);
      default:
        return endOfValue(this.#text, start);
    }
  }

  #object(start: number, nodes: readonly Node[]): number {
    const text = this.#text;
    let isKeptBefore = false;
    let memberStart = start + 1;
    for (;;) {
      const keyStart = skipSpace(text, memberStart);
      if (keyStart >= text.length || text[keyStart] === "}") return keyStart + 1;
      const keyEnd = closingQuote(text, keyStart) + 1;
      const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
      const inner = enter(nodes, toComparable(decodeKey(text.slice(keyStart, keyEnd))));
      const isHidden = inner !== NONE && inner.some((node) => node.isHidden);
      const valueEnd = isHidden ? endOfValue(text, valueStart) : this.#visit(valueStart, inner);
      const memberEnd = skipSpace(text, valueEnd);
      const hasNext = text[memberEnd] === ",";
      // The comma before the member goes with it; before the first member that is kept, the comma after it.
      if (isHidden) this.#replace(isKeptBefore ? memberStart - 1 : memberStart, isKeptBefore || !hasNext ? memberEnd : memberEnd + 1, "");
      else isKeptBefore = true;
      if (!hasNext) return memberEnd + 1;
      memberStart = memberEnd + 1;
    }
  }

  #array(start: number, nodes: readonly Node[]): number {
    const text = this.#text;
    let at = skipSpace(text, start + 1);
    for (let index = 0; at < text.length && text[at] !== "]"; index += 1) {
      const named = enter(nodes, String(index));
      const isHidden = named !== NONE && named.some((node) => node.isHidden);
      const end = isHidden ? endOfValue(text, at) : this.#visit(at, named === NONE ? nodes : joinNodes(nodes, named));
      if (isHidden) this.#replace(at, end, "null");
      at = skipSpace(text, end);
      if (text[at] === ",") at = skipSpace(text, at + 1);
    }
    return at + 1;
  }
}

const NONE: readonly Node[] = [];

/** Each node once. Otherwise nested arrays would double the nodes at each level. */
function joinNodes(nodes: readonly Node[], named: readonly Node[]): readonly Node[] {
  return [...new Set([...nodes, ...named])];
}

function enter(nodes: readonly Node[], step: string): readonly Node[] {
  let inner: Node[] | undefined;
  for (const { children } of nodes) {
    const child = children.get(step);
    if (!child) continue;
    if (inner) inner.push(child);
    else inner = [child];
  }
  return inner ?? NONE;
}
