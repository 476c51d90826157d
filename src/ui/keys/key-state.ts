/** The state and scope of a key, with labels. Pure. */
import type { KeyScope, ManagedKey } from "@/src/shared/management/schemas";

export type KeyState = "active" | "expired" | "revoked";

/** A key that is revoked and expired counts as revoked. */
export function toKeyState(key: Pick<ManagedKey, "revokedAt" | "expiresAt">, nowMs: number): KeyState {
  if (key.revokedAt !== null) return "revoked";
  return key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs ? "expired" : "active";
}

export const SCOPE_LABELS: Readonly<Record<KeyScope, string>> = { read_write: "Read and write", read: "Read", write: "Write" };
export const STATE_LABELS: Readonly<Record<KeyState, string>> = { active: "Active", expired: "Expired", revoked: "Revoked" };
