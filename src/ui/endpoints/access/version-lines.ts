/** Compares versions of an endpoint's access, line by line. Pure. */
import type { AccessTexts } from "./access-texts";

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** More cells than this are not compared: the middle is then shown as removed and added. */
const CELLS_MAX = 1_000_000;
/** Equal lines that are shown around a difference. */
const CONTEXT_LINES = 3;

/** A version as lines: its rules, its hidden fields and its function. */
export function toVersionLines(texts: AccessTexts): string[] {
  const { hide, accessFunction, ...rules } = texts;
  const lines = Object.entries(rules).map(([operation, rule]) => `${operation}: ${rule === "" ? "default" : rule}`);
  for (const entry of hide.split("\n")) if (entry.trim() !== "") lines.push(`hide: ${entry.trim()}`);
  if (accessFunction.trim() !== "") lines.push(...accessFunction.trimEnd().split("\n"));
  return lines;
}

/** The lines of both versions in order. Removed lines are before added ones. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const same = (lines: readonly string[]) => lines.map((text) => ({ kind: "same" as const, text }));
  const middle = diffMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return [...same(before.slice(0, head)), ...middle, ...same(before.slice(before.length - tail))];
}

function diffMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const removed = (text: string) => ({ kind: "removed" as const, text });
  const added = (text: string) => ({ kind: "added" as const, text });
  if (before.length * after.length > CELLS_MAX) return [...before.map(removed), ...after.map(added)];
  const width = after.length + 1;
  // The length of the longest common subsequence of what follows.
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, next] = [before[i], after[j]];
    if (old !== undefined && old === next) {
      lines.push({ kind: "same", text: old });
      i += 1;
      j += 1;
    } else if (old !== undefined && (next === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed(old));
      i += 1;
    } else {
      lines.push(added(next ?? ""));
      j += 1;
    }
  }
  return lines;
}

/** Leaves out equal lines that are far from a difference. A null stands for the lines left out. */
export function shorten(lines: readonly DiffLine[]): (DiffLine | null)[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1).some(({ kind }) => kind !== "same"),
  );
  return lines.flatMap((line, index) => (near[index] ? [line] : index > 0 && !near[index - 1] ? [] : [null]));
}
