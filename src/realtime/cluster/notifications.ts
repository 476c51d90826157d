/** Delivers notifications from the writers of this process to its log tailers. They are neither stored nor ordered: the log is the source of truth. */
import type { Log } from "@/src/core/log";
import type { Change } from "@/src/core/records/ports";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";

/**
 * Notifications within the process. `publish` calls every listener, in the order in which they subscribed, before it returns. Errors of listeners are logged and
 * affect neither the other listeners nor the writer, whose write is already committed.
 */
export function createProcessNotifications({ log }: { log?: Log } = {}): ChangeNotifications {
  const listeners = new Set<{ listener: (notification: ChangeNotification) => void }>();
  return {
    publish(notification) {
      // A copy, so that a listener that subscribes meanwhile gets only later notifications.
      for (const entry of [...listeners]) {
        if (!listeners.has(entry)) continue;
        try {
          entry.listener(notification);
        } catch (error) {
          log?.error({ err: error }, "a listener of notifications failed");
        }
      }
    },
    subscribe(listener) {
      // The wrapper allows the same function to subscribe twice and unsubscribe once.
      const entry = { listener };
      listeners.add(entry);
      return () => {
        listeners.delete(entry);
      };
    },
  };
}

/** The changes of a notification, endpoint by endpoint, in their order. Nearly always there is one endpoint: then nothing is copied. */
export function groupByEndpoint(changes: readonly Change[]): Iterable<[string, readonly Change[]]> {
  const [first] = changes;
  if (first === undefined) return [];
  if (changes.every((change) => change.endpointId === first.endpointId)) return [[first.endpointId, changes]];
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const group = groups.get(change.endpointId);
    if (group) group.push(change);
    else groups.set(change.endpointId, [change]);
  }
  return groups;
}
