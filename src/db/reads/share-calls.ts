/** Calls with the same key that wait at the same time share a call. Nothing is cached. */

/** While the running calls of a key are younger, another one does not start. */
const SLOW_MS = 20;
/** The maximum number of calls of a key that run at once, if they are slow. */
const RUNNING_MAX = 2;
/** A shared call that failed later than this is not tried again: a database that does not respond would take as long again. */
const RETRY_MS_MAX = 1_000;

interface Calls<Result> {
  running: number;
  /** A running call that has not begun, because it waits for its turn. */
  queued: Promise<Result> | undefined;
  /** The call after the running ones, for all callers since the last one began. */
  next: { promise: Promise<Result>; begin: () => void } | undefined;
}

type Call<Result> = () => Promise<Result>;
type InTurn<Result> = (call: Call<Result>) => Promise<Result>;

/**
 * Returns a function that runs `call`. While a call with the same key is running, later callers share the next call. It starts when the running one has
 * ended, or after 20 ms. `inTurn` can delay a call, for example in a queue; until the call begins, more callers share it. So each caller gets the result
 * of a call that began after the caller's request. A shared call that fails within `retryMsMax` (default: 1,000 ms) is tried once more. Calls with one
 * key must return the same result.
 */
export function createSharedCalls<Result>({
  retryMsMax = RETRY_MS_MAX,
}: {
  retryMsMax?: number;
} = {}): (key: string, call: Call<Result>, inTurn?: InTurn<Result>) => Promise<Result> {
  const callsByKey = new Map<string, Calls<Result>>();

  /** Starts a call that `calls.running` already counts. */
  function start(key: string, calls: Calls<Result>, call: Call<Result>, inTurn: InTurn<Result>): Promise<Result> {
    let hasBegun = false;
    const end = () => {
      calls.running -= 1;
      if (!hasBegun) calls.queued = undefined;
      if (calls.next) calls.next.begin();
      else if (calls.running === 0) callsByKey.delete(key);
    };
    const promise = inTurn(() => {
      hasBegun = true;
      calls.queued = undefined;
      return call();
    }).finally(end);
    if (!hasBegun) calls.queued = promise;
    return promise;
  }

  async function callTwice(call: Call<Result>): Promise<Result> {
    const at = performance.now();
    try {
      return await call();
    } catch (error) {
      if (performance.now() - at >= retryMsMax) throw error;
      return call();
    }
  }

  function wait(key: string, calls: Calls<Result>, call: Call<Result>, inTurn: InTurn<Result>): Promise<Result> {
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = () => {
        clearTimeout(timer);
        calls.next = undefined;
        calls.running += 1;
        resolve();
      };
    });
    const timer = setTimeout(() => {
      if (calls.running < RUNNING_MAX) begin();
    }, SLOW_MS);
    const promise = begun.then(() => start(key, calls, () => callTwice(call), inTurn));
    calls.next = { promise, begin };
    return promise;
  }

  return (key, call, inTurn = (work) => work()) => {
    const calls = callsByKey.get(key);
    if (calls) return calls.queued ?? calls.next?.promise ?? wait(key, calls, call, inTurn);
    const first: Calls<Result> = { running: 1, queued: undefined, next: undefined };
    callsByKey.set(key, first);
    return start(key, first, call, inTurn);
  };
}
