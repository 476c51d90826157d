/** Chooses the endpoint and the key that snippets use. Pure. */
import type { ManagedEndpoint, ManagedKey } from "@/src/shared/management/schemas";

/** Stands for the key in a snippet if there is none. */
export const KEY_PLACEHOLDER = "<your key>";

/** The keys that work at `nowMs`: neither revoked nor expired. */
export function workingKeys(keys: readonly ManagedKey[], nowMs: number): ManagedKey[] {
  return keys.filter(({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > nowMs));
}

/** The oldest working key that can read and write; otherwise the oldest that can write; otherwise the oldest. */
export function preferredKey(keys: readonly ManagedKey[], nowMs: number): ManagedKey | undefined {
  const working = workingKeys(keys, nowMs);
  return working.find(({ scope }) => scope === "read_write") ?? working.find(({ scope }) => scope === "write") ?? working[0];
}

/** The first endpoint that accepts records from everyone with a key, so that a pasted command succeeds; otherwise the first endpoint. */
export function chooseFirstEndpoint<T extends Pick<ManagedEndpoint, "kind" | "secure">>(endpoints: readonly T[]): T | undefined {
  return endpoints.find(({ kind, secure }) => kind === "data" && !secure) ?? endpoints[0];
}
