/** Remembers which records of a log have changed lately, to find out whether one has changed after it was read. */
import type { Change } from "@/src/core/records/ports";

export interface RecentChanges {
  add(change: Pick<Change, "seq" | "type"> & { record: Pick<Change["record"], "id"> }): void;
  /**
   * Whether the record has changed after `seq`, as far as is remembered: true if that is unknown. Without `recordId`: whether any record has changed that was not
   * new.
   */
  hasChangedSince(seq: number, recordId?: string): boolean;
  /** Forgets everything. The changes up to `seq` are unknown. */
  reset(seq: number): void;
}

/** The number of records that are remembered. */
const RECORDS_MAX = 5_000;

export function createRecentChanges(recordsMax = RECORDS_MAX): RecentChanges {
  /** The seq of the latest change by record, the oldest first. */
  const seqs = new Map<string, number>();
  let knownFrom = Number.POSITIVE_INFINITY;
  let lastOfOld = 0;

  return {
    add: ({ seq, type, record }) => {
      if (type !== "POST") lastOfOld = seq;
      seqs.delete(record.id);
      seqs.set(record.id, seq);
      const [oldest] = seqs;
      if (seqs.size <= recordsMax || !oldest) return;
      seqs.delete(oldest[0]);
      knownFrom = oldest[1];
    },
    hasChangedSince: (seq, recordId) => seq < knownFrom || (recordId === undefined ? lastOfOld : (seqs.get(recordId) ?? 0)) > seq,
    reset: (seq) => {
      seqs.clear();
      knownFrom = seq;
      lastOfOld = 0;
    },
  };
}
