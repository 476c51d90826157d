/** Decides which addresses the server may connect to on behalf of users: no address of this machine, of a private network, or of a cloud's metadata service. */
import { BlockList, isIP } from "node:net";

export interface AddressPolicy {
  /** False for everything that is not the text of an IP address. */
  allows(address: string): boolean;
  /** True if the administrator allows some addresses that are not public. */
  readonly hasExceptions: boolean;
}

/** Reserved by IANA's registry of special-purpose addresses (RFC 6890), multicast, and Azure's metadata service (168.63.129.16). */
const REFUSED_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
/** Only global unicast (2000::/3) is public. Mapped IPv4 addresses, NAT64, private, link-local and multicast addresses are outside of it. */
const PUBLIC_IPV6: readonly [string, number] = ["2000::", 3];
/** Within it: protocol assignments with Teredo, documentation, and 6to4, which contains an IPv4 address. */
const REFUSED_IPV6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
];

/** `exceptions`: addresses and ranges (`10.1.0.0/16`) that are allowed although they are not public. Throws an error for anything else. */
export function createAddressPolicy(exceptions: readonly string[] = []): AddressPolicy {
  const allowed = new BlockList();
  for (const exception of exceptions) {
    const range = parseRange(exception);
    if (!range) throw new Error(`${exception} is not an address or a range.`);
    allowed.addSubnet(...range);
  }
  const refused = new BlockList();
  for (const [address, prefix] of REFUSED_IPV4) refused.addSubnet(address, prefix, "ipv4");
  for (const [address, prefix] of REFUSED_IPV6) refused.addSubnet(address, prefix, "ipv6");
  const publicIpv6 = new BlockList();
  publicIpv6.addSubnet(...PUBLIC_IPV6, "ipv6");
  return {
    hasExceptions: exceptions.length > 0,
    allows(address) {
      // An address with a zone (fe80::1%eth0) is local to a link.
      if (address.includes("%")) return false;
      const family = isIP(address);
      if (family === 0) return false;
      const kind = family === 4 ? "ipv4" : "ipv6";
      if (allowed.check(address, kind)) return true;
      return !refused.check(address, kind) && (family === 4 || publicIpv6.check(address, kind));
    },
  };
}

/** Undefined if the text is neither an address nor a range. */
function parseRange(text: string): [address: string, prefix: number, family: "ipv4" | "ipv6"] | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes("%")) return undefined;
  const most = family === 4 ? 32 : 128;
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= most)) return undefined;
  return [address, prefix === undefined ? most : Number(prefix), family === 4 ? "ipv4" : "ipv6"];
}
