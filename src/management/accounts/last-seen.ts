/** How exactly the use of sessions and tokens is noted. */

/** At most one write a minute for each session and token. */
export const SEEN_EVERY_MS = 60_000;
