/** Removes values from a JSON text by their paths. Everything else stays as stored: order, digits, white space and duplicate keys. */
import { decodeKey } from "@/src/core/json/find-values";
import { endOfValue } from "@/src/core/json/members";
import { closingQuote, skipSpace } from "@/src/core/json/text";
import { normalizeText } from "@/src/shared/text/fold-text";

interface Node {
  isHidden: boolean;
  children: Map<string, Node>;
  /** If all keys are plain: the children by the length of their key. */
  plain: readonly (readonly { key: string; nodes: readonly Node[] }[] | undefined)[] | undefined;
  /** True if a child can be the index of an item. */
  hasIndex: boolean;
}

/** Removes the prepared paths from a valid JSON text. */
export type Redaction = (text: string) => string;

/**
 * Prepares the removal of paths. A step is the key of a member or the index of an item (`0`, `1`, …). Arrays on the way are passed: `items.price` is
 * also removed from each item of an array `items`. Members are removed, with every duplicate; items that a path names become null, so that the others
 * keep their indexes. Keys are compared in NFC, so that no spelling of a key escapes. Takes linear time, and hardly any for a text that contains none of the
 * keys; the recursion is as deep as the text is nested along the paths.
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
  if (paths.length === 0) return (text) => text;
  prepare(root);
  const needed = paths.map(listQuotedKeys);
  return (text) => {
    const odd = new OddCharacters(text);
    if (odd.find(0) === text.length && needed.every((keys) => keys.some((key) => !text.includes(key)))) return text;
    return new Cut(text, odd).run(root);
  };
}

/** Printable ASCII has one normal form. */
const PRINTABLE = /^[ -~]*$/;
/** A key that only one JSON text spells, except in a text with odd keys: it is printable ASCII, and escapes of one character do not occur in it. */
const PLAIN = /^[ !#-.0-[\]-~]*$/;
const INDEX = /^\d+$/;
/** The characters whose normal form is ASCII: the Kelvin sign, the Greek question mark, and the Greek varia. */
const ASCII_IN_DISGUISE = /[\u212a\u037e\u1fef]/g;

/** Finds the characters with which a plain key can have another spelling. */
class OddCharacters {
  readonly #text: string;
  /** The first escape, and the first character in disguise, at or after the last `start`. The text's length if there is none. */
  #escape = -1;
  #disguise = -1;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * The index of the first one at or after `start`, which must not decrease from call to call. The text's length if there is none. Each kind is searched for from
   * where it was found last, so that all calls together read the text twice.
   */
  find(start: number): number {
    const text = this.#text;
    if (this.#escape < start) {
      const found = text.indexOf("\\u", start);
      this.#escape = found < 0 ? text.length : found;
    }
    if (this.#disguise < start) {
      ASCII_IN_DISGUISE.lastIndex = start;
      this.#disguise = ASCII_IN_DISGUISE.exec(text)?.index ?? text.length;
    }
    return this.#escape < this.#disguise ? this.#escape : this.#disguise;
  }
}

/** The quoted keys that a text with the path contains, unless its keys have other spellings. */
function listQuotedKeys(path: readonly string[]): string[] {
  return path.filter((step) => PLAIN.test(step) && !INDEX.test(step)).map((step) => `"${step}"`);
}

function prepare(node: Node): void {
  const children = [...node.children];
  node.hasIndex = children.some(([key]) => INDEX.test(key));
  if (children.every(([key]) => PLAIN.test(key))) node.plain = groupByLength(children);
  for (const [, child] of children) prepare(child);
}

function groupByLength(children: readonly (readonly [key: string, node: Node])[]): NonNullable<Node["plain"]> {
  const groups: { key: string; nodes: readonly Node[] }[][] = [];
  for (const [key, node] of children) {
    const group = groups[key.length] ?? [];
    groups[key.length] = group;
    group.push({ key, nodes: [node] });
  }
  return groups;
}

function toComparable(key: string): string {
  return PRINTABLE.test(key) ? key : normalizeText(key);
}

function createNode(): Node {
  return { isHidden: false, children: new Map(), plain: undefined, hasIndex: false };
}

const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c];

class Cut {
  readonly #text: string;
  readonly #odd: OddCharacters;
  readonly #pieces: string[] = [];
  /** Everything before it is in the pieces, or cut. */
  #copied = 0;

  constructor(text: string, odd: OddCharacters) {
    this.#text = text;
    this.#odd = odd;
  }

  run(root: Node): string {
    this.#visit(skipSpace(this.#text, 0), [root]);
    if (this.#copied === 0) return this.#text;
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
    switch (this.#text.charCodeAt(start)) {
      case OPEN_OBJECT:
        return this.#object(start, nodes);
      case OPEN_ARRAY:
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
      if (keyStart >= text.length || text.charCodeAt(keyStart) === CLOSE_OBJECT) return keyStart + 1;
      const keyEnd = closingQuote(text, keyStart) + 1;
      const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
      const inner = this.#enterMember(nodes, keyStart, keyEnd);
      const isHidden = inner !== NONE && inner.some((node) => node.isHidden);
      const valueEnd = isHidden ? endOfValue(text, valueStart) : this.#visit(valueStart, inner);
      const memberEnd = skipSpace(text, valueEnd);
      const hasNext = text.charCodeAt(memberEnd) === COMMA;
      // The comma before the member goes with it; before the first member that is kept, the comma after it.
      if (isHidden) this.#replace(isKeptBefore ? memberStart - 1 : memberStart, isKeptBefore || !hasNext ? memberEnd : memberEnd + 1, "");
      else isKeptBefore = true;
      if (!hasNext) return memberEnd + 1;
      memberStart = memberEnd + 1;
    }
  }

  /** The nodes that the key matches. Most keys match nothing, so they are compared in place. */
  #enterMember(nodes: readonly Node[], keyStart: number, keyEnd: number): readonly Node[] {
    const text = this.#text;
    const [node] = nodes;
    if (nodes.length === 0) return NONE;
    if (this.#odd.find(keyStart) < keyEnd || nodes.length !== 1 || node?.plain === undefined)
      return enter(nodes, toComparable(decodeKey(text.slice(keyStart, keyEnd))));
    const candidates = node.plain[keyEnd - keyStart - 2];
    if (candidates) for (const { key, nodes: inner } of candidates) if (text.startsWith(key, keyStart + 1)) return inner;
    return NONE;
  }

  #array(start: number, nodes: readonly Node[]): number {
    const text = this.#text;
    const hasIndex = nodes.some((node) => node.hasIndex);
    let at = skipSpace(text, start + 1);
    for (let index = 0; at < text.length && text.charCodeAt(at) !== CLOSE_ARRAY; index += 1) {
      const named = hasIndex ? enter(nodes, String(index)) : NONE;
      const isHidden = named !== NONE && named.some((node) => node.isHidden);
      const end = isHidden ? endOfValue(text, at) : this.#visit(at, named === NONE ? nodes : joinNodes(nodes, named));
      if (isHidden) this.#replace(at, end, "null");
      at = skipSpace(text, end);
      if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
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
