/** Keeps what waits for slow clients of a process within a bound: beyond it, clients of the account that holds the most are cut off, the largest first. */

/** A stream, as far as its queue counts. */
export interface QueueHolder {
  /** The account that owns its project. */
  ownerId: string;
  backlogBytes: number;
  /** Cuts it off, so that what waits for it is freed now. One that can be resumed goes on from the log when it comes back. */
  cutOff(): void;
}

export interface QueuePressure {
  /** So many bytes more wait for a client that has not taken what it was sent before. */
  note(bytes: number): void;
  /** Measures, and cuts off where it is too much. It does so by itself after much was noted; call it each second. */
  check(): void;
}

/** It is measured after each of so many parts of the bound. */
const PARTS = 8;
/** Once it is too much, so much of the bound is left. */
const REMAINING_SHARE = 0.8;

/**
 * `bytesMax`: what may wait in all. `readHeldBytes`: the memory that buffers take in this process: queues share the frames of a change that goes to many, so that
 * the sum of their lengths alone says little.
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
