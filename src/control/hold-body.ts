/** Counts the bodies of the management API in the budget of held bytes, by network (an IPv6 /64 is one). */
import type { ByteBudget, ByteHold } from "@/src/core/byte-budget";
import { toNetwork } from "@/src/core/client-network";

/** Holds nothing yet. `address`: the client's; null when unknown, which counts as one. Release it when the request was answered. */
export function openBodyHold(bodies: ByteBudget, address: string | null): ByteHold {
  return bodies.hold([`management ${address === null ? "unknown" : toNetwork(address)}`], 0);
}
