/** Holds back the hints of writes inside a transaction until it is committed. It must not know what a write is. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Hint, Hints } from "@/src/core/streams/ports";

export interface HintScopes {
  /** Publishes at once, or, inside an open transaction, once that is committed. */
  publish(hint: Hint): void;
  /** True inside the callback of a transaction that is still open. */
  isOpen(): boolean;
  /** Runs a transaction. When it settles well its hints are published, to the transaction around it if there is one; else forgotten. */
  run<T>(transaction: () => Promise<T>): Promise<T>;
}

interface Scope {
  open: boolean;
  endpointIds: Set<string>;
  unknown: boolean;
}

export function createHintScopes(hints: Hints): HintScopes {
  const scopes = new AsyncLocalStorage<Scope>();

  function publish(hint: Hint): void {
    const scope = scopes.getStore();
    // A scope that is closed is seen by work that was started in a transaction and outlives it.
    if (scope?.open) collect(scope, hint);
    else hints.publish(hint);
  }

  return {
    publish,
    isOpen: () => scopes.getStore()?.open === true,
    async run(transaction) {
      const scope: Scope = { open: true, endpointIds: new Set(), unknown: false };
      try {
        const result = await scopes.run(scope, transaction);
        scope.open = false;
        for (const hint of toHints(scope)) publish(hint);
        return result;
      } finally {
        scope.open = false;
      }
    },
  };
}

/**
 * Keeps only where something was written. Inside a transaction nobody can say which changes will be committed: a savepoint
 * may be rolled back, and PostgreSQL answers COMMIT without an error when a failed statement's error was swallowed.
 */
function collect(scope: Scope, hint: Hint): void {
  switch (hint.kind) {
    case "changes":
      for (const change of hint.changes) scope.endpointIds.add(change.endpointId);
      return;
    case "endpoint":
      scope.endpointIds.add(hint.endpointId);
      return;
    case "unknown":
      scope.unknown = true;
      return;
  }
}

function toHints(scope: Scope): Hint[] {
  if (scope.unknown) return [{ kind: "unknown" }];
  return [...scope.endpointIds].map((endpointId) => ({ kind: "endpoint", endpointId }));
}
