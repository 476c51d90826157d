/** Decides which forwarding headers to trust (TRUST_PROXY). Afterwards, all code can trust `x-forwarded-*`. */
import type { IncomingMessage } from "node:http";
import proxyaddr from "proxy-addr";

/** Rewrites a request's forwarding headers in place. */
export type ForwardedReader = (request: IncomingMessage) => void;

/**
 * `trusted` lists the trusted proxies (addresses, CIDR ranges, or `loopback`, `linklocal`, `uniquelocal`). From all others, the headers are removed, because a client
 * could otherwise choose its address (rate limits) or its host (sign-in redirects).
 */
export function createForwardedReader(trusted: readonly string[]): ForwardedReader {
  const trust = proxyaddr.compile([...trusted]);
  return (request) => {
    const { headers, socket } = request;
    const peer = socket.remoteAddress ?? "";
    const believed = peer !== "" && trust(peer, 0);
    const address = believed ? proxyaddr(request, trust) : peer;
    if (!believed) {
      for (const name of Object.keys(headers)) if (name.startsWith("x-forwarded-") || name === "forwarded") delete headers[name];
    }
    headers["x-forwarded-for"] = address;
    headers["x-forwarded-proto"] ??= "encrypted" in socket && socket.encrypted === true ? "https" : "http";
    if (headers.host !== undefined) headers["x-forwarded-host"] ??= headers.host;
  };
}

/** Returns a function that is true for the address of a proxy in `trusted` (see {@link createForwardedReader}). */
export function createProxyTest(trusted: readonly string[]): (address: string) => boolean {
  const trust = proxyaddr.compile([...trusted]);
  return (address) => address !== "" && trust(address, 0);
}
