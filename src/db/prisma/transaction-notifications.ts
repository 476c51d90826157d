/** Holds the notifications of writes inside a transaction until it is committed. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";

export interface NotificationScopes {
  /** Publishes immediately or, inside an open transaction, after its commit. */
  publish(notification: ChangeNotification): void;
  /** True inside the callback of a transaction that is still open. */
  isOpen(): boolean;
  /**
   * Runs a transaction. If it succeeds, its notifications are published, or passed to the surrounding transaction if there is one. Otherwise they are
   * dropped.
   */
  run<T>(transaction: () => Promise<T>): Promise<T>;
}

interface Scope {
  open: boolean;
  endpointIds: Set<string>;
  unknown: boolean;
}

export function createNotificationScopes(notifications: ChangeNotifications): NotificationScopes {
  const scopes = new AsyncLocalStorage<Scope>();

  function publish(notification: ChangeNotification): void {
    const scope = scopes.getStore();
    // Work that was started in a transaction and outlives it still sees the closed scope.
    if (scope?.open) collect(scope, notification);
    else notifications.publish(notification);
  }

  return {
    publish,
    isOpen: () => scopes.getStore()?.open === true,
    async run(transaction) {
      const scope: Scope = { open: true, endpointIds: new Set(), unknown: false };
      try {
        const result = await scopes.run(scope, transaction);
        scope.open = false;
        for (const notification of toNotifications(scope)) publish(notification);
        return result;
      } finally {
        scope.open = false;
      }
    },
  };
}

/**
 * Keeps only the endpoints that were written to. Inside a transaction it is unknown which changes will be committed: a savepoint may be rolled back,
 * and PostgreSQL reports no error for COMMIT when the error of a failed statement was swallowed.
 */
function collect(scope: Scope, notification: ChangeNotification): void {
  switch (notification.kind) {
    case "changes":
      for (const change of notification.changes) scope.endpointIds.add(change.endpointId);
      return;
    case "endpoint":
      scope.endpointIds.add(notification.endpointId);
      return;
    case "unknown":
      scope.unknown = true;
      return;
  }
}

function toNotifications(scope: Scope): ChangeNotification[] {
  if (scope.unknown) return [{ kind: "unknown" }];
  return [...scope.endpointIds].map((endpointId) => ({ kind: "endpoint", endpointId }));
}
