/** Collects the subscribers that have frames due and flushes each once at the end of the tick. It must not know what the frames say. */

export interface Flushable {
  flush(): void;
}

export interface WriteBatcher {
  /** Has `subscriber.flush()` called once at the end of this turn of the event loop, however often it is asked for. */
  schedule(subscriber: Flushable): void;
  /** One buffer with all of the frames. Subscribers of one endpoint have the same frames due; they share the copy. */
  join(frames: readonly Buffer[]): Buffer;
}

/** A batcher of its own set of subscribers; it holds no timer between ticks. */
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
