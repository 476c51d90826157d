/** The filter of a stream (W13): asks the sandbox of which changes it is true, and leaves out the others. It must not know who listens. */
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
  /** On whose behalf it is evaluated. */
  readonly caller: CallerPath;
  /**
   * Of which of the records (JSON texts) it is true. `failed`: it fails on the one after the last verdict, or takes too much; or the sandbox is busy.
   * Rejects with the signal's reason.
   */
  judge(records: readonly string[], signal: AbortSignal): Promise<{ verdicts: boolean[]; failed: AppError | undefined }>;
}

/** What a filter leaves of changes, in their order. */
export interface FilteredChanges {
  /** What it leaves out keeps its place. The changes of an upload count anew which of them follow. */
  kept: (Change | HiddenChange)[];
  /** Why no more could be judged. */
  failed: FilterFailure | undefined;
}

export interface FilterFailure {
  error: AppError;
  /** The place of the change that it failed on. */
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

/** The last of `changes` must not be a part of an upload that goes on. Of an upload that can't be judged as a whole nothing is kept. */
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
