/** The cookie that carries an access token (L2, L3). It must not make or check tokens. */
import { stringifySetCookie } from "cookie";
import { ACCESS_TOKEN_COOKIE, toAccessTokenCookie } from "@/src/shared/streams/protocol";

/** For front-ends of other sites (SameSite=None), out of reach of their scripts, and sent to the data plane only. Browsers take it over https alone. */
const ATTRIBUTES = { httpOnly: true, secure: true, sameSite: "none", path: "/api" } as const;

/** The Set-Cookie header that hands a token out; the cookie ends with it. Partitioned: browsers that block third-party cookies keep one for each site that embeds the API. */
export function toTokenCookie(token: string, { projectId, expiresAt, now }: { projectId: string; expiresAt: Date; now: Date }): string {
  const maxAge = Math.ceil((expiresAt.getTime() - now.getTime()) / 1000);
  return stringifySetCookie(toAccessTokenCookie(projectId), token, { ...ATTRIBUTES, partitioned: true, maxAge });
}

/** The Set-Cookie headers that take it back, and the one of a login from before each project had a cookie of its own. */
export function toEndedTokenCookies(projectId: string): string[] {
  const ended = { ...ATTRIBUTES, maxAge: 0 };
  return [
    stringifySetCookie(toAccessTokenCookie(projectId), "", { ...ended, partitioned: true }),
    stringifySetCookie(ACCESS_TOKEN_COOKIE, "", ended),
  ];
}
