/** The view of the streams of one feed: the records that their judge allows (W29), without hidden fields, if their filter matches them (W13). */
import type { JudgeCondition, JudgedRecord } from "@/src/core/access/record-judge";
import { readJsonItems } from "@/src/core/json/items";
import { andThen, isPending, type MaybePromise } from "@/src/core/maybe-promise";
import type { Change } from "@/src/core/records/ports";
import { splitRecordText } from "@/src/core/records/record-text";
import type { HiddenChange, SnapshotPage } from "@/src/core/streams/ports";
import type { AppError } from "@/src/shared/errors";
import { judgeChanges, judgeNow, judgeRecords, type StreamJudge } from "./judged-changes";
import type { KeptChanges } from "./kept-changes";
import { filterChanges, type RecordFilter } from "./record-filter";

export interface StreamView {
  /** True if snapshots must be read with the owners of their records. */
  readonly needsOwners: boolean;
  /** Every record that the judge allows fulfils it. Undefined: unknown. */
  readonly condition: JudgeCondition | undefined;
  /** Judges one change at once; undefined if it is refused. Absent: only `show` can. Throws if the judge fails: then `show` has to be asked. */
  readonly showNow?: ((change: Change) => Change | undefined) | undefined;
  /**
   * Leaves out what the streams do not see. Known at once if the judge's verdicts are, and there is no filter. `changes` must not end in the middle of an upload.
   * Throws or rejects with the signal's reason.
   */
  show(changes: readonly (Change | HiddenChange)[], signal: AbortSignal): MaybePromise<KeptChanges>;
  /** The same for the items of a snapshot's page. If the judge or the filter fails on one of them, there are no items. */
  showItems(page: Pick<SnapshotPage, "items" | "owners">, signal: AbortSignal): Promise<{ items: string } | { failed: AppError }>;
}

/** At least one of both. */
export function createStreamView({
  judge,
  filter,
}: {
  judge?: StreamJudge | undefined;
  filter?: Pick<RecordFilter, "judge"> | undefined;
}): StreamView {
  async function filterKept(allowed: KeptChanges, by: Pick<RecordFilter, "judge">, signal: AbortSignal): Promise<KeptChanges> {
    const matching = await filterChanges(by, allowed.kept, signal);
    // The changes that the judge did not reach come after all those that the filter has seen.
    return matching.failed ? matching : { kept: matching.kept, failed: allowed.failed };
  }

  return {
    needsOwners: judge !== undefined,
    condition: judge?.condition,
    showNow: judge?.isImmediate && !filter ? (change) => judgeNow(judge, change) : undefined,
    show: (changes, signal) => {
      if (!judge) return filter ? filterChanges(filter, changes, signal) : { kept: changes, failed: undefined };
      const allowed = judgeChanges(judge, changes, signal);
      if (!filter) return allowed;
      return isPending(allowed) ? allowed.then((kept) => filterKept(kept, filter, signal)) : filterKept(allowed, filter, signal);
    },
    showItems: async ({ items, owners }, signal) => {
      let texts = Array.from(readJsonItems(`[${items}]`), ({ text }) => text);
      if (judge) {
        const shown = await showTexts(judge, texts, { owners, signal });
        if ("failed" in shown) return shown;
        texts = shown.texts;
      }
      if (filter) {
        const { verdicts, failed } = await filter.judge(texts, signal);
        if (failed) return { failed };
        texts = texts.filter((_, index) => verdicts[index]);
      }
      return { items: texts.join(",") };
    },
  };
}

/** Returns the texts of those records that the judge allows, without hidden fields. */
function showTexts(
  judge: StreamJudge,
  texts: readonly string[],
  { owners, signal }: { owners: SnapshotPage["owners"]; signal: AbortSignal },
): MaybePromise<{ texts: string[] } | { failed: AppError }> {
  const records = texts.map((text) => {
    const { id, before, data, after } = splitRecordText(text);
    const owner = owners?.get(id);
    // A record whose owner is not known is not judged as one that belongs to nobody.
    if (owner === undefined) throw new Error("A page of a snapshot has no owner for one of its records.");
    return { before, after, judged: { uniqueId: id, owner, data } satisfies JudgedRecord };
  });
  return andThen(
    judgeRecords(
      judge,
      records.map(({ judged }) => judged),
      signal,
    ),
    ({ data, failed }) => {
      if (failed) return { failed };
      const shown = records.map(({ before, after }, index) => ({ before, after, data: data[index] }));
      return { texts: shown.flatMap(({ before, data: text, after }) => (text === undefined ? [] : [before + text + after])) };
    },
  );
}
