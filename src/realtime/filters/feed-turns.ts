/**
 * Divides the evaluation of a change by many feeds into turns of the event loop, so that requests, writes to sockets and commits are handled in between
 * (docs/adr/0035-deliveries-in-turns.md).
 */

/** A feed that waits. */
export interface Waiting {
  /** Evaluates the changes that the feed has queued. It must not throw. */
  takeTurn(): void;
}

export interface FeedTurns {
  /** Whether the current turn of the event loop has time for another evaluation. */
  hasTime(): boolean;
  /** Calls `takeTurn` in a later turn, after those that wait already. Add each feed once until then. */
  add(waiting: Waiting): void;
}

/** How long the feeds of a process evaluate before the event loop gets a turn, in milliseconds. One evaluation may exceed it. */
export const FEED_TURN_MS = 8;

/** `now`: in milliseconds. */
export function createFeedTurns(now: () => number = () => performance.now()): FeedTurns {
  /** Those before `next` have had their turn. */
  let waiting: Waiting[] = [];
  let next = 0;
  /** When the feeds began in this turn. Undefined: they have not. */
  let startedAt: number | undefined;

  function hasTime(): boolean {
    if (startedAt === undefined) {
      startedAt = now();
      setImmediate(endTurn);
      return true;
    }
    return now() - startedAt < FEED_TURN_MS;
  }

  function endTurn(): void {
    startedAt = undefined;
    while (next < waiting.length && hasTime()) {
      const each = waiting[next];
      next += 1;
      each?.takeTurn();
    }
    if (next < waiting.length) return;
    waiting = [];
    next = 0;
  }

  return {
    hasTime,
    add: (each) => {
      waiting.push(each);
      // The turn that ends calls it.
      if (startedAt === undefined) hasTime();
    },
  };
}
