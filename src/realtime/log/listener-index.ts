/** Finds the listeners of a change (W5): those that read everything, and those that read the records of its owner. */
import type { LogPosition } from "@/src/core/streams/ports";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import type { EncodedChange } from "../wire/encode";
import { type ChangeBatch, createChangeBatch } from "./change-batch";
import type { DeliveredPosition } from "./delivered-position";

/** A listener for changes. Its methods must not throw. */
export interface TailerListener {
  /** The user whose changes it receives; undefined for all changes. It must not change. */
  readonly onlyOwner: string | undefined;
  /** Receives the next changes that it may read, in seq order and without a hole, except for those that `onReset` reports. */
  onChanges(batch: ChangeBatch): void;
  /** Called when changes cannot be delivered. The next change comes after them. */
  onReset(reset: TailerReset): void;
}

/** The changes after `from`, up to and including `to`, cannot be delivered. Those before have been delivered. */
export interface TailerReset {
  from: DeliveredPosition;
  to: LogPosition;
  reason: GapReason;
}

export interface ListenerIndex {
  add(listener: TailerListener): void;
  remove(listener: TailerListener): void;
  clear(): void;
  count(): number;
  /** Delivers the changes to the listeners that may read them. The time depends on the number of these listeners only. */
  changes(batch: ChangeBatch): void;
  /** Reports the reset to all listeners. */
  reset(reset: TailerReset): void;
}

export function createListenerIndex(): ListenerIndex {
  /** The listeners that read everything. */
  const everyone = new Set<TailerListener>();
  const byOwner = new Map<string, Set<TailerListener>>();
  let count = 0;

  return {
    add: (listener) => {
      const listeners = setOf(listener) ?? new Set();
      if (listeners.has(listener)) return;
      if (listener.onlyOwner !== undefined) byOwner.set(listener.onlyOwner, listeners);
      listeners.add(listener);
      count++;
    },
    remove: (listener) => {
      const listeners = setOf(listener);
      if (!listeners?.delete(listener)) return;
      count--;
      if (listener.onlyOwner !== undefined && listeners.size === 0) byOwner.delete(listener.onlyOwner);
    },
    clear: () => {
      everyone.clear();
      byOwner.clear();
      count = 0;
    },
    count: () => count,
    changes: (batch) => {
      for (const listener of everyone) listener.onChanges(batch);
      if (byOwner.size === 0) return;
      const [first] = batch.encoded;
      if (first !== undefined && batch.encoded.length === 1) {
        // Most batches have one change. Its owner gets the batch as it is.
        const listeners = first.change.owner === null ? undefined : byOwner.get(first.change.owner);
        if (listeners) for (const listener of listeners) listener.onChanges(batch);
        return;
      }
      for (const [owner, encoded] of groupByOwner(batch)) {
        const listeners = byOwner.get(owner);
        if (!listeners) continue;
        const owned = createChangeBatch(encoded, batch.position, batch.before);
        for (const listener of listeners) listener.onChanges(owned);
      }
    },
    reset: (reset) => {
      for (const listener of everyone) listener.onReset(reset);
      for (const listeners of byOwner.values()) for (const listener of listeners) listener.onReset(reset);
    },
  };

  function setOf({ onlyOwner }: TailerListener): Set<TailerListener> | undefined {
    return onlyOwner === undefined ? everyone : byOwner.get(onlyOwner);
  }
}

function groupByOwner({ encoded }: ChangeBatch): Map<string, EncodedChange[]> {
  const groups = new Map<string, EncodedChange[]>();
  for (const each of encoded) {
    const { owner } = each.change;
    if (owner === null) continue;
    const group = groups.get(owner);
    if (group) group.push(each);
    else groups.set(owner, [each]);
  }
  return groups;
}
