/** Unsaved changes of an object, which survive navigation, a reload and a new sign-in until they are saved or discarded. */
"use client";

import { useCallback, useMemo, useRef, useSyncExternalStore } from "react";
import { useAccount } from "../../api/account-context";
import type { DraftEntry } from "./draft-store";
import { drafts } from "./drafts";

export interface DraftOptions<Value> {
  /** Names the object, like `schema/<endpoint id>`. */
  name: string;
  /** Returns undefined for a value that is not a draft of this object. Must not change. */
  parse: (value: unknown) => Value | undefined;
  /** The value can contain a password: it is kept in memory only, and closing the page asks first. */
  isSecret?: boolean;
}

export interface Draft<Value> {
  /** Undefined if nothing is unsaved. */
  value: Value | undefined;
  /** When the value was last changed, if it was there before this component. Milliseconds since 1970. */
  restoredAtMs: number | undefined;
  set: (value: Value) => void;
  clear: () => void;
  /** The value was sent: it stays, but is no longer unsaved. */
  settle: () => void;
}

const subscribe = (listener: () => void) => drafts.subscribe(listener);
const none = () => undefined;

export function useDraft<Value>({ name, parse, isSecret = false }: DraftOptions<Value>): Draft<Value> {
  const key = `${useAccount()?.id ?? ""}/${name}`;
  const entry = useSyncExternalStore(subscribe, () => drafts.read(key), none);
  const value = useMemo(() => entry && parse(entry.value), [entry, parse]);
  const restored = useRestored(key, entry);
  const set = useCallback(
    (next: Value) => {
      restored.current.isOwn ||= drafts.read(key) === undefined;
      drafts.write(key, next, { isSecret });
    },
    [key, isSecret, restored],
  );
  const clear = useCallback(() => drafts.clear(key), [key]);
  const settle = useCallback(() => drafts.settle(key), [key]);
  return { value, restoredAtMs: value === undefined ? undefined : restored.current.atMs, set, clear, settle };
}

/** Remembers when the draft was changed that was there before the component. */
function useRestored(key: string, entry: DraftEntry | undefined) {
  const restored = useRef<{ key: string; isOwn: boolean; atMs: number | undefined }>({ key, isOwn: false, atMs: undefined });
  if (restored.current.key !== key) restored.current = { key, isOwn: false, atMs: undefined };
  const seen = restored.current;
  // After a draft was saved or discarded, the next one is new.
  if ((!entry || entry.isSent) && seen.atMs !== undefined) seen.isOwn = true;
  if (!entry || entry.isSent) seen.atMs = undefined;
  else if (!seen.isOwn) seen.atMs ??= entry.changedAtMs;
  return restored;
}

/** The parts of the names that follow `prefix`, of all drafts of the account. */
export function useDraftNames(prefix: string): readonly string[] {
  const start = `${useAccount()?.id ?? ""}/${prefix}`;
  const version = useSyncExternalStore(
    subscribe,
    () => drafts.version,
    () => -1,
  );
  return useMemo(() => (version < 0 ? [] : drafts.list(start).map((key) => key.slice(start.length))), [version, start]);
}
