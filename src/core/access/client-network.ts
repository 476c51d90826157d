/** Determines the client's address and network for limits. runtime/web/forwarded.ts has already decided which forwarding headers to trust. */
import type { RequestHeaders } from "@/src/core/access/access-request";

/** The client's address, or "unknown" if the connection has closed. All unknown addresses count as one client. */
export function toClientAddress(request: { headers: RequestHeaders; socket: { remoteAddress?: string | undefined } }): string {
  const forwarded = request.headers["x-forwarded-for"];
  return (typeof forwarded === "string" ? forwarded : forwarded?.[0]) || request.socket.remoteAddress || "unknown";
}

/**
 * The network that counts as one client. An IPv6 client can use any address of its /64, so the /64 counts as one. IPv4-mapped addresses count as
 * IPv4.
 */
export function toNetwork(address: string): string {
  if (!address.includes(":")) return address.toLowerCase();
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const behind = tail === "" ? 0 : tail.split(":").length;
    while (groups.length + behind < 8) groups.push("0");
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** The network that a provider usually assigns to one customer, or a small part of it: the /24 of an IPv4 address, the /48 of an IPv6 address. */
export function toWideNetwork(address: string): string {
  const network = toNetwork(address);
  if (network.endsWith("::/64")) return `${network.split(":").slice(0, 3).join(":")}::/48`;
  return network.replace(/^(\d+\.\d+\.\d+)\.\d+$/, "$1.0/24");
}
