/** The state of a key, with labels, and which keys last. Pure. */
import type { KeyScope, ManagedKey } from "@/src/shared/management/schemas";
import { formatRelative } from "../format/format-time";

/** `ending`: it works, but not for long. */
export type KeyState = "active" | "ending" | "expired" | "revoked";

/** A key that expires within this time is about to end. Rotation leaves a key at most this long. */
const ENDING_MS = 86_400_000;

/** A key that is revoked and expired counts as revoked. */
export function toKeyState(key: Pick<ManagedKey, "revokedAt" | "expiresAt">, nowMs: number): KeyState {
  if (key.revokedAt !== null) return "revoked";
  if (key.expiresAt === null) return "active";
  const leftMs = Date.parse(key.expiresAt) - nowMs;
  return leftMs <= 0 ? "expired" : leftMs <= ENDING_MS ? "ending" : "active";
}

export function isWorking(state: KeyState): boolean {
  return state === "active" || state === "ending";
}

export const SCOPE_LABELS: Readonly<Record<KeyScope, string>> = { read_write: "Read and write", read: "Read", write: "Write" };
const STATE_LABELS: Readonly<Record<Exclude<KeyState, "ending">, string>> = { active: "Active", expired: "Expired", revoked: "Revoked" };

/** “Active”, “Ends in 52 min.” */
export function toStateLabel(key: Pick<ManagedKey, "revokedAt" | "expiresAt">, nowMs: number): string {
  const state = toKeyState(key, nowMs);
  return state === "ending" ? `Ends ${toEnd(key.expiresAt, nowMs)}` : STATE_LABELS[state];
}

function toEnd(expiresAt: string | null, nowMs: number): string {
  const text = expiresAt === null ? "" : formatRelative(expiresAt, nowMs);
  return text === "just now" ? "in less than a minute" : text;
}

/** The first characters of a key, enough to tell it from others. */
export function toKeyStart({ key }: Pick<ManagedKey, "key">): string {
  return `${key.slice(0, 6)}…`;
}

/** A name for lists to choose from: “First key (read and write, 3fa9c1…, ends in 52 min.)”. The key itself is part of it if another one has the same name. */
export function toKeyLabel(key: ManagedKey, keys: readonly ManagedKey[], nowMs: number): string {
  const isDouble = keys.some(({ id, name }) => id !== key.id && name === key.name);
  const state = toKeyState(key, nowMs);
  const parts = [
    SCOPE_LABELS[key.scope].toLowerCase(),
    ...(isDouble ? [toKeyStart(key)] : []),
    ...(state === "active" ? [] : [toStateLabel(key, nowMs).toLowerCase()]),
  ];
  return `${key.name} (${parts.join(", ")})`;
}
