/** The headers that say how a client stands with its rate limit (U8, G23). */

/** The names of draft-ietf-httpapi-ratelimit-headers (03), which clients know: requests a minute, those left, and the seconds until they are renewed. */
export function toRateHeaders(verdict: { limit: number; remaining: number; resetSeconds: number }): Record<string, string> {
  return {
    "RateLimit-Limit": String(verdict.limit),
    "RateLimit-Remaining": String(verdict.remaining),
    "RateLimit-Reset": String(verdict.resetSeconds),
  };
}
