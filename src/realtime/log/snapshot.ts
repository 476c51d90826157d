/** The snapshot of one stream (W11): sends the records page by page, and tracks which changes they contain. */

import type { Change } from "@/src/core/records/ports";
import type { LogPosition, SnapshotReader } from "@/src/core/streams/ports";
import type { Cursor } from "@/src/shared/streams/cursor";
import type { Subscriber } from "../hub/subscriber";

/** `complete`: all records have been queued. `replaced`: the log was replaced since the snapshot began. `stopped`: the stream no longer needs it. */
export type SnapshotOutcome = "complete" | "replaced" | "stopped";

export interface Snapshot {
  /** Queues the remaining records at the client's pace. If it throws, the next call continues. */
  send(): Promise<SnapshotOutcome>;
  /** Whether all records have been queued. */
  isComplete(): boolean;
  /** Whether the record in the snapshot already contains this change. Call it in the order of the log. */
  covers(change: Change): boolean;
  /** Whether the snapshot is complete and covers no change after the last one passed to `covers`. */
  isPassed(): boolean;
}

/**
 * A snapshot of the records that `owner` may read and that were created up to `from`. Each record is sent as it is when its page is read. The log from `from` on
 * makes the pages consistent: only a record that changed between `from` and its page already contains changes of the log.
 */
export function createSnapshot(options: {
  snapshots: SnapshotReader;
  endpointId: string;
  owner: string | undefined;
  from: Cursor;
  subscriber: Pick<Subscriber, "enqueue" | "isCrowdedBy" | "writable">;
  toBytes: (items: string, isLast: boolean) => Buffer;
  isWanted: () => boolean;
}): Snapshot {
  const { snapshots, endpointId, owner, from, subscriber, toBytes, isWanted } = options;
  /** The sent version by record, for records with older versions in the log after `from`. */
  const versions = new Map<string, number>();
  let after = 0;
  let isComplete = false;
  let askedSeq = 0;
  /** The seq up to which the log can have changes that were sent. */
  let coveredSeq = from.seq;

  async function sendPage(): Promise<SnapshotOutcome | "sent"> {
    const page = await snapshots.readPage(endpointId, { owner, after, upto: from.seq });
    if (!isWanted() || page === undefined) return "stopped";
    if (!isSameLog(page.at)) return "replaced";
    const isLast = page.nextAfter === undefined;
    // A filter can leave a page empty.
    if ((page.items !== "" || isLast) && !(await sendItems(page.items, isLast))) return "stopped";
    for (const { id, version } of page.changed) versions.set(id, version);
    coveredSeq = Math.max(coveredSeq, page.at.seq);
    if (page.nextAfter === undefined) {
      isComplete = true;
      return "complete";
    }
    after = page.nextAfter;
    return "sent";
  }

  async function sendItems(items: string, isLast: boolean): Promise<boolean> {
    const bytes = toBytes(items, isLast);
    if (subscriber.isCrowdedBy(bytes)) await subscriber.writable();
    // The queue is empty now, so the bytes fit.
    return isWanted() && subscriber.enqueue(bytes);
  }

  function isSameLog(at: LogPosition): boolean {
    return at.epoch === from.epoch && at.seq >= from.seq;
  }

  return {
    send: async () => {
      if (isComplete) return "complete";
      for (;;) {
        const outcome = await sendPage();
        if (outcome !== "sent") return outcome;
      }
    },
    isComplete: () => isComplete,
    covers: ({ seq, type, record: { id, version } }) => {
      askedSeq = seq;
      if (seq > coveredSeq) versions.clear();
      const sent = versions.get(id);
      // A record that was sent existed, so its deletion comes later, even with the same version.
      return sent !== undefined && type !== "DELETE" && version <= sent;
    },
    isPassed: () => isComplete && askedSeq >= coveredSeq,
  };
}
