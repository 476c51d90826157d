/** The name of the cookie that carries the dashboard session. */

/** Fixed: next-auth's own default changes with TLS, and readers would have to guess. */
export const SESSION_COOKIE = "rested.session";
