/** Applies the judge of a stream (W29) to changes and records: leaves out what the caller may not read, and removes hidden fields from the rest. */
import type { JudgedRecord, RecordJudge } from "@/src/core/access/record-judge";
import { andThen, isPending, type MaybePromise } from "@/src/core/maybe-promise";
import type { Change } from "@/src/core/records/ports";
import type { HiddenChange } from "@/src/core/streams/ports";
import { AppError, isAppError } from "@/src/shared/errors";
import { type KeptChanges, keepChanges, toVisible } from "./kept-changes";

export type StreamJudge = Pick<RecordJudge, "judge" | "redact" | "hidesFields" | "isImmediate" | "condition">;

/** The data of the records that the caller may read, as it may see it, in order. Undefined for the others. */
interface Shown {
  /** There is no entry for the record on which the judge failed, and for later ones. */
  data: (string | undefined)[];
  failed: AppError | undefined;
}

const NOTHING: Shown = { data: [], failed: undefined };

/** The judged form of a change, shared by all judges, so that they can keep what they computed from it. A list, which most calls can pass on. */
const judged = new WeakMap<Change, readonly [JudgedRecord]>();

/**
 * Judges each change by the state that its message shows. `changes` must not end in the middle of an upload. The result is known at once if the judge's verdicts
 * are. Throws or rejects with the signal's reason.
 */
export function judgeChanges(
  judge: StreamJudge,
  changes: readonly (Change | HiddenChange)[],
  signal: AbortSignal,
): MaybePromise<KeptChanges> {
  const visible = toVisible(changes);
  return andThen(judgeRecords(judge, visible.map(toJudged), signal), ({ data, failed }) => {
    const shown = new Map<Change, Change>();
    for (const [index, change] of visible.entries()) {
      const kept = toShown(change, data[index]);
      if (kept) shown.set(change, kept);
    }
    const at = visible[data.length];
    return keepChanges(changes, shown, failed && at && { error: failed, at });
  });
}

/**
 * Judges one change by a judge that is immediate, without allocating anything for a change that is refused. Returns undefined if it is refused. Throws what the
 * judge throws: then judge it by {@link judgeChanges}.
 */
export function judgeNow(judge: StreamJudge, change: Change): Change | undefined {
  const records = toJudgedList(change);
  const verdicts = judge.judge("subscribe", records);
  if (isPending(verdicts)) throw new Error("A judge that is immediate returned a promise.");
  // The most frequent result, of each change for each identity.
  if (verdicts.length === 1 && verdicts[0] !== true) return undefined;
  return toShown(change, show(judge, records, verdicts).data[0]);
}

/** The same for records. If the judge fails on a record, there is no result for it and for later ones. */
export function judgeRecords(judge: StreamJudge, records: readonly JudgedRecord[], signal: AbortSignal): MaybePromise<Shown> {
  if (records.length === 0) return NOTHING;
  try {
    const verdicts = judge.judge("subscribe", records, { signal });
    if (!isPending(verdicts)) return show(judge, records, verdicts);
    return verdicts.then((known) => show(judge, records, known)).then(undefined, (error) => divide(judge, records, signal, error));
  } catch (error) {
    return divide(judge, records, signal, error);
  }
}

/** If the judge had time for the first records only, the others are judged later. Throws without a verdict, and what `redact` throws. */
function show(judge: StreamJudge, records: readonly JudgedRecord[], verdicts: readonly boolean[]): Shown {
  if (verdicts.length === 0 || verdicts.length > records.length)
    throw new Error(`A judge returned ${verdicts.length} verdicts for ${records.length} records.`);
  const toData = (record: JudgedRecord) => (judge.hidesFields ? judge.redact(record) : record.data);
  const judged = records.slice(0, verdicts.length);
  return {
    // Only `true` allows, whatever a judge returns.
    data: judged.map((record, index) => (verdicts[index] === true ? toData(record) : undefined)),
    failed: judged.length < records.length ? new AppError("server_busy") : undefined,
  };
}

/** Finds the record on which the judge failed, so that the ones before it are sent. A judge that is busy is not asked again. */
function divide(judge: StreamJudge, records: readonly JudgedRecord[], signal: AbortSignal, error: unknown): MaybePromise<Shown> {
  signal.throwIfAborted();
  const failed = isAppError(error) ? error : new AppError("internal_error", { internal: "a judge failed", cause: error });
  if (records.length === 1 || isBusy(failed)) return { data: [], failed };
  const middle = Math.ceil(records.length / 2);
  return andThen(judgeRecords(judge, records.slice(0, middle), signal), (first) =>
    first.failed
      ? first
      : andThen(judgeRecords(judge, records.slice(middle), signal), (second) => ({
          data: [...first.data, ...second.data],
          failed: second.failed,
        })),
  );
}

/** Whether the same evaluation can succeed later. An unexpected error ends the stream instead (1011). */
export function isBusy({ entry, code }: AppError): boolean {
  return entry.retryable && code !== "internal_error";
}

/** The change with the data that the caller may see. `data`: undefined if it may see none of it. */
function toShown(change: Change, data: string | undefined): Change | undefined {
  if (data === undefined || data === change.record.data) return data === undefined ? undefined : change;
  return { ...change, record: { ...change.record, data } };
}

function toJudged(change: Change): JudgedRecord {
  return toJudgedList(change)[0];
}

function toJudgedList(change: Change): readonly [JudgedRecord] {
  const known = judged.get(change);
  if (known) return known;
  const { record, owner } = change;
  const created = [{ uniqueId: record.id, owner, data: record.data }] as const;
  judged.set(change, created);
  return created;
}
