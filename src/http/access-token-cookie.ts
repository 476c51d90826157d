/** The cookie that carries an access token (L2, L3). It must not make or check tokens. */
import { stringifySetCookie } from "cookie";
import { ACCESS_TOKEN_COOKIE } from "@/src/shared/protocol";

/** For front-ends of other sites (SameSite=None), out of reach of their scripts, and sent to the data plane only. Browsers take it over https alone. */
const ATTRIBUTES = { httpOnly: true, secure: true, sameSite: "none", path: "/api" } as const;

/** The Set-Cookie header that hands a token out; the cookie ends with it. */
export function toTokenCookie(token: string, { expiresAt, now }: { expiresAt: Date; now: Date }): string {
  const maxAge = Math.ceil((expiresAt.getTime() - now.getTime()) / 1000);
  return stringifySetCookie(ACCESS_TOKEN_COOKIE, token, { ...ATTRIBUTES, maxAge });
}

/** The Set-Cookie header that takes it back. */
export function toEndedTokenCookie(): string {
  return stringifySetCookie(ACCESS_TOKEN_COOKIE, "", { ...ATTRIBUTES, maxAge: 0 });
}
