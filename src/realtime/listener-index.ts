/** Who hears of a change (W5): those who read everything, and those who read what its owner owns. It must not decide who that is (access.ts does). */
import type { LogPosition } from "@/src/core/ports";
import type { GapReason } from "@/src/shared/stream-messages";
import type { EncodedChange } from "./encode";

/** Hears of changes. Its methods must not throw. */
export interface PumpListener {
  /** The user whose changes it hears of; undefined: everybody's. It must not change. */
  readonly onlyOwner: string | undefined;
  /** The next change that it may read. All that it may read comes in seq order, but for what `onReset` tells. */
  onChange(encoded: EncodedChange, epoch: string): void;
  /** Changes can't be delivered; the next one comes after it. */
  onReset(reset: PumpReset): void;
}

/** The changes after `from`, up to and including `to`, can't be delivered; what was before has been. */
export interface PumpReset {
  from: LogPosition;
  to: LogPosition;
  reason: GapReason;
}

export interface ListenerIndex {
  add(listener: PumpListener): void;
  remove(listener: PumpListener): void;
  clear(): void;
  count(): number;
  /** Tells those who may read it, in the time that they alone take. */
  change(encoded: EncodedChange, epoch: string): void;
  /** Tells everybody. */
  reset(reset: PumpReset): void;
}

export function createListenerIndex(): ListenerIndex {
  /** Those who read everything. */
  const everyone = new Set<PumpListener>();
  const byOwner = new Map<string, Set<PumpListener>>();
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
    change: (encoded, epoch) => {
      for (const listener of everyone) listener.onChange(encoded, epoch);
      const { owner } = encoded.change;
      const owners = owner === null ? undefined : byOwner.get(owner);
      if (owners) for (const listener of owners) listener.onChange(encoded, epoch);
    },
    reset: (reset) => {
      for (const listener of everyone) listener.onReset(reset);
      for (const listeners of byOwner.values()) for (const listener of listeners) listener.onReset(reset);
    },
  };

  function setOf({ onlyOwner }: PumpListener): Set<PumpListener> | undefined {
    return onlyOwner === undefined ? everyone : byOwner.get(onlyOwner);
  }
}
