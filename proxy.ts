/**
 * Gives every page a content security policy with its own nonce, and redirects people without a session cookie to the sign-in page. It makes no access decisions, because a
 * cookie proves nothing: each page checks the user.
 */
import { type NextRequest, NextResponse } from "next/server";
import { cookieNames } from "@/app/lib/sign-in/session-cookie";

/** Pages that require a sign-in. All others are public. */
const PRIVATE_PAGE = /^\/(?:projects|p|account)(?:\/|$)/;

export function proxy(request: NextRequest): NextResponse {
  const { pathname, search } = request.nextUrl;
  // Either cookie name is accepted: only the configuration knows whether the browser uses HTTPS, and the page checks the right one.
  const hasCookie = [true, false].some((secure) => request.cookies.has(cookieNames({ secure }).session));
  if (PRIVATE_PAGE.test(pathname) && !hasCookie) {
    const login = request.nextUrl.clone();
    login.pathname = "/login";
    login.search = `?${new URLSearchParams({ next: `${pathname}${search}` })}`;
    return NextResponse.redirect(login);
  }
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const policy = toPolicy(nonce, process.env.NODE_ENV === "development");
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("x-page", toPage(request.nextUrl));
  // Next.js reads the nonce from this request header and adds it to its own scripts.
  headers.set("Content-Security-Policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("Content-Security-Policy", policy);
  return response;
}

/** The address that the browser shows. Next.js marks its own requests for a page's data. */
function toPage({ pathname, searchParams }: URL): string {
  const search = new URLSearchParams(searchParams);
  search.delete("_rsc");
  return search.size === 0 ? pathname : `${pathname}?${search}`;
}

/** In development, React needs `eval` for stack traces, and hot reload writes style elements. */
function toPolicy(nonce: string, development: boolean): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    development ? "style-src 'self' 'unsafe-inline'" : `style-src 'self' 'nonce-${nonce}'`,
    // Positions and sizes of popups and rows are style attributes.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export const config = {
  matcher: [
    {
      source: "/((?!api/|_next/|(?:favicon\\.(?:svg|ico)|icon-\\d+\\.png|apple-touch-icon\\.png|social\\.png|manifest\\.webmanifest)$).*)",
      missing: [{ type: "header", key: "next-router-prefetch" }],
    },
  ],
};
