/** Interfaces of the counters of requests, of failed logins, and of what is open. The adapters are in src/limits. */
import type { MaybePromise } from "@/src/core/maybe-promise";

/** The result of counting one request against a rate limit (U8). */
export interface RateVerdict {
  allowed: boolean;
  /** The limit of the window, and how many requests are left of it. */
  limit: number;
  remaining: number;
  /** Seconds until the window starts over; at least 1. */
  resetSeconds: number;
}

/** Counts requests, or what they contain, per minute, for all servers together if they share a Redis. */
export interface RateLimiter {
  /**
   * Counts one request of `id`, or `amount`, against `limit` per minute. An amount that exceeds the limit is counted too. Never throws: while the shared counter is
   * unavailable, this process counts alone.
   */
  take(id: string, limit: number, amount?: number): MaybePromise<RateVerdict>;
  /** Takes back what was counted in the current minute and not used. Never throws. */
  giveBack(id: string, amount: number): MaybePromise<void>;
}

/** An attempt to log in with a password. */
export interface LoginAttempt {
  /** The account whose password is tried: an e-mail address, an id, or an endpoint with a name. */
  account: string;
  /** The client's address. Null: unknown, which counts as one address. */
  address: string | null;
  /** The endpoint for which the attempts of an address are counted. Absent: the dashboard. */
  scope?: string;
}

/** Counts failed attempts by account and address, and by scope and address. */
export interface LoginLimiter {
  /**
   * Counts an attempt before the password is checked, so that parallel attempts cannot exceed the limit. Throws `rate_limited` if there were too
   * many.
   */
  begin(attempt: LoginAttempt): Promise<void>;
  /** Uncounts a successful attempt, and the account's earlier failed attempts. */
  succeed(attempt: LoginAttempt): Promise<void>;
  /** Uncounts an attempt whose password was not checked. */
  withdraw(attempt: LoginAttempt): Promise<void>;
}

/** Counts of what is open now, such as streams by address, in all worker processes of this server. */
export interface SharedGauge {
  /** Adds `change`, which can be negative, to what this process has open under `id`. */
  add(id: string, change: number): void;
  /** The number that the other processes have open under `id`, as they last reported it. */
  others(id: string): number;
}

/** Counts of events, such as requests by key, in all worker processes of this server. */
export interface SharedTally {
  /** Reports events of this process to the others. */
  add(id: string, amount: number): void;
}

/**
 * Exchanges counts with the other worker processes of this server, within some milliseconds. Decisions are local and synchronous, so together the processes
 * can exceed a limit by what arrives at the others in that time.
 */
export interface CountExchange {
  /** The gauge of that name. Create it once. */
  gauge(name: string): SharedGauge;
  /** The tally of that name. `onOthers` receives the events of other processes. Create it once. */
  tally(name: string, onOthers: (id: string, amount: number) => void): SharedTally;
}
