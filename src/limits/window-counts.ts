/** Counts per id in windows of one length, in this process. Memory is bounded and there are no timers; it must not know limits. */

/** How a window stands after one more was counted in it. */
export interface WindowCount {
  count: number;
  /** Until the window ends; over 0. */
  endsInMs: number;
}

export interface WindowCounts {
  /** Counts one in the id's window; the first one begins it. */
  add(id: string): WindowCount;
  /** How many ids are held. */
  readonly size: number;
}

interface Window {
  count: number;
  endsAt: number;
}

/**
 * `idsMax` bounds memory (some 200 bytes each). When more ids come within a window's length, the windows that began first are forgotten: whoever
 * has that many addresses is beyond a limit by address anyway. `now` is monotonic, in ms.
 */
export function createWindowCounts(options: { windowMs: number; idsMax: number; now?: () => number }): WindowCounts {
  const { windowMs, idsMax, now = () => performance.now() } = options;
  const generationMax = Math.max(1, Math.floor(idsMax / 2));
  // Two generations, the older one dropped as a whole: to delete ids one by one from the front of a Map takes ever longer.
  let young = new Map<string, Window>();
  let old = new Map<string, Window>();
  let youngSince = now();

  return {
    add: (id) => {
      const at = now();
      // What a generation of this age leaves behind has ended.
      if (at - youngSince >= windowMs || young.size >= generationMax) {
        old = young;
        young = new Map();
        youngSince = at;
      }
      const current = young.get(id) ?? old.get(id);
      if (current && current.endsAt > at) {
        current.count += 1;
        return { count: current.count, endsInMs: current.endsAt - at };
      }
      old.delete(id);
      young.set(id, { count: 1, endsAt: at + windowMs });
      return { count: 1, endsInMs: windowMs };
    },
    get size() {
      return young.size + old.size;
    },
  };
}
