/** The filter of a stream (W13): evaluates changes in the sandbox and leaves out those that do not match. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Change } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import type { Sandbox } from "@/src/core/sandbox";
import type { HiddenChange } from "@/src/core/streams/ports";
import { type AppError, isAppError } from "@/src/shared/errors";
import { type KeptChanges, keepChanges, toVisible } from "./kept-changes";

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
): Promise<KeptChanges> {
  const visible = toVisible(changes);
  const { verdicts, failed } = await filter.judge(
    visible.map(({ record }) => toRecordText(record)),
    signal,
  );
  const shown = new Map(visible.filter((_, index) => verdicts[index]).map((change) => [change, change]));
  const at = visible[verdicts.length];
  return keepChanges(changes, shown, failed && at && { error: failed, at });
}
