/** Counts per id in fixed time windows, in this process, with bounded memory and without timers. */

/** The state of a window after it was counted up. */
export interface WindowCount {
  count: number;
  /** Milliseconds until the window ends; greater than 0. */
  endsInMs: number;
}

export interface WindowCounts {
  /** Adds `amount`, by default 1, to the window of the id. The first call for an id starts its window. */
  add(id: string, amount?: number): WindowCount;
  /** Takes back what was added to the window of the id, if it has not ended. */
  takeBack(id: string, amount: number): void;
  /** The number of ids in memory. */
  readonly size: number;
}

interface Window {
  count: number;
  endsAt: number;
}

/**
 * `idsMax` limits the memory (about 200 bytes for each id). Above it, the oldest windows are dropped, which weakens a limit only against clients with that many
 * addresses. `now` is monotonic, in milliseconds.
 */
export function createWindowCounts(options: { windowMs: number; idsMax: number; now?: () => number }): WindowCounts {
  const { windowMs, idsMax, now = () => performance.now() } = options;
  const generationMax = Math.max(1, Math.floor(idsMax / 2));
  // There are two generations, and the older one is dropped as a whole, because deleting single ids from the front of a Map becomes slower and slower.
  let young = new Map<string, Window>();
  let old = new Map<string, Window>();
  let youngSince = now();

  return {
    add: (id, amount = 1) => {
      const at = now();
      // If the young generation is as old as a window is long, all windows of the old one have ended.
      if (at - youngSince >= windowMs || young.size >= generationMax) {
        old = young;
        young = new Map();
        youngSince = at;
      }
      const current = young.get(id) ?? old.get(id);
      if (current && current.endsAt > at) {
        current.count += amount;
        return { count: current.count, endsInMs: current.endsAt - at };
      }
      old.delete(id);
      young.set(id, { count: amount, endsAt: at + windowMs });
      return { count: amount, endsInMs: windowMs };
    },
    takeBack: (id, amount) => {
      const current = young.get(id) ?? old.get(id);
      if (current && current.endsAt > now()) current.count = Math.max(0, current.count - amount);
    },
    get size() {
      return young.size + old.size;
    },
  };
}
