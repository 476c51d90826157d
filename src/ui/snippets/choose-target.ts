/** Chooses keys for snippets. Pure. */
import type { ManagedKey } from "@/src/shared/management/schemas";

/** What stands for a key in a snippet where there is none. */
export const KEY_PLACEHOLDER = "<your key>";

/** The keys that work at `nowMs`: neither revoked nor expired. */
export function workingKeys(keys: readonly ManagedKey[], nowMs: number): ManagedKey[] {
  return keys.filter(({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > nowMs));
}

/** The one to show first: what may read and write, else what may write, else any; the oldest of these. */
export function preferredKey(keys: readonly ManagedKey[], nowMs: number): ManagedKey | undefined {
  const working = workingKeys(keys, nowMs);
  return working.find(({ scope }) => scope === "read_write") ?? working.find(({ scope }) => scope === "write") ?? working[0];
}
