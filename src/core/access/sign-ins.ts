/** The dashboard's sign-ins that open streams depend on: whether they still hold, and when they end. */

import type { SignIn, SignInStore } from "@/src/core/access/ports";
import type { Log } from "@/src/core/log";

export interface SignIns {
  /** Whether the sign-in still holds, read afresh. Calls of one turn share one query. May throw `database_unavailable`. */
  isValid(signIn: SignIn): Promise<boolean>;
  /** Notifies the listeners. Call it after every change that ends a session or a management token of the account before its time. */
  invalidate(userId: string): void;
  /** Calls `listener` after sign-ins of an account may have ended, here or elsewhere. Returns how to stop. */
  onInvalidate(listener: (userId: string) => void): () => void;
  /** Keeps `check` looking at a sign-in that an open stream depends on. Returns how to stop. */
  watch(signIn: SignIn): () => void;
  /**
   * Reads which of the watched sign-ins still hold, and notifies the listeners of those that do not, whatever ended them. Call it each second.
   * Throws `database_unavailable`; the next call sees what this one missed.
   */
  check(): Promise<void>;
}

/** Questions of one turn that go together in one query. */
interface Batch {
  signIns: Map<string, SignIn>;
  validIds: Promise<ReadonlySet<string>>;
}

export function createSignIns({ store, log }: { store: SignInStore; log: Pick<Log, "error"> }): SignIns {
  const watched = new Map<string, { signIn: SignIn; watchers: number }>();
  const listeners = new Set<(userId: string) => void>();
  let batch: Batch | undefined;

  /** The query starts once this turn's other questions have come. */
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
        log.error({ err: error, userId }, "a listener of sign-ins failed");
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
