/**
 * A bounded queue of several classes, such as logins and registrations. Heavier classes go first, and no class is starved. Within a class, groups are
 * served round robin.
 */
import { createFairQueue, type FairQueue, type FairQueueLimits } from "@/src/core/limits/fair-queue";

export interface WeightedQueueLimits extends FairQueueLimits {
  /**
   * The weights by class, which is the first name of a path. While every class has queued items, they are taken in this proportion. Every class must
   * be listed.
   */
  weights: Readonly<Record<string, number>>;
}

interface Class<Item> {
  queue: FairQueue<Item>;
  weight: number;
  /** The virtual time at which the next item is due. */
  dueAt: number;
}

/**
 * A {@link FairQueue} whose first level is scheduled by weight (stride scheduling). An item of a class that was empty is taken next, unless a heavier
 * class is also due. `add` throws for a class without a weight.
 */
export function createWeightedQueue<Item>({ max, groupMax = [], weights }: WeightedQueueLimits): FairQueue<Item> {
  const [classMax = max, ...rest] = groupMax;
  const classes = new Map<string, Class<Item>>(
    Object.entries(weights).map(([name, weight]) => [
      name,
      { queue: createFairQueue<Item>({ max: classMax, groupMax: rest }), weight, dueAt: 0 },
    ]),
  );
  let size = 0;
  let now = 0;

  function find(name: string | undefined): Class<Item> {
    const found = name === undefined ? undefined : classes.get(name);
    if (!found) throw new Error(`The queue has no class "${name}".`);
    return found;
  }

  return {
    get size() {
      return size;
    },
    add([name, ...path], item) {
      const target = find(name);
      if (size >= max) return false;
      const wasEmpty = target.queue.size === 0;
      if (!target.queue.add(path, item)) return false;
      // Unused shares are not saved.
      if (wasEmpty) target.dueAt = Math.max(target.dueAt, now);
      size += 1;
      return true;
    },
    take(isBlocked) {
      let next: Class<Item> | undefined;
      for (const [name, candidate] of classes) {
        if (candidate.queue.size === 0 || isBlocked?.(name)) continue;
        if (!next || candidate.dueAt < next.dueAt || (candidate.dueAt === next.dueAt && candidate.weight > next.weight)) next = candidate;
      }
      if (!next) return undefined;
      now = Math.max(now, next.dueAt);
      next.dueAt = now + 1 / next.weight;
      size -= 1;
      return next.queue.take();
    },
    remove([name, ...path], item) {
      if (!find(name).queue.remove(path, item)) return false;
      size -= 1;
      return true;
    },
  };
}
