/** Parses paths as `joinPath` writes them, and finds what they name. Pure. */
import { getMember, type JsonNode } from "./json-tree";

/** Keys of objects and indexes of arrays. */
export type JsonPath = readonly (string | number)[];

const STEP = /\.?([A-Za-z_$][\w$]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/y;
const STEPS_MAX = 32;

/** The steps of a path such as `a.b`, `a[0]` or `a["odd key"]`; undefined if the text is not a path. */
export function parsePath(text: string): JsonPath | undefined {
  const path: (string | number)[] = [];
  let at = 0;
  while (at < text.length && path.length < STEPS_MAX) {
    STEP.lastIndex = at;
    const found = STEP.exec(text);
    if (!found || (found[0].startsWith(".") !== at > 0 && found[1] !== undefined)) return undefined;
    const [whole, name, index, quoted] = found;
    const step = name ?? (index === undefined ? parseQuoted(quoted ?? "") : Number(index));
    if (step === undefined) return undefined;
    path.push(step);
    at += whole.length;
  }
  return at === text.length && path.length > 0 ? path : undefined;
}

function parseQuoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** The value at a path. Of repeated keys, the last one counts. */
export function getAtPath(node: JsonNode, path: JsonPath): JsonNode | undefined {
  let found: JsonNode | undefined = node;
  for (const step of path) {
    found = typeof step === "number" ? (found?.kind === "array" ? found.items[step] : undefined) : getMember(found, step);
    if (!found) return undefined;
  }
  return found;
}
