/** Counters of requests and of failed logins. Interfaces only; the adapters live in src/limits. */
/** What became of one request against a rate limit (U8). */
export interface RateVerdict {
  allowed: boolean;
  /** Requests that the window takes, and those that are left of it. */
  limit: number;
  remaining: number;
  /** Seconds until the window begins anew; at least 1. */
  resetSeconds: number;
}

/** Counts requests a minute, for all servers together where they share a Redis. */
export interface RateLimiter {
  /** Counts one request of `id` against `limit` a minute. Never raises: while the shared counter is away, this process counts alone. */
  take(id: string, limit: number): Promise<RateVerdict>;
}

/** Somebody tries a password. */
export interface LoginAttempt {
  /** Whose password is tried: an e-mail address, an id, or an endpoint with a name. */
  account: string;
  /** From where; null when unknown, which counts as one address. */
  address: string | null;
  /** The endpoint at which the attempts of an address are counted; absent: at the dashboard. */
  scope?: string;
}

/** Counts failed attempts by account and address, and by scope and address. */
export interface LoginLimiter {
  /** Counts an attempt before it is made, so that parallel ones can't pass together. Raises `rate_limited` when there were too many. */
  begin(attempt: LoginAttempt): Promise<void>;
  /** Takes back what `begin` counted, and what failed before for the account: the attempt succeeded. */
  succeed(attempt: LoginAttempt): Promise<void>;
  /** Takes back what `begin` counted, and nothing else: no password was compared. */
  withdraw(attempt: LoginAttempt): Promise<void>;
}
