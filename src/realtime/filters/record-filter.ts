/** The filter of a stream (W13): evaluates changes in the sandbox and leaves out those that do not match. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Change } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import type { Sandbox } from "@/src/core/sandbox";
import { proofOf } from "@/src/core/streams/change-proof";
import type { HiddenChange } from "@/src/core/streams/ports";
import { type AppError, isAppError } from "@/src/shared/errors";

export interface RecordFilter {
  /** JSONata. */
  readonly expression: string;
  /** The caller whose CPU budget it uses. */
  readonly caller: CallerPath;
  /**
   * Evaluates the filter on records (JSON texts), in order. `failed` is set if it fails or exceeds a limit on the record after the last verdict, or if the sandbox
   * is busy. Rejects with the signal's reason.
   */
  judge(records: readonly string[], signal: AbortSignal): Promise<{ verdicts: boolean[]; failed: AppError | undefined }>;
}

/** Changes after a filter, in their order. */
export interface FilteredChanges {
  /** Changes that it leaves out keep their places. In an upload, `remainingInUpload` counts the kept changes only. */
  kept: (Change | HiddenChange)[];
  /** Why the evaluation stopped early. */
  failed: FilterFailure | undefined;
}

export interface FilterFailure {
  error: AppError;
  /** The seq of the change that it failed on. */
  seq: number;
}

export function createRecordFilter(options: { sandbox: Pick<Sandbox, "filter">; expression: string; caller: CallerPath }): RecordFilter {
  const { sandbox, expression, caller } = options;
  return {
    expression,
    caller,
    judge: async (records, signal) => {
      const verdicts: boolean[] = [];
      while (verdicts.length < records.length) {
        signal.throwIfAborted();
        try {
          verdicts.push(...(await sandbox.filter(expression, records.slice(verdicts.length), { caller, signal })));
        } catch (error) {
          if (!isAppError(error)) throw error;
          return { verdicts, failed: error };
        }
      }
      return { verdicts, failed: undefined };
    },
  };
}

/** `changes` must not end in the middle of an upload. If an upload cannot be evaluated completely, none of it is kept. */
export async function filterChanges(
  filter: Pick<RecordFilter, "judge">,
  changes: readonly (Change | HiddenChange)[],
  signal: AbortSignal,
): Promise<FilteredChanges> {
  const visible = changes.flatMap((change) => ("hidden" in change ? [] : [change]));
  const { verdicts, failed } = await filter.judge(
    visible.map(({ record }) => toRecordText(record)),
    signal,
  );
  const passed = new Set(visible.filter((_, index) => verdicts[index]));
  const unjudged = visible[verdicts.length];
  if (failed === undefined || unjudged === undefined) return { kept: toKept(changes, passed), failed: undefined };
  let end = changes.indexOf(unjudged);
  while (isPartOfUpload(changes[end - 1])) end -= 1;
  return { kept: toKept(changes.slice(0, end), passed), failed: { error: failed, seq: unjudged.seq } };
}

function isPartOfUpload(change: Change | HiddenChange | undefined): boolean {
  return change !== undefined && !("hidden" in change) && change.remainingInUpload !== undefined;
}

function toKept(changes: readonly (Change | HiddenChange)[], passed: ReadonlySet<Change | HiddenChange>): (Change | HiddenChange)[] {
  return changes.map((change, index) => {
    if ("hidden" in change) return change;
    if (!passed.has(change)) return { seq: change.seq, hidden: true, proof: proofOf(change) };
    const { remainingInUpload = 0, ...rest } = change;
    const after = changes.slice(index + 1, index + 1 + remainingInUpload).filter((other) => passed.has(other)).length;
    return after > 0 ? { ...rest, remainingInUpload: after } : rest;
  });
}
