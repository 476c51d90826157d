/** Bounds the memory that the queues of slow clients take in a process. Over the limit, it cuts off clients of the account with the largest backlog, the largest first. */

/** The queue of one stream. */
export interface QueueHolder {
  /** The account that owns its project. */
  ownerId: string;
  /** The bytes that wait because the client reads slowly. */
  backlogBytes: number;
  /** Disconnects the client at once, which frees its queue. A resumable stream continues from the log when the client reconnects. */
  cutOff(): void;
}

export interface QueuePressure {
  /** Adds bytes that were queued for a client with unsent bytes. */
  note(bytes: number): void;
  /** Measures all queues, and disconnects clients if they exceed the limit. It runs by itself when enough bytes were added; call it each second as well. */
  check(): void;
}

/** A check runs each time when this fraction of the limit was added. */
const PARTS = 8;
/** The share of the limit that remains in use after clients were disconnected. */
const REMAINING_SHARE = 0.8;

/**
 * `bytesMax` is the limit of all queues together. `readHeldBytes` returns the memory that the buffers of this process take: queues share the frames of a change
 * that goes to many clients, so the sum of their lengths can be far larger than the memory.
 */
export function createQueuePressure({
  bytesMax,
  list,
  readHeldBytes,
}: {
  bytesMax: number;
  list: () => Iterable<QueueHolder>;
  readHeldBytes: () => number;
}): QueuePressure {
  let noted = 0;
  let isDue = false;

  function check(): void {
    isDue = false;
    noted = 0;
    const slow: QueueHolder[] = [];
    const byOwner = new Map<string, number>();
    let total = 0;
    for (const holder of list()) {
      const { ownerId, backlogBytes } = holder;
      if (backlogBytes === 0) continue;
      slow.push(holder);
      total += backlogBytes;
      byOwner.set(ownerId, (byOwner.get(ownerId) ?? 0) + backlogBytes);
    }
    if (total <= bytesMax) return;
    const held = Math.min(total, readHeldBytes());
    if (held <= bytesMax) return;
    let excess = held - bytesMax * REMAINING_SHARE;
    const ofOwner = ({ ownerId }: QueueHolder) => byOwner.get(ownerId) ?? 0;
    for (const holder of slow.sort((one, other) => ofOwner(other) - ofOwner(one) || other.backlogBytes - one.backlogBytes)) {
      if (excess <= 0) return;
      excess -= holder.backlogBytes;
      holder.cutOff();
    }
  }

  return {
    note: (bytes) => {
      noted += bytes;
      if (isDue || noted < bytesMax / PARTS) return;
      isDue = true;
      setImmediate(check);
    },
    check,
  };
}
