/** The heartbeat, step by step: 25 steps are one interval. */
import { afterEach, describe, expect, it } from "vitest";
import { createHeartbeat, type Heartbeat } from "./heartbeat";

let heartbeat: Heartbeat;
afterEach(() => heartbeat.stop());

function setUp() {
  heartbeat = createHeartbeat({ pingIntervalMs: 25_000, pongTimeoutMs: 10_000 });
  const seen: string[] = [];
  const beating = heartbeat.add({ ping: () => seen.push("ping"), terminate: () => seen.push("terminate") });
  const pass = (steps: number) => {
    for (let i = 0; i < steps; i++) heartbeat.step();
  };
  return { beating, seen, pass };
}

describe("createHeartbeat", () => {
  it("[W8] pings after 25 s, and again 25 s later", () => {
    const { beating, seen, pass } = setUp();
    pass(24);
    expect(seen).toEqual([]);
    pass(1);
    expect(seen).toEqual(["ping"]);
    beating.pong();
    pass(24);
    expect(seen).toEqual(["ping"]);
    pass(1);
    expect(seen).toEqual(["ping", "ping"]);
  });

  it("[W8] drops who does not answer within 10 s, once", () => {
    const { seen, pass } = setUp();
    pass(25 + 9);
    expect(seen).toEqual(["ping"]);
    pass(1);
    expect(seen).toEqual(["ping", "terminate"]);
    pass(100);
    expect(seen).toEqual(["ping", "terminate"]);
  });

  it("[W8] keeps who answers in time", () => {
    const { beating, seen, pass } = setUp();
    pass(25 + 9);
    beating.pong();
    pass(15);
    expect(seen).toEqual(["ping"]);
    pass(1);
    expect(seen).toEqual(["ping", "ping"]);
  });

  it("leaves alone who has gone", () => {
    const { beating, seen, pass } = setUp();
    beating.stop();
    pass(100);
    expect(seen).toEqual([]);
  });

  it("waits for a pong when the timeout is longer than the interval", () => {
    heartbeat = createHeartbeat({ pingIntervalMs: 100, pongTimeoutMs: 250 });
    const seen: string[] = [];
    heartbeat.add({ ping: () => seen.push("ping"), terminate: () => seen.push("terminate") });
    for (let i = 0; i < 25 + 62; i++) heartbeat.step();
    expect(seen).toEqual(["ping", "ping", "ping"]);
    heartbeat.step();
    expect(seen.at(-1)).toBe("terminate");
  });
});
