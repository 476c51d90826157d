/** Pages of changes of which some are left out. The others keep their places, and uploads stay whole. */
import type { Change } from "@/src/core/records/ports";
import { proofOf } from "@/src/core/streams/change-proof";
import type { HiddenChange } from "@/src/core/streams/ports";
import type { AppError } from "@/src/shared/errors";

/** Changes after a judge or a filter, in their order. */
export interface KeptChanges {
  /** Changes that are left out keep their places. In an upload, `remainingInUpload` counts the kept changes only. */
  kept: readonly (Change | HiddenChange)[];
  /** Why the evaluation stopped early. */
  failed: FilterFailure | undefined;
}

export interface FilterFailure {
  error: AppError;
  /** The seq of the change that it failed on. */
  seq: number;
}

/** Those of the changes that are not hidden. */
export function toVisible(changes: readonly (Change | HiddenChange)[]): Change[] {
  return changes.flatMap((change) => ("hidden" in change ? [] : [change]));
}

/**
 * Keeps the changes that have an entry in `shown`, as that entry shows them, and hides the others. `failed`: the evaluation has no result for the change `at` and
 * the later ones, which are left for the next evaluation. If an upload was not evaluated completely, none of it is kept. `changes` must not end in the middle of
 * an upload.
 */
export function keepChanges(
  changes: readonly (Change | HiddenChange)[],
  shown: ReadonlyMap<Change, Change>,
  failed?: { error: AppError; at: Change },
): KeptChanges {
  if (failed === undefined) return { kept: toKept(changes, shown), failed: undefined };
  const end = changes.indexOf(findUploadStart(toVisible(changes), failed.at));
  return { kept: toKept(changes.slice(0, end), shown), failed: { error: failed.error, seq: failed.at.seq } };
}

/** The first of the changes that are in the upload of `at`, or `at` if it is in none. There can be hidden changes between them. */
function findUploadStart(visible: readonly Change[], at: Change): Change {
  let start = visible.indexOf(at);
  while (visible[start - 1]?.remainingInUpload !== undefined) start -= 1;
  return visible[start] ?? at;
}

function toKept(changes: readonly (Change | HiddenChange)[], shown: ReadonlyMap<Change, Change>): (Change | HiddenChange)[] {
  return changes.map((change, index) => {
    if ("hidden" in change) return change;
    const kept = shown.get(change);
    if (kept === undefined) return { seq: change.seq, hidden: true, proof: proofOf(change) };
    if (kept.remainingInUpload === undefined) return kept;
    const { remainingInUpload, ...rest } = kept;
    // Changes that an earlier step has hidden are not counted any more.
    const others = toVisible(changes.slice(index + 1)).slice(0, remainingInUpload);
    const after = others.filter((other) => shown.has(other)).length;
    return after > 0 ? { ...rest, remainingInUpload: after } : rest;
  });
}
