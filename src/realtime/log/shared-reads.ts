/** Shares reads of the log between subscribers that need the same page at the same time, because they reconnected or fell behind together. Nothing is cached. */
type ReadPage<Page> = (endpointId: string, after: number, limit: number) => Promise<Page>;

interface SharedRead<Page> {
  running: Promise<Page>;
  /** The query has started. Later callers get the result of the next one. */
  hasBegun: boolean;
  /** The result for callers since the query started. */
  next: Promise<Page> | undefined;
}

/**
 * Returns a `read` whose callers share queries for the same page. Each caller gets the result of a query that starts after its call, so the page has everything
 * that was committed by then. Callers must not change the arrays. `runInTurn` can delay a query; callers that arrive before it starts share it. It runs on behalf
 * of the first `caller`.
 */
export function shareReads<Page, Caller = undefined>(
  read: ReadPage<Page>,
  runInTurn: (caller: Caller, query: () => Promise<Page>) => Promise<Page> = (_, query) => query(),
): (caller: Caller, ...page: Parameters<ReadPage<Page>>) => Promise<Page> {
  const reads = new Map<string, SharedRead<Page>>();

  return (caller, endpointId, after, limit) => {
    const page = `${endpointId} ${after} ${limit}`;
    const begin = (): Promise<Page> => {
      let hasBegun = false;
      const query = () => {
        hasBegun = true;
        return read(endpointId, after, limit);
      };
      const running = runInTurn(caller, query);
      const shared: SharedRead<Page> = {
        running,
        get hasBegun() {
          return hasBegun;
        },
        next: undefined,
      };
      reads.set(page, shared);
      const forget = () => {
        if (shared.next === undefined) reads.delete(page);
      };
      running.then(forget, forget);
      return running;
    };
    const shared = reads.get(page);
    if (!shared) return begin();
    if (!shared.hasBegun) return shared.running;
    // It also runs after a failure, which was that of another query.
    shared.next ??= shared.running.then(begin, begin);
    return shared.next;
  };
}
