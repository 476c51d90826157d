/** Chooses the endpoint and the key that snippets use. Pure. */
import type { ManagedEndpoint, ManagedKey } from "@/src/shared/management/schemas";
import { isWorking, toKeyState } from "./key-state";

/** Stands for the key in a snippet if there is none. */
export const KEY_PLACEHOLDER = "<your key>";

/** The keys that work at `nowMs`: neither revoked nor expired. */
export function workingKeys(keys: readonly ManagedKey[], nowMs: number): ManagedKey[] {
  return keys.filter((key) => isWorking(toKeyState(key, nowMs)));
}

/**
 * The oldest working key that can read and write; otherwise the oldest that can write; otherwise the oldest. A key that ends soon, such as one that
 * was rotated, is chosen only if no other key has its scope.
 */
export function preferredKey(keys: readonly ManagedKey[], nowMs: number): ManagedKey | undefined {
  const working = workingKeys(keys, nowMs);
  const lasting = working.filter((key) => toKeyState(key, nowMs) === "active");
  const inOrder = [...lasting, ...working];
  return inOrder.find(({ scope }) => scope === "read_write") ?? inOrder.find(({ scope }) => scope === "write") ?? inOrder[0];
}

/** The first endpoint that accepts records from everyone with a key, so that a pasted command succeeds; otherwise the first endpoint. */
export function chooseFirstEndpoint<T extends Pick<ManagedEndpoint, "kind" | "secure">>(endpoints: readonly T[]): T | undefined {
  return endpoints.find(({ kind, secure }) => kind === "data" && !secure) ?? endpoints[0];
}
