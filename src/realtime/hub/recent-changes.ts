/** Remembers which records of a log have changed lately, to find out whether one has changed after it was read. */
import type { Room } from "@/src/core/limits/room";
import type { Change } from "@/src/core/records/ports";

export interface RecentChanges {
  /** False: no change is remembered before `reset` is called with a seq. */
  isFollowing(): boolean;
  /** Call it with every change of the log. */
  add(change: Pick<Change, "seq" | "type"> & { record: Pick<Change["record"], "id"> }): void;
  /**
   * Whether the record has changed after `seq`. Without `recordId`: whether any record has changed that was not new. Undefined: it is not remembered, so only the
   * log knows.
   */
  hasChangedSince(seq: number, recordId?: string): boolean | undefined;
  /** Forgets the changes from before its last call. Call it each second. */
  age(): void;
  /** Forgets everything. The changes up to `seq` are unknown. */
  reset(seq: number): void;
  /** Forgets everything, and gives back the room. */
  close(): void;
}

/** The number of records of one log that are remembered. */
const RECORDS_MAX = 5_000;
/** The number of records that a process remembers, of all logs together. */
export const ALL_RECENT_MAX = 100_000;

/** `room` is shared by the logs of the process. */
export function createRecentChanges(room: Room, recordsMax = RECORDS_MAX): RecentChanges {
  /** The seq of the latest change by record: since the last call of `age`, and from before it. */
  let newer = new Map<string, number>();
  let older = new Map<string, number>();
  /** All changes after this seq are remembered. */
  let knownFrom = Number.POSITIVE_INFINITY;
  let followedFrom = Number.POSITIVE_INFINITY;
  let lastSeq = 0;
  let lastOfOlder = 0;
  let lastOfOld = 0;

  function forget(records: Map<string, number>, upto: number): void {
    room.release(records.size);
    records.clear();
    knownFrom = Math.max(knownFrom, upto);
  }

  function takeRoom(): boolean {
    return newer.size + older.size < recordsMax && room.take();
  }

  function clear(seq: number): void {
    forget(older, 0);
    forget(newer, 0);
    knownFrom = seq;
    followedFrom = seq;
    lastOfOld = 0;
  }

  return {
    isFollowing: () => followedFrom !== Number.POSITIVE_INFINITY,
    add: ({ seq, type, record }) => {
      lastSeq = seq;
      if (type !== "POST") lastOfOld = seq;
      if (newer.has(record.id) || older.delete(record.id) || takeRoom()) {
        newer.set(record.id, seq);
        return;
      }
      forget(older, lastOfOlder);
      if (takeRoom()) newer.set(record.id, seq);
      else forget(newer, seq);
    },
    hasChangedSince: (seq, recordId) => {
      if (recordId === undefined) return seq < followedFrom ? undefined : lastOfOld > seq;
      return seq < knownFrom ? undefined : (newer.get(recordId) ?? older.get(recordId) ?? 0) > seq;
    },
    age: () => {
      forget(older, lastOfOlder);
      [newer, older] = [older, newer];
      lastOfOlder = lastSeq;
    },
    reset: clear,
    close: () => clear(Number.POSITIVE_INFINITY),
  };
}
