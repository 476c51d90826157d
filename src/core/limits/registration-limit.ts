/** Limits how many users an application registers a minute: by endpoint and client network, and by endpoint. */
import { toNetwork } from "@/src/core/access/client-network";
import type { RateLimiter } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

/** An endpoint takes so many times what one network may register. */
const ENDPOINT_FACTOR = 15;

export interface RegistrationLimit {
  /** Counts a registration before it is hashed. Throws `rate_limited` when the network or the endpoint had too many within the minute. */
  count(registration: { endpointId: string; address: string | null }): Promise<void>;
}

/** `perAddress`: registrations a minute of one network at one endpoint; 0: no limits. */
export function createRegistrationLimit({ limiter, perAddress }: { limiter: RateLimiter; perAddress: number }): RegistrationLimit {
  async function take(id: string, limit: number, whose: string): Promise<void> {
    const { allowed, resetSeconds } = await limiter.take(id, limit);
    if (allowed) return;
    throw new AppError("rate_limited", {
      detail: `Too many registrations ${whose}: ${limit} a minute are accepted. Try again in ${resetSeconds} s.`,
      retryAfterSeconds: resetSeconds,
    });
  }

  return {
    async count({ endpointId, address }) {
      if (perAddress === 0) return;
      // By network first: a network over its own limit does not use up the endpoint's.
      await take(`registration ${endpointId} ${toNetwork(address ?? "unknown")}`, perAddress, "from this address");
      await take(`registration ${endpointId}`, perAddress * ENDPOINT_FACTOR, "at this endpoint");
    },
  };
}
