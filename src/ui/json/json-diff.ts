/** Finds the paths that differ between two versions of a record. Pure. */
import { joinPath } from "./json-print";
import type { JsonNode } from "./json-tree";

export type PathChange = { path: string } & (
  | { op: "added"; after: JsonNode }
  | { op: "removed"; before: JsonNode }
  | { op: "changed"; before: JsonNode; after: JsonNode }
);

/**
 * The deepest paths that differ, in the order of `after` with removed keys last, at most `limit`. Numbers are equal if their digits are. The
 * order of keys is ignored. Items of arrays are compared by index, between their common start and end.
 */
export function diffJson(before: JsonNode, after: JsonNode, limit = 1000): PathChange[] {
  const changes: PathChange[] = [];
  compare(before, after, "", (change) => {
    if (changes.length < limit) changes.push(change);
    return changes.length < limit;
  });
  return changes;
}

/** Receives a change. Returns false to stop. */
type Emit = (change: PathChange) => boolean;

function compare(before: JsonNode, after: JsonNode, path: string, emit: Emit): boolean {
  if (before.kind === "object" && after.kind === "object") return compareObjects(before, after, path, emit);
  if (before.kind === "array" && after.kind === "array") return compareArrays(before.items, after.items, path, emit);
  return isEqual(before, after) || emit({ op: "changed", path, before, after });
}

function compareObjects(before: JsonNode & { kind: "object" }, after: JsonNode & { kind: "object" }, path: string, emit: Emit): boolean {
  const old = toMap(before);
  const now = toMap(after);
  for (const [key, value] of now) {
    const previous = old.get(key);
    const step = joinPath(path, key);
    if (!(previous ? compare(previous, value, step, emit) : emit({ op: "added", path: step, after: value }))) return false;
  }
  for (const [key, value] of old) {
    if (!now.has(key) && !emit({ op: "removed", path: joinPath(path, key), before: value })) return false;
  }
  return true;
}

function compareArrays(before: readonly JsonNode[], after: readonly JsonNode[], path: string, emit: Emit): boolean {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && isSame(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && isSame(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail += 1;
  const removed = before.slice(head, before.length - tail);
  const added = after.slice(head, after.length - tail);
  for (let index = 0; index < Math.max(removed.length, added.length); index += 1) {
    const [old, now] = [removed[index], added[index]];
    const step = joinPath(path, head + index);
    const goesOn =
      old && now
        ? compare(old, now, step, emit)
        : now
          ? emit({ op: "added", path: step, after: now })
          : old
            ? emit({ op: "removed", path: step, before: old })
            : true;
    if (!goesOn) return false;
  }
  return true;
}

function isSame(one: JsonNode | undefined, other: JsonNode | undefined): boolean {
  return one !== undefined && other !== undefined && isEqual(one, other);
}

function isEqual(one: JsonNode, other: JsonNode): boolean {
  if (one.kind === "object") return other.kind === "object" && diffJson(one, other, 1).length === 0;
  if (one.kind === "array") {
    return (
      other.kind === "array" &&
      one.items.length === other.items.length &&
      one.items.every((item, index) => isSame(item, other.items[index]))
    );
  }
  if (one.kind === "string") return other.kind === "string" && one.value === other.value;
  return one.kind === other.kind && one.text === other.text;
}

/** The last of repeated keys counts, as for JSON.parse. */
function toMap(node: JsonNode & { kind: "object" }): Map<string, JsonNode> {
  return new Map(node.entries.map(({ key, value }) => [key, value]));
}
