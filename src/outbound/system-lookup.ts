/** Resolves names with the resolver of the operating system. It occupies a thread that files need too, and cannot be cancelled. */
import dns from "node:dns/promises";

/** Of the four threads of the process. */
const AT_ONCE_MAX = 2;
const WAITING_MAX = 64;
/** How long a caller waits, in the queue and for the result. */
const WAIT_MS = 5_000;

/** Returns the addresses of a name: none if it is unknown, if the resolver takes too long, or if too many names wait. Throws the signal's reason. */
export type SystemLookup = (name: string, signal: AbortSignal | undefined) => Promise<string[]>;

/** A lookup that its caller has given up keeps its thread, and its place, until the operating system is done. `resolve`: for tests. */
export function createSystemLookup({
  resolve = async (name: string) => (await dns.lookup(name, { all: true })).map(({ address }) => address),
  waitMs = WAIT_MS,
}: {
  resolve?: (name: string) => Promise<string[]>;
  waitMs?: number;
} = {}): SystemLookup {
  const waiting = new Set<() => void>();
  let running = 0;

  function serve(): void {
    for (const start of waiting) {
      if (running >= AT_ONCE_MAX) return;
      waiting.delete(start);
      start();
    }
  }

  return (name, signal) => {
    signal?.throwIfAborted();
    if (waiting.size >= WAITING_MAX) return Promise.resolve([]);
    return new Promise((settle, reject) => {
      const start = () => {
        running += 1;
        resolve(name)
          .catch((): string[] => [])
          .then((addresses) => {
            running -= 1;
            end(() => settle(addresses));
            serve();
          });
      };
      const end = (report: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        waiting.delete(start);
        report();
      };
      const onAbort = () => end(() => reject(signal?.reason));
      const timer = setTimeout(() => end(() => settle([])), waitMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      waiting.add(start);
      serve();
    });
  };
}
