import { describe, expect, it } from "vitest";
import type { Log } from "@/src/core/log";
import type { Change } from "@/src/core/records/ports";
import type { Hint } from "@/src/core/streams/ports";
import { createProcessHints, groupByEndpoint } from "@/src/realtime/cluster/hints";

const HINT: Hint = { kind: "endpoint", endpointId: "e" };

describe("createProcessHints", () => {
  it("calls every listener before publish returns, in order", () => {
    const hints = createProcessHints();
    const heard: string[] = [];
    hints.subscribe((hint) => heard.push(`1 ${hint.kind}`));
    hints.subscribe((hint) => heard.push(`2 ${hint.kind}`));
    hints.publish(HINT);
    hints.publish({ kind: "unknown" });
    expect(heard).toEqual(["1 endpoint", "2 endpoint", "1 unknown", "2 unknown"]);
  });

  it("keeps a listener that throws from disturbing the others and the writer, and logs it", () => {
    const errors: object[] = [];
    const log: Log = { debug() {}, info() {}, warn() {}, error: (context) => errors.push(context) };
    const hints = createProcessHints({ log });
    const heard: Hint[] = [];
    hints.subscribe(() => {
      throw new Error("broken");
    });
    hints.subscribe((hint) => heard.push(hint));
    hints.publish(HINT);
    expect(heard).toEqual([HINT]);
    expect(errors).toEqual([{ err: new Error("broken") }]);
  });

  it("stops calling who unsubscribed, also while a hint goes round", () => {
    const hints = createProcessHints();
    const heard: string[] = [];
    const stops: (() => void)[] = [];
    hints.subscribe(() => stops.forEach((stop) => void stop()));
    stops.push(hints.subscribe(() => heard.push("stopped by the first")));
    const listener = () => void heard.push("twice");
    const stop = hints.subscribe(listener);
    hints.subscribe(listener);
    hints.publish(HINT);
    expect(heard).toEqual(["twice", "twice"]);
    stop();
    stop();
    hints.publish(HINT);
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
