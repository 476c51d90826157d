/** The names of the dashboard's cookies. */

/** Each scheme has its own names and accepts only these. next-auth's default names are not used, because they depend on its configuration. */
export interface CookieNames {
  session: string;
  csrf: string;
  callback: string;
}

const OVER_HTTP: CookieNames = { session: "rested.session", csrf: "rested.csrf", callback: "rested.callback" };
/** Browsers accept `__Host-` cookies only from the host itself and over HTTPS, so a sibling domain can't set one. */
const OVER_HTTPS: CookieNames = { session: "__Host-rested.session", csrf: "__Host-rested.csrf", callback: "__Host-rested.callback" };

/** `secure`: the browser uses HTTPS (see ClientInfo). */
export function cookieNames({ secure }: { secure: boolean }): CookieNames {
  return secure ? OVER_HTTPS : OVER_HTTP;
}
