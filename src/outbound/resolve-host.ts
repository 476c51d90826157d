/** Resolves the host of a connection that users have chosen, and returns only addresses that the policy allows. */
import dns from "node:dns/promises";
import { isIP } from "node:net";
import type { AddressPolicy } from "./address-policy";
import { createSystemLookup } from "./system-lookup";

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** The host cannot be used: it does not exist, or has an address that is not allowed. The message can be shown to users, and contains no address. */
export class HostRefusedError extends Error {}

const ADDRESS_REFUSED = "The host has an address that is not public. The server's administrator can allow it (RESTED_OUTBOUND_ALLOWED).";
const UNKNOWN_HOST = "The host name cannot be resolved.";
/** Of one query; there are two tries. */
const QUERY_TIMEOUT_MS = 3_000;
/** One for the process, because the threads are. */
const lookUpInSystem = createSystemLookup();

/**
 * Returns the addresses of a host name or of the text of an address (IPv6 with or without brackets). The caller must connect to one of them and not resolve
 * the name again. Throws {@link HostRefusedError} if there is none or one of them is not allowed, and the signal's reason.
 */
export async function resolveHost(
  host: string,
  { policy, signal }: { policy: AddressPolicy; signal?: AbortSignal | undefined },
): Promise<[ResolvedAddress, ...ResolvedAddress[]]> {
  const name = host.replace(/^\[(.*)\]$/, "$1");
  const [first, ...others] = isIP(name) === 0 ? await query(name, policy, signal) : [name];
  signal?.throwIfAborted();
  if (first === undefined) throw new HostRefusedError(UNKNOWN_HOST);
  // All of them: a name with a public and a private address is an attempt to reach the private one.
  if (![first, ...others].every((address) => policy.allows(address))) throw new HostRefusedError(ADDRESS_REFUSED);
  return [toResolved(first), ...others.map(toResolved)];
}

function toResolved(address: string): ResolvedAddress {
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}

async function query(name: string, policy: AddressPolicy, signal: AbortSignal | undefined): Promise<string[]> {
  // Names of a private network are known to the operating system only. Its resolver occupies a thread that files need too, so only administrators who allow
  // such addresses have it used.
  if (policy.hasExceptions) return lookUpInSystem(name, signal);
  const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
  const cancel = () => resolver.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
