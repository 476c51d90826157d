/** The names of the cookies of the dashboard: its session, and next-auth's own. */

/** The names differ with the scheme, and each scheme accepts its own names alone. next-auth's defaults are not used: readers would have to guess. */
export interface CookieNames {
  session: string;
  csrf: string;
  callback: string;
}

const OVER_HTTP: CookieNames = { session: "rested.session", csrf: "rested.csrf", callback: "rested.callback" };
/** Browsers take `__Host-` cookies from this very host alone, over HTTPS: a sibling domain can't plant one. */
const OVER_HTTPS: CookieNames = { session: "__Host-rested.session", csrf: "__Host-rested.csrf", callback: "__Host-rested.callback" };

/** `secure`: the browser speaks HTTPS (see ClientInfo). */
export function cookieNames({ secure }: { secure: boolean }): CookieNames {
  return secure ? OVER_HTTPS : OVER_HTTP;
}
