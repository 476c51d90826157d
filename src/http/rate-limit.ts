/** Rate limits on HTTP (U8): who a request is counted as, and the headers that say how it stands. It must not know the rule (core/rate-gate.ts does). */
import type { AccessRequest } from "@/src/core/access/access-request";
import { toClientAddress } from "@/src/core/access/client-network";
import type { RateGate } from "@/src/core/access/rate-limit-policy";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { DataExchange } from "@/src/http/exchange";
import { toRateHeaders } from "@/src/shared/http/rate-headers";

/** Locates what the request names, and counts it. Whatever becomes of it, its answer says how the client stands. */
export function countRequest(options: {
  gate: Pick<RateGate, "count">;
  exchange: DataExchange;
  accessRequest: AccessRequest;
  locate: () => Promise<ResolvedEndpoint>;
}): Promise<ResolvedEndpoint> {
  const { gate, exchange, accessRequest, locate } = options;
  return gate.count(
    {
      accessRequest,
      address: toClientAddress(exchange.request),
      onVerdict: (verdict) => {
        Object.assign(exchange.headers, toRateHeaders(verdict));
      },
    },
    locate,
  );
}
