/** Collects the subscribers with queued frames and flushes each once at the end of the tick. */

export interface Flushable {
  flush(): void;
}

export interface WriteBatcher {
  /** Calls `subscriber.flush()` once at the end of this turn of the event loop, however often it is scheduled. */
  schedule(subscriber: Flushable): void;
  /** Returns one buffer with all frames. Subscribers of an endpoint usually flush the same frames, and share the copy. */
  join(frames: readonly Buffer[]): Buffer;
}

/** Each batcher has its own subscribers. It keeps no timer between ticks. */
export function createWriteBatcher(): WriteBatcher {
  let due = new Set<Flushable>();
  let joinedFrames: readonly Buffer[] = [];
  let joined: Buffer = Buffer.alloc(0);

  function flushAll(): void {
    const subscribers = due;
    due = new Set();
    for (const subscriber of subscribers) subscriber.flush();
    joinedFrames = [];
    joined = Buffer.alloc(0);
  }

  return {
    schedule: (subscriber) => {
      if (due.size === 0) setImmediate(flushAll);
      due.add(subscriber);
    },
    join: (frames) => {
      const [first] = frames;
      if (first !== undefined && frames.length === 1) return first;
      if (!isSame(frames, joinedFrames)) {
        joined = Buffer.concat(frames);
        joinedFrames = frames;
      }
      return joined;
    },
  };
}

function isSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((frame, index) => frame === b[index]);
}
