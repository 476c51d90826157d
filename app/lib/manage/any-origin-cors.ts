/** CORS for every origin: lets pages on other sites read a route, including its errors and preflights (G5). API tools load the descriptions this way. */
import { PREFLIGHT_SECONDS, toAllowedHeaders } from "@/src/shared/http/cors";
import type { Routes } from "./manage-route";

/** If a response allows every origin, browsers send no cookies with its request and store none from it, so a page needs a management token. */
const EVERY_ORIGIN = "*";
const KNOWN_HEADERS = ["Authorization", "Content-Type"];
const EXPOSED = "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";

/** Returns the routes with CORS headers that let every origin read them. */
export function withAnyOriginCors(routes: Routes): Routes {
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
