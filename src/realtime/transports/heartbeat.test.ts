/** The heartbeat, step by step: 25 steps are one interval. */
import { afterEach, describe, expect, it } from "vitest";
import { createHeartbeat, type Heartbeat } from "./heartbeat";

let heartbeat: Heartbeat;
afterEach(() => heartbeat.stop());

function setUp() {
  heartbeat = createHeartbeat({ pingIntervalMs: 25_000, pongTimeoutMs: 10_000 });
  const seen: string[] = [];
  const socket = { unsentBytes: 0, takenBytes: 0 };
  const beating = heartbeat.add({
    ping: () => seen.push("ping"),
    unsentBytes: () => socket.unsentBytes,
    takenBytes: () => socket.takenBytes,
    terminate: () => seen.push("terminate"),
  });
  const pass = (steps: number) => {
    for (let i = 0; i < steps; i++) heartbeat.step();
  };
  return { beating, seen, socket, pass };
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

  it("[W8] terminates a peer that does not respond within 10 s, once", () => {
    const { seen, pass } = setUp();
    pass(25 + 9);
    expect(seen).toEqual(["ping"]);
    pass(1);
    expect(seen).toEqual(["ping", "terminate"]);
    pass(100);
    expect(seen).toEqual(["ping", "terminate"]);
  });

  it("[W8] waits for a client that reads the bytes before the ping, however slowly, and terminates it when it stops", () => {
    const { seen, socket, pass } = setUp();
    socket.unsentBytes = 1_000;
    pass(25);
    for (let round = 0; round < 5; round++) {
      pass(9);
      socket.takenBytes += 1;
      pass(1);
    }
    expect(seen).not.toContain("terminate");
    // The operating system has the rest. For that, the client has the same time as for a ping.
    socket.unsentBytes = 0;
    socket.takenBytes += 1_000;
    pass(10);
    expect(seen).not.toContain("terminate");
    pass(10);
    expect(seen.at(-1)).toBe("terminate");
  });

  it("[W8] does not count the ping itself as bytes that were read", () => {
    const { seen, socket, pass } = setUp();
    pass(25);
    socket.takenBytes += 2;
    pass(10);
    expect(seen).toEqual(["ping", "terminate"]);
  });

  it("[W8] keeps a peer that responds in time", () => {
    const { beating, seen, pass } = setUp();
    pass(25 + 9);
    beating.pong();
    pass(15);
    expect(seen).toEqual(["ping"]);
    pass(1);
    expect(seen).toEqual(["ping", "ping"]);
  });

  it("ignores a peer that has disconnected", () => {
    const { beating, seen, pass } = setUp();
    beating.stop();
    pass(100);
    expect(seen).toEqual([]);
  });

  it("waits for a pong if the timeout is longer than the interval", () => {
    heartbeat = createHeartbeat({ pingIntervalMs: 100, pongTimeoutMs: 250 });
    const seen: string[] = [];
    const nothing = { unsentBytes: () => 0, takenBytes: () => 0 };
    heartbeat.add({ ...nothing, ping: () => seen.push("ping"), terminate: () => seen.push("terminate") });
    for (let i = 0; i < 25 + 62; i++) heartbeat.step();
    expect(seen).toEqual(["ping", "ping", "ping"]);
    heartbeat.step();
    expect(seen.at(-1)).toBe("terminate");
  });
});
