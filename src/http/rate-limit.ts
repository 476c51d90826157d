/** Rate limits over HTTP (U8): counts a request, and adds the rate headers to its response. The rule is in core/access/rate-limit-policy.ts. */
import type { AccessRequest } from "@/src/core/access/access-request";
import { toClientAddress } from "@/src/core/access/client-network";
import type { RateLimitPolicy } from "@/src/core/access/rate-limit-policy";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { MaybePromise } from "@/src/core/maybe-promise";
import type { DataExchange } from "@/src/http/exchange";
import type { AppError } from "@/src/shared/errors";
import { listRateHeaders } from "@/src/shared/http/rate-headers";

/** Resolves the endpoint and counts the request. Returns the error of a request that is refused. Every response to it, errors included, carries the rate headers. */
export function countRequest(options: {
  rateLimitPolicy: Pick<RateLimitPolicy, "count">;
  exchange: DataExchange;
  accessRequest: AccessRequest;
  locate: () => MaybePromise<ResolvedEndpoint | AppError>;
}): MaybePromise<ResolvedEndpoint | AppError> {
  const { rateLimitPolicy, exchange, accessRequest, locate } = options;
  return rateLimitPolicy.count(
    {
      accessRequest,
      address: toClientAddress(exchange.request),
      onVerdict: (verdict) => {
        exchange.headers = listRateHeaders(verdict);
      },
    },
    locate,
  );
}
