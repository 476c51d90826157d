/** The snapshot of one stream (W11): sends the records as they are, page by page, and knows which changes they had in them. It must not read the log, nor know the transport. */

import type { Change } from "@/src/core/records/ports";
import type { LogPosition, SnapshotReader } from "@/src/core/streams/ports";
import type { Cursor } from "@/src/shared/streams/cursor";
import type { Subscriber } from "../hub/subscriber";

/** `complete`: all has been queued. `replaced`: the log is no longer the one that the snapshot began with. `stopped`: nobody wants it any more. */
export type SnapshotOutcome = "complete" | "replaced" | "stopped";

export interface Snapshot {
  /** Queues what is still to come, at the client's pace. After a failure, which is passed on, the next call goes on where it was. */
  send(): Promise<SnapshotOutcome>;
  /** Whether all of it has been queued. */
  isComplete(): boolean;
  /** Whether the client has this change already, in the record that the snapshot had. Ask in the log's order. */
  covers(change: Change): boolean;
  /** Whether it is complete, and covers none of the changes that come after the last that was asked for. */
  isPassed(): boolean;
}

/**
 * Of the records that `owner` may read and that were created up to `from`, each as it is when its page is read. The log from `from` on makes a
 * consistent whole of the pages: only of a record that was changed between `from` and its page does the client have changes already.
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
  /** By record: the version that was sent, where the log after `from` has older ones. */
  const versions = new Map<string, number>();
  let after = 0;
  let isComplete = false;
  let askedSeq = 0;
  /** Up to where the log may have changes that were sent. */
  let coveredSeq = from.seq;

  async function sendPage(): Promise<SnapshotOutcome | "sent"> {
    const page = await snapshots.readPage(endpointId, { owner, after, upto: from.seq });
    if (!isWanted() || page === undefined) return "stopped";
    if (!isSameLog(page.at)) return "replaced";
    const isLast = page.nextAfter === undefined;
    // A filter may have left nothing of it.
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
    // Nothing waits any more, so that it fits.
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
      // What was sent was there: its end comes after it, be it of the same version.
      return sent !== undefined && type !== "DELETE" && version <= sent;
    },
    isPassed: () => isComplete && askedSeq >= coveredSeq,
  };
}
