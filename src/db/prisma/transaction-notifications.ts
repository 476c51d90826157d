/** Holds back the notifications of writes inside a transaction until it is committed. It must not know what a write is. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";

export interface NotificationScopes {
  /** Publishes at once, or, inside an open transaction, once that is committed. */
  publish(notification: ChangeNotification): void;
  /** True inside the callback of a transaction that is still open. */
  isOpen(): boolean;
  /** Runs a transaction. When it settles well its notifications are published, to the transaction around it if there is one; else forgotten. */
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
    // A scope that is closed is seen by work that was started in a transaction and outlives it.
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
 * Keeps only where something was written. Inside a transaction nobody can say which changes will be committed: a savepoint
 * may be rolled back, and PostgreSQL answers COMMIT without an error when a failed statement's error was swallowed.
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
