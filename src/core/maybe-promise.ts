/** Results that are usually known at once: a promise for each of them would cost more than the work itself (docs/adr/0036-results-that-are-known-at-once.md). */

/** A result that is known now, or that is waited for. A function that returns one throws at once or rejects; `await` treats both in the same way. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** True if the result has to be waited for. */
export function isPending<T>(result: MaybePromise<T>): result is PromiseLike<T> {
  return typeof result === "object" && result !== null && "then" in result;
}

/** Calls `next` with the result: in this turn if it is known, otherwise when it is. Returns what `next` returns; without a promise, throws what `next` throws. */
export function andThen<T, Next>(result: MaybePromise<T>, next: (value: T) => MaybePromise<Next>): MaybePromise<Next> {
  return isPending(result) ? result.then(next) : next(result);
}
