/** Tracks the dashboard sign-ins that open streams depend on: whether they are valid, and when they end. */

import type { SignIn, SignInStore } from "@/src/core/access/ports";
import type { Log } from "@/src/core/log";

export interface SignIns {
  /** Reads whether the sign-in is valid. Calls in the same tick share one query. Can throw `database_unavailable`. */
  isValid(signIn: SignIn): Promise<boolean>;
  /** Notifies the listeners. Call it after every change that ends a session or a management token of the account early. */
  invalidate(userId: string): void;
  /** Calls `listener` after sign-ins of an account may have ended, on this node or another. Returns a function that stops this. */
  onInvalidate(listener: (userId: string) => void): () => void;
  /** Adds a sign-in that an open stream depends on to those that `check` reads. Returns a function that removes it. */
  watch(signIn: SignIn): () => void;
  /**
   * Reads which watched sign-ins are valid and notifies the listeners of those that are not. Call it every second. Can throw `database_unavailable`;
   * the next call catches up.
   */
  check(): Promise<void>;
}

/** Sign-ins requested in the same tick, which share one query. */
interface Batch {
  signIns: Map<string, SignIn>;
  validIds: Promise<ReadonlySet<string>>;
}

export function createSignIns({ store, log }: { store: SignInStore; log: Pick<Log, "error"> }): SignIns {
  const watched = new Map<string, { signIn: SignIn; watchers: number }>();
  const listeners = new Set<(userId: string) => void>();
  let batch: Batch | undefined;

  /** The query starts after all other calls of the same tick. */
  function openBatch(): Batch {
    const signIns = new Map<string, SignIn>();
    const validIds = Promise.resolve().then(() => {
      batch = undefined;
      return store.findValid([...signIns.values()]);
    });
    return { signIns, validIds };
  }

  function invalidate(userId: string): void {
    for (const listener of listeners) {
      try {
        listener(userId);
      } catch (error) {
        log.error({ err: error, userId }, "a listener for ended sign-ins failed");
      }
    }
  }

  return {
    isValid: async (signIn) => {
      batch ??= openBatch();
      const { signIns, validIds } = batch;
      signIns.set(signIn.id, signIn);
      return (await validIds).has(signIn.id);
    },
    invalidate,
    onInvalidate: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    watch: (signIn) => {
      const entry = watched.get(signIn.id) ?? { signIn, watchers: 0 };
      watched.set(signIn.id, entry);
      entry.watchers += 1;
      let isWatching = true;
      return () => {
        if (!isWatching) return;
        isWatching = false;
        entry.watchers -= 1;
        if (entry.watchers === 0) watched.delete(signIn.id);
      };
    },
    check: async () => {
      const signIns = [...watched.values()].map(({ signIn }) => signIn);
      if (signIns.length === 0) return;
      const validIds = await store.findValid(signIns);
      for (const userId of new Set(signIns.filter(({ id }) => !validIds.has(id)).map((signIn) => signIn.userId))) invalidate(userId);
    },
  };
}
