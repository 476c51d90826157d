/** Who hears of a change (W5): those who read everything, and those who read what its owner owns. It must not decide who that is (access.ts does). */
import type { LogPosition } from "@/src/core/streams/ports";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import type { EncodedChange } from "../wire/encode";
import { type ChangeBatch, createChangeBatch } from "./change-batch";
import type { DeliveredPosition } from "./delivered-position";

/** Hears of changes. Its methods must not throw. */
export interface TailerListener {
  /** The user whose changes it hears of; undefined: everybody's. It must not change. */
  readonly onlyOwner: string | undefined;
  /** The next changes that it may read. All that it may read comes in seq order, but for what `onReset` tells. */
  onChanges(batch: ChangeBatch): void;
  /** Changes can't be delivered; the next one comes after it. */
  onReset(reset: TailerReset): void;
}

/** The changes after `from`, up to and including `to`, can't be delivered; what was before has been. */
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
  /** Tells those who may read them, in the time that they alone take. */
  changes(batch: ChangeBatch): void;
  /** Tells everybody. */
  reset(reset: TailerReset): void;
}

export function createListenerIndex(): ListenerIndex {
  /** Those who read everything. */
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
