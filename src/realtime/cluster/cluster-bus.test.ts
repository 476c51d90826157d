import { describe, expect, test } from "vitest";
import type { ChangeNotification } from "@/src/core/streams/ports";
import { type BusLink, type BusReceiver, type ClusterBus, createClusterBus } from "./cluster-bus";
import { createProcessNotifications } from "./notifications";

/** A cache that notes what is dropped and how often it is checked. */
function createCache() {
  const listeners = new Set<(id: string) => void>();
  const dropped: string[] = [];
  const cache = {
    dropped,
    checks: 0,
    invalidate: (id: string) => {
      dropped.push(id);
      for (const listener of listeners) listener(id);
    },
    onInvalidate: (listener: (id: string) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    checkRevisions: async () => {
      cache.checks += 1;
    },
    check: async () => undefined,
  };
  return cache;
}

interface TestProcess {
  bus: ClusterBus;
  definitions: ReturnType<typeof createCache>;
  quotas: ReturnType<typeof createCache>;
  notified: ChangeNotification[];
  publish(notification: ChangeNotification): void;
}

/** Processes of one server. Messages arrive when `deliver` is called; a fence is passed when they have. */
function createProcesses(count: number, isTrusted = true) {
  const waiting: (() => void)[] = [];
  const receivers: BusReceiver[] = [];
  const sent: string[] = [];
  const processes = Array.from({ length: count }, (_, index): TestProcess => {
    const link: BusLink = {
      isTrusted,
      open: (receiver) => {
        receivers[index] = receiver;
      },
      send: (text) => {
        sent.push(text);
        // Redis sends a message to its sender too.
        for (const [to, receiver] of receivers.entries()) if (to !== index || !isTrusted) waiting.push(() => receiver.receive(text));
      },
      close: () => undefined,
      ...(isTrusted ? { fence: () => new Promise<void>((resolve) => waiting.push(resolve)) } : {}),
    };
    const notifications = createProcessNotifications();
    const notified: ChangeNotification[] = [];
    notifications.subscribe((notification) => notified.push(notification));
    const [definitions, tokens, signIns, quotas] = [createCache(), createCache(), createCache(), createCache()];
    const log = { debug: () => undefined };
    const bus = createClusterBus({
      serverId: isTrusted ? "server" : `server ${index}`,
      links: [link],
      notifications,
      definitions,
      tokens,
      signIns,
      quotas,
      log,
    });
    return { bus, definitions, quotas, notified, publish: (notification) => notifications.publish(notification) };
  });
  const deliver = () => {
    for (const arrive of waiting.splice(0)) arrive();
  };
  return { processes: processes as [TestProcess, TestProcess, ...TestProcess[]], deliver, sent };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("the cluster bus", () => {
  test("[W28] settles when the other workers have dropped what was invalidated", async () => {
    const { processes, deliver } = createProcesses(3);
    const [first, second, third] = processes;
    expect(first.bus.settle()).toBeUndefined();
    first.definitions.invalidate("project");
    let isSettled = false;
    const settling = first.bus.settle()?.then(() => {
      isSettled = true;
    });
    await turn();
    expect(isSettled).toBe(false);
    deliver();
    await settling;
    for (const other of [second, third]) {
      expect(other?.definitions.dropped).toEqual(["project"]);
      expect(other?.quotas.dropped).toEqual(["project"]);
    }
    expect(first.bus.settle()).toBeUndefined();
  });

  test("[W28] a request whose invalidation is already on its way waits for it too", async () => {
    const { processes, deliver } = createProcesses(2);
    const [first] = processes;
    first.definitions.invalidate("project");
    const [one, two] = [first.bus.settle(), first.bus.settle()];
    expect([one, two]).toEqual([expect.any(Promise), expect.any(Promise)]);
    deliver();
    await Promise.all([one, two]);
  });

  test("[W28] what a worker drops because of another is not published again", async () => {
    const { processes, deliver, sent } = createProcesses(3);
    processes[0].definitions.invalidate("project");
    await turn();
    deliver();
    await turn();
    deliver();
    await turn();
    expect(sent).toHaveLength(1);
  });

  test("[W28] [W20] changes of one turn are one message, without their data", async () => {
    const { processes, deliver, sent } = createProcesses(2);
    const [first, second] = processes;
    first.publish({ kind: "endpoint", endpointId: "one" });
    first.publish({ kind: "endpoint", endpointId: "two" });
    await turn();
    deliver();
    expect(sent).toHaveLength(1);
    expect(second.notified).toEqual([
      { kind: "endpoint", endpointId: "one" },
      { kind: "endpoint", endpointId: "two" },
    ]);
  });

  test("[W20] a message through Redis drops nothing; the revisions are read instead", async () => {
    const { processes, deliver } = createProcesses(2, false);
    const [first, second] = processes;
    first.definitions.invalidate("project");
    expect(first.bus.settle()).toBeUndefined();
    await turn();
    deliver();
    await turn();
    expect(second.definitions.dropped).toEqual([]);
    expect(second.definitions.checks).toBe(1);
    expect(first.definitions.checks).toBe(0);
  });
});
