/** The response headers that report a client's rate limit (U8, G23). */

interface Allowance {
  limit: number;
  remaining: number;
  resetSeconds: number;
}

/**
 * Names and values in turn. The names of draft-ietf-httpapi-ratelimit-headers (03), which clients know: requests per minute, the remaining ones, and
 * the seconds until the window starts over.
 */
export function listRateHeaders({ limit, remaining, resetSeconds }: Allowance): string[] {
  return [LIMIT, String(limit), REMAINING, String(remaining), RESET, String(resetSeconds)];
}

/** The same as an object. */
export function toRateHeaders({ limit, remaining, resetSeconds }: Allowance): Record<string, string> {
  return { [LIMIT]: String(limit), [REMAINING]: String(remaining), [RESET]: String(resetSeconds) };
}

const LIMIT = "RateLimit-Limit";
const REMAINING = "RateLimit-Remaining";
const RESET = "RateLimit-Reset";
