/** Counts the bodies of the management API in the budget of held bytes, by network (an IPv6 /64 is one). */

import { toNetwork } from "@/src/core/access/client-network";
import type { ByteBudget, ByteHold } from "@/src/core/limits/byte-budget";

/** Holds nothing yet. `address`: the client's; null when unknown, which counts as one. Release it when the request was answered. */
export function openBodyHold(bodies: ByteBudget, address: string | null): ByteHold {
  return bodies.hold([`management ${address === null ? "unknown" : toNetwork(address)}`], 0);
}
