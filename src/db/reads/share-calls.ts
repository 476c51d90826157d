/** Calls with the same key that wait at the same time share a call. Nothing is cached. */

/** While the running calls of a key are younger, another one does not start. */
const SLOW_MS = 20;
/** The maximum number of calls of a key that run at once, if they are slow. */
const RUNNING_MAX = 2;

interface Calls<Result> {
  running: number;
  /** The call that has not begun yet, for all who asked since the last one began. */
  next: { promise: Promise<Result>; begin: () => void } | undefined;
}

/**
 * Returns a function that runs `call`. If a call with the same key is running, the callers since it began share the next one, which begins after it has
 * ended, or after 20 ms. So each caller gets the result of a call that began after it asked. If a shared call fails, it is tried once more. Calls
 * with one key must return the same result.
 */
export function createSharedCalls<Result>(): (key: string, call: () => Promise<Result>) => Promise<Result> {
  const callsByKey = new Map<string, Calls<Result>>();

  /** Runs a call that `calls.running` already counts. */
  async function run(key: string, calls: Calls<Result>, call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } finally {
      calls.running -= 1;
      if (calls.next) calls.next.begin();
      else if (calls.running === 0) callsByKey.delete(key);
    }
  }

  function wait(key: string, calls: Calls<Result>, call: () => Promise<Result>): Promise<Result> {
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
    const promise = begun.then(() => run(key, calls, () => call().catch(call)));
    calls.next = { promise, begin };
    return promise;
  }

  return (key, call) => {
    const calls = callsByKey.get(key);
    if (calls) return calls.next?.promise ?? wait(key, calls, call);
    const first: Calls<Result> = { running: 1, next: undefined };
    callsByKey.set(key, first);
    return run(key, first, call);
  };
}
