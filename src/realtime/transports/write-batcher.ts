/**
 * Collects the subscribers with queued frames, and flushes them in turns of the event loop that are short, however many there are. Frames that are queued for a
 * subscriber before its turn are sent in one write: the more there is to send, the fewer writes each frame costs.
 */

export interface Flushable {
  flush(): void;
}

/** Whose turn it is: accounts take turns, and the endpoints of an account. */
export interface Lane {
  readonly ownerId: string;
  readonly endpointId: string;
}

export interface WriteBatcher {
  /**
   * Calls `subscriber.flush()` once, however often it is scheduled: at the end of this turn of the event loop, or in one of the next ones if there is much to
   * send. Within a lane the order is first in, first out.
   */
  schedule(subscriber: Flushable, lane: Lane): void;
  /** Returns one buffer with all frames. Subscribers of an endpoint usually flush the same frames, and share the copy. */
  join(frames: readonly Buffer[]): Buffer;
}

/** The number of subscribers of a lane that are flushed before the next lane, and before the clock is read again. */
const SLICE = 32;
/** How long a turn lasts, in ms. It ends after the slice in which the time is over. */
const TURN_MS_MIN = 2;
/** A turn lasts as long as the event loop did other work since the last one, up to this, so that a busy server divides its time between both. */
const TURN_MS_MAX = 8;
/**
 * If a write to several subscribers is this large, frames are queued faster than they are sent. The next turn is then long, so that writers wait and the
 * queues do not grow. A write to one subscriber shows nothing: a replay or a snapshot has large ones.
 */
const CROWDED_BYTES = 32_768;
const TURN_MS_CROWDED = 64;
/** How many joined buffers a turn keeps. Streams of one endpoint have a few formats, and lanes alternate. */
const JOINED_MAX = 8;

interface Joined {
  frames: readonly Buffer[];
  bytes: Buffer;
}

export interface WriteBatcherOptions {
  /** The time in ms, ascending. */
  now?: () => number;
}

/** Each batcher has its own subscribers. It keeps no timer while none waits. */
export function createWriteBatcher({ now = () => performance.now() }: WriteBatcherOptions = {}): WriteBatcher {
  /** The due subscribers by account and endpoint. The first entry of each map is the next. */
  const owners = new Map<string, Map<string, Set<Flushable>>>();
  let joined: Joined[] = [];
  let isScheduled = false;
  /** When the last turn ended, if it left subscribers. */
  let pausedAt: number | undefined;
  /** The size of the largest write to several subscribers since the last turn began. 0 if that turn left no subscribers. */
  let largestBytes = 0;

  function requestTurn(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(takeTurn);
  }

  function takeTurn(): void {
    const startedAt = now();
    const turnMs = largestBytes >= CROWDED_BYTES ? TURN_MS_CROWDED : toTurnMs(pausedAt === undefined ? 0 : startedAt - pausedAt);
    largestBytes = 0;
    let endedAt = startedAt;
    while (owners.size > 0 && endedAt - startedAt < turnMs) {
      flushSlice();
      endedAt = now();
    }
    joined = [];
    isScheduled = false;
    pausedAt = undefined;
    if (owners.size === 0) largestBytes = 0;
    else {
      // The event loop handles what has arrived, then comes back.
      pausedAt = endedAt;
      requestTurn();
    }
  }

  function flushSlice(): void {
    for (const [ownerId, lanes] of owners) {
      for (const [endpointId, due] of lanes) {
        lanes.delete(endpointId);
        let left = SLICE;
        for (const subscriber of due) {
          due.delete(subscriber);
          subscriber.flush();
          if (--left === 0) break;
        }
        if (due.size > 0) lanes.set(endpointId, due);
        break;
      }
      owners.delete(ownerId);
      if (lanes.size > 0) owners.set(ownerId, lanes);
      return;
    }
  }

  return {
    schedule: (subscriber, { ownerId, endpointId }) => {
      let lanes = owners.get(ownerId);
      if (lanes === undefined) {
        lanes = new Map();
        owners.set(ownerId, lanes);
      }
      let due = lanes.get(endpointId);
      if (due === undefined) {
        due = new Set();
        lanes.set(endpointId, due);
      }
      due.add(subscriber);
      requestTurn();
    },
    join: (frames) => {
      const [first] = frames;
      if (first !== undefined && frames.length === 1) return first;
      const known = joined.find((each) => isSame(frames, each.frames));
      if (known) {
        largestBytes = Math.max(largestBytes, known.bytes.byteLength);
        return known.bytes;
      }
      const bytes = Buffer.concat(frames);
      joined.unshift({ frames, bytes });
      if (joined.length > JOINED_MAX) joined.pop();
      // The end of the next turn drops the copy.
      requestTurn();
      return bytes;
    },
  };
}

/** `busyMs`: how long the event loop was busy otherwise. */
function toTurnMs(busyMs: number): number {
  return Math.min(Math.max(busyMs, TURN_MS_MIN), TURN_MS_MAX);
}

function isSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((frame, index) => frame === b[index]);
}
