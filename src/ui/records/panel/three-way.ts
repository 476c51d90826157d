/** Compares two edits of a record with their common base. Pure. */
import { diffJson } from "../../json/json-diff";
import { toCompactText } from "../../json/json-print";
import type { JsonNode } from "../../json/json-tree";

/** A path at which an edit differs from the base. Undefined values do not exist at the path. */
export interface ConflictPath {
  path: string;
  base: JsonNode | undefined;
  mine: JsonNode | undefined;
  theirs: JsonNode | undefined;
  /** The side that changed it. `same`: both made the same change. */
  by: "mine" | "theirs" | "both" | "same";
}

/** The paths in the order of my text, then theirs, at most `limit` for each side. */
export function toConflict({ base, mine, theirs }: { base: JsonNode; mine: JsonNode; theirs: JsonNode }, limit = 200): ConflictPath[] {
  const myChanges = new Map(diffJson(base, mine, limit).map((change) => [change.path, change]));
  const theirChanges = new Map(diffJson(base, theirs, limit).map((change) => [change.path, change]));
  return [...new Set([...myChanges.keys(), ...theirChanges.keys()])].map((path) => {
    const my = myChanges.get(path);
    const their = theirChanges.get(path);
    const from = my ?? their;
    const before = from && "before" in from ? from.before : undefined;
    const myValue = my ? ("after" in my ? my.after : undefined) : before;
    const theirValue = their ? ("after" in their ? their.after : undefined) : before;
    const by = my && their ? (isSame(myValue, theirValue) ? "same" : "both") : my ? "mine" : "theirs";
    return { path, base: before, mine: myValue, theirs: theirValue, by };
  });
}

/** True if both changed a path to different values, or if one side changed something within a value that the other side changed. */
export function hasOverlap(paths: readonly ConflictPath[]): boolean {
  if (paths.some(({ by }) => by === "both")) return true;
  const mine = paths.filter(({ by }) => by === "mine");
  const theirs = paths.filter(({ by }) => by === "theirs");
  return mine.some((my) => theirs.some((their) => isWithin(my.path, their.path) || isWithin(their.path, my.path)));
}

function isWithin(inner: string, outer: string): boolean {
  return outer === "" || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));
}

function isSame(one: JsonNode | undefined, other: JsonNode | undefined): boolean {
  if (!one || !other) return one === other;
  return diffJson(one, other, 1).length === 0;
}

/** Prints a value on one line. */
export function toValueText(node: JsonNode | undefined): string {
  return node ? toCompactText(node, 400) : "(none)";
}
