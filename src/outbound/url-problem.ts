/** Checks a URL that users want the server to send requests to, as far as that is possible without resolving its host. */
import { isIP } from "node:net";
import type { AddressPolicy } from "./address-policy";

/** Describes the problem and the fix. Undefined: the URL can be used, if its host resolves to allowed addresses. */
export function findUrlProblem(text: string, { policy, allowsHttp }: { policy: AddressPolicy; allowsHttp: boolean }): string | undefined {
  const { protocol, hostname } = new URL(text);
  if (protocol !== "https:" && !(protocol === "http:" && allowsHttp))
    return "Use an https address. The server's administrator can allow http.";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0 && !policy.allows(host)) return "Use a public address. The server's administrator can allow others.";
  return undefined;
}
