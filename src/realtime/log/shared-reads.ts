/** Reads pages of the log for many at once: subscribers that come back together, or fall behind together, want the same pages. It must not cache. */
type ReadPage<Page> = (endpointId: string, after: number, limit: number) => Promise<Page>;

interface SharedRead<Page> {
  running: Promise<Page>;
  /** The query has started: whoever asks now gets the next one's answer. */
  hasBegun: boolean;
  /** What those get who asked since it started. */
  next: Promise<Page> | undefined;
}

/**
 * A `read` whose callers share a query when they ask for the same page while it is being read already. Each is answered by a query that starts after its
 * call, hence with all that was committed by then, as if it had asked alone. Nobody may change the arrays. `runInTurn` may let a query wait: callers that
 * come before it starts share it. It is on behalf of the `caller` that asked first.
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
    // Also after a failure: it was that of another query.
    shared.next ??= shared.running.then(begin, begin);
    return shared.next;
  };
}
