/** Carries notifications from the writers of this process to its tailers. It must not store or order them: the log is the truth. */
import type { Log } from "@/src/core/log";
import type { Change } from "@/src/core/records/ports";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";

/**
 * ChangeNotifications within the process: `publish` calls every listener before it returns, in the order in which they subscribed.
 * A listener that throws is logged; it disturbs neither the others nor the writer, whose write is committed already.
 */
export function createProcessNotifications({ log }: { log?: Log } = {}): ChangeNotifications {
  const listeners = new Set<{ listener: (notification: ChangeNotification) => void }>();
  return {
    publish(notification) {
      // A copy: who subscribes while a notification goes round hears of the next one.
      for (const entry of [...listeners]) {
        if (!listeners.has(entry)) continue;
        try {
          entry.listener(notification);
        } catch (error) {
          log?.error({ err: error }, "a listener failed on a notification");
        }
      }
    },
    subscribe(listener) {
      // Wrapped, so that the same function can subscribe twice and unsubscribe once.
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
