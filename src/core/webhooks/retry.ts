/** When a delivery is tried again (H4). */

/** A delivery is given up after this time. */
export const RETRY_FOR_MS = 24 * 3_600_000;
const RETRY_MS_MAX = 3_600_000;
/** The delay varies by this part in both directions, so that many deliveries are not tried at the same moment. */
const JITTER = 0.2;

/**
 * The time until the next try, after `attempts` tries. It doubles with each, from `firstMs` up to an hour. `retryAfter`: the header of the response, which can
 * make it longer, up to an hour. `random`: 0 to 1.
 */
export function toRetryMs({
  attempts,
  firstMs,
  retryAfter,
  now,
  random = Math.random(),
}: {
  attempts: number;
  firstMs: number;
  retryAfter: string | undefined;
  now: Date;
  random?: number;
}): number {
  const delay = Math.min(firstMs * 2 ** Math.min(attempts - 1, 30), RETRY_MS_MAX);
  const varied = Math.round(delay * (1 + JITTER * (2 * random - 1)));
  return Math.min(RETRY_MS_MAX * (1 + JITTER), Math.max(varied, parseRetryAfter(retryAfter, now) ?? 0));
}

/** The milliseconds that a `Retry-After` asks for, at most an hour: a number of seconds or a date (RFC 9110, section 10.2.3). Undefined if it is neither. */
export function parseRetryAfter(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isNaN(ms) ? undefined : Math.min(RETRY_MS_MAX, Math.max(0, ms));
}
