/** The response headers that report a client's rate limit (U8, G23). */

/**
 * The names of draft-ietf-httpapi-ratelimit-headers (03), which clients know: requests per minute, the remaining ones, and the seconds until the
 * window starts over.
 */
export function toRateHeaders(verdict: { limit: number; remaining: number; resetSeconds: number }): Record<string, string> {
  return {
    "RateLimit-Limit": String(verdict.limit),
    "RateLimit-Remaining": String(verdict.remaining),
    "RateLimit-Reset": String(verdict.resetSeconds),
  };
}
