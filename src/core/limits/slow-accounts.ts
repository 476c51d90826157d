/** Remembers accounts whose requests to other servers were slow, so that they can be given fewer places for a while. */

/** How long an account stays slow after a slow request. */
const SLOW_MS = 600_000;

export interface SlowAccounts {
  mark(account: string): void;
  has(account: string): boolean;
  /** All slow accounts. */
  list(): string[];
}

/** `max`: how many accounts are remembered; one more replaces the one that was marked first. `now`: monotonic, in milliseconds. */
export function createSlowAccounts({ max, now }: { max: number; now: () => number }): SlowAccounts {
  /** Until when accounts are slow, in the order in which they were marked. */
  const until = new Map<string, number>();
  const has = (account: string) => until.size > 0 && (until.get(account) ?? 0) > now();
  return {
    has,
    list: () => [...until.keys()].filter(has),
    mark(account) {
      until.delete(account);
      until.set(account, now() + SLOW_MS);
      const [oldest] = until.keys();
      if (until.size > max && oldest !== undefined) until.delete(oldest);
    },
  };
}
