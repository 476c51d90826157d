/** From where a request comes, as limits count it. It must not decide which forwarding headers to believe (runtime/forwarded.ts has done so). */
import type { RequestHeaders } from "@/src/core/access/access-request";

/** The client's address; "unknown", which counts as one, when the connection has gone. */
export function toClientAddress(request: { headers: RequestHeaders; socket: { remoteAddress?: string | undefined } }): string {
  const forwarded = request.headers["x-forwarded-for"];
  return (typeof forwarded === "string" ? forwarded : forwarded?.[0]) || request.socket.remoteAddress || "unknown";
}

/** An IPv6 client has a whole /64 to choose addresses from: it counts as one. An IPv4-mapped address counts as IPv4. */
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
