import { describe, expect, it } from "vitest";
import type { Log } from "@/src/core/log";
import type { Change } from "@/src/core/records/ports";
import type { ChangeNotification } from "@/src/core/streams/ports";
import { createProcessNotifications, groupByEndpoint } from "@/src/realtime/cluster/notifications";

const HINT: ChangeNotification = { kind: "endpoint", endpointId: "e" };

describe("createProcessNotifications", () => {
  it("calls every listener before publish returns, in order", () => {
    const notifications = createProcessNotifications();
    const heard: string[] = [];
    notifications.subscribe((notification) => heard.push(`1 ${notification.kind}`));
    notifications.subscribe((notification) => heard.push(`2 ${notification.kind}`));
    notifications.publish(HINT);
    notifications.publish({ kind: "unknown" });
    expect(heard).toEqual(["1 endpoint", "2 endpoint", "1 unknown", "2 unknown"]);
  });

  it("logs the error of a listener, which affects neither the others nor the writer", () => {
    const errors: object[] = [];
    const log: Log = { debug() {}, info() {}, warn() {}, error: (context) => errors.push(context) };
    const notifications = createProcessNotifications({ log });
    const heard: ChangeNotification[] = [];
    notifications.subscribe(() => {
      throw new Error("broken");
    });
    notifications.subscribe((notification) => heard.push(notification));
    notifications.publish(HINT);
    expect(heard).toEqual([HINT]);
    expect(errors).toEqual([{ err: new Error("broken") }]);
  });

  it("does not call a listener that has unsubscribed, even during a notification", () => {
    const notifications = createProcessNotifications();
    const heard: string[] = [];
    const stops: (() => void)[] = [];
    notifications.subscribe(() => stops.forEach((stop) => void stop()));
    stops.push(notifications.subscribe(() => heard.push("stopped by the first")));
    const listener = () => void heard.push("twice");
    const stop = notifications.subscribe(listener);
    notifications.subscribe(listener);
    notifications.publish(HINT);
    expect(heard).toEqual(["twice", "twice"]);
    stop();
    stop();
    notifications.publish(HINT);
    expect(heard).toEqual(["twice", "twice", "twice"]);
  });
});

describe("groupByEndpoint", () => {
  const record = { id: "1".repeat(32), version: 1, data: "1", createdAt: "", updatedAt: "" };
  const toChange = (endpointId: string, seq: number): Change => ({ endpointId, seq, type: "POST", record, owner: null, at: "" });

  it("[W4] keeps the order of each endpoint", () => {
    const [a1, b7, a2] = [toChange("a", 1), toChange("b", 7), toChange("a", 2)];
    expect([...groupByEndpoint([a1, b7, a2])]).toEqual([
      ["a", [a1, a2]],
      ["b", [b7]],
    ]);
    expect([...groupByEndpoint([a1, a2])]).toEqual([["a", [a1, a2]]]);
    expect([...groupByEndpoint([])]).toEqual([]);
  });
});
