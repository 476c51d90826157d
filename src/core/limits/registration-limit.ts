/** Limits how many users can register per minute: for each endpoint and client network, and for each endpoint. */
import { toNetwork } from "@/src/core/access/client-network";
import type { RateLimiter } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

/** The limit of an endpoint is this multiple of the limit of one network. */
const ENDPOINT_FACTOR = 15;

export interface RegistrationLimit {
  /**
   * Counts a registration before it is judged and its password is hashed. Throws `rate_limited` if the network or the endpoint exceeded its limit within the minute.
   */
  count(registration: { endpointId: string; address: string | null }): Promise<void>;
}

/** `perAddress`: registrations per minute from one network at one endpoint. 0: no limits. */
export function createRegistrationLimit({ limiter, perAddress }: { limiter: RateLimiter; perAddress: number }): RegistrationLimit {
  async function take(id: string, limit: number, whose: string): Promise<void> {
    const { allowed, resetSeconds } = await limiter.take(id, limit);
    if (allowed) return;
    throw new AppError("rate_limited", {
      detail: `Too many registrations ${whose}: the limit is ${limit} per minute. Try again in ${resetSeconds} s.`,
      retryAfterSeconds: resetSeconds,
    });
  }

  return {
    async count({ endpointId, address }) {
      if (perAddress === 0) return;
      // By network first, so that a network over its own limit does not use up the endpoint's.
      await take(`registration ${endpointId} ${toNetwork(address ?? "unknown")}`, perAddress, "from this address");
      await take(`registration ${endpointId}`, perAddress * ENDPOINT_FACTOR, "at this endpoint");
    },
  };
}
