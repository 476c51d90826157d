/** Reads pages of the log for many at once: subscribers that come back together after a restart want the same pages. It must not cache. */
import type { Change, ChangeLog } from "@/src/core/ports";

interface SharedRead {
  running: Promise<Change[]>;
  /** What those get who asked since it started. */
  next: Promise<Change[]> | undefined;
}

/**
 * A `read` whose callers share a query when they ask for the same page while it is being read already. Each is answered by a query that starts after its
 * call, hence with all that was committed by then, as if it had asked alone. Nobody may change the arrays.
 */
export function shareReads(read: ChangeLog["read"]): ChangeLog["read"] {
  const reads = new Map<string, SharedRead>();

  function start(page: string, query: () => Promise<Change[]>): Promise<Change[]> {
    const shared: SharedRead = { running: query(), next: undefined };
    reads.set(page, shared);
    const forget = () => {
      if (shared.next === undefined) reads.delete(page);
    };
    shared.running.then(forget, forget);
    return shared.running;
  }

  return (endpointId, after, limit) => {
    const page = `${endpointId} ${after} ${limit}`;
    const shared = reads.get(page);
    const begin = () => start(page, () => read(endpointId, after, limit));
    if (!shared) return begin();
    // Also after a failure: it was that of another query.
    shared.next ??= shared.running.then(begin, begin);
    return shared.next;
  };
}
