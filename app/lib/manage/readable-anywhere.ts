/** Lets pages of every origin read a route, errors and preflights included (G5): for descriptions, which tools on other sites load. */
import { PREFLIGHT_SECONDS, toAllowedHeaders } from "@/src/shared/http/cors";
import type { Routes } from "./manage-route";

/** Browsers send no cookies to, and take none from, an answer that allows every origin: a page needs a management token of its own. */
const EVERY_ORIGIN = "*";
const KNOWN_HEADERS = ["Authorization", "Content-Type"];
const EXPOSED = "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";

/** The same routes, readable from anywhere. */
export function readableAnywhere(routes: Routes): Routes {
  const open =
    (route: Routes["GET"]): Routes["GET"] =>
    async (request, context) => {
      const response = await route(request, context);
      response.headers.set("Access-Control-Allow-Origin", EVERY_ORIGIN);
      response.headers.set("Access-Control-Expose-Headers", EXPOSED);
      return response;
    };
  const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routes;
  return {
    ...{ GET: open(GET), HEAD: open(HEAD), POST: open(POST), PUT: open(PUT), PATCH: open(PATCH), DELETE: open(DELETE) },
    OPTIONS: open(async (request, context) => {
      const response = await OPTIONS(request, context);
      response.headers.set("Access-Control-Allow-Methods", response.headers.get("Allow") ?? "GET");
      const asked = request.headers.get("access-control-request-headers") ?? undefined;
      response.headers.set("Access-Control-Allow-Headers", toAllowedHeaders(asked, KNOWN_HEADERS));
      response.headers.set("Access-Control-Max-Age", PREFLIGHT_SECONDS);
      response.headers.set("Vary", "Access-Control-Request-Headers");
      return response;
    }),
  };
}
