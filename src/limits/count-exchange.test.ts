import { describe, expect, test, vi } from "vitest";
import { type CountMessage, createCountExchange, type ExchangedCounts } from "./count-exchange";
import { createCountRouter } from "./count-router";
import { createProcessRateLimiter } from "./rate-limiter";

/** Processes whose messages arrive when `settle` is called. */
function createServer(names: readonly string[]) {
  vi.useFakeTimers();
  const exchanges = new Map<string, ExchangedCounts>();
  const received: CountMessage[] = [];
  const router = createCountRouter<string>(async (name, message) => {
    received.push(message);
    exchanges.get(name)?.receive(message);
  });
  const join = (name: string) => {
    exchanges.set(name, createCountExchange({ send: (message) => router.receive(name, message) }));
    router.join(name);
  };
  for (const name of names) join(name);
  return {
    of: (name: string) => exchanges.get(name) as ExchangedCounts,
    join,
    leave: router.leave,
    received,
    /** Lets the slices of time pass and the messages arrive. */
    settle: () => vi.advanceTimersByTimeAsync(50),
  };
}

describe("counts of several workers", () => {
  test("[W28] what is open in one process is known in the others, and not counted twice in its own", async () => {
    const server = createServer(["a", "b", "c"]);
    const [a, b, c] = ["a", "b", "c"].map((name) => server.of(name).gauge("streams"));
    a?.add("key", 1);
    a?.add("key", 1);
    b?.add("key", 1);
    await server.settle();
    expect([a?.others("key"), b?.others("key"), c?.others("key")]).toEqual([1, 2, 3]);
    a?.add("key", -2);
    await server.settle();
    expect([a?.others("key"), b?.others("key"), c?.others("key")]).toEqual([1, 0, 1]);
  });

  test("[W28] what a process had open is taken back when it ends, and its successor learns what the others have", async () => {
    const server = createServer(["a", "b"]);
    const [a, b] = ["a", "b"].map((name) => server.of(name).gauge("streams"));
    a?.add("key", 5);
    b?.add("key", 2);
    await server.settle();
    server.leave("a");
    await server.settle();
    expect(b?.others("key")).toBe(0);
    server.join("a");
    const successor = server.of("a").gauge("streams");
    await server.settle();
    expect([successor.others("key"), b?.others("key")]).toEqual([2, 0]);
  });

  test("[W28] the changes of a slice of time are one message, and what cancels out is not sent", async () => {
    const server = createServer(["a", "b"]);
    const gauge = server.of("a").gauge("streams");
    const tally = server.of("a").tally("requests", () => undefined);
    for (let n = 0; n < 1_000; n++) tally.add("key", 1);
    gauge.add("key", 1);
    gauge.add("key", -1);
    await server.settle();
    expect(server.received).toEqual([{ gauges: [], tallies: [["requests", "key", 1_000]] }]);
  });

  test("[W28] a process that does not receive keeps one entry for each id", async () => {
    vi.useFakeTimers();
    const sent: CountMessage[] = [];
    let arrive: () => void = () => undefined;
    const router = createCountRouter<string>((_name, message) => {
      sent.push(message);
      return new Promise((resolve) => {
        arrive = resolve;
      });
    });
    router.join("a");
    router.join("slow");
    for (let n = 0; n < 100; n++) router.receive("a", { gauges: [["streams", "key", 1]], tallies: [] });
    expect(sent).toEqual([{ gauges: [["streams", "key", 1]], tallies: [] }]);
    arrive();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.slice(1)).toEqual([{ gauges: [["streams", "key", 99]], tallies: [] }]);
  });

  test("[W28] [E6] events of a limited number of ids wait for a process that does not read", async () => {
    vi.useFakeTimers();
    const sent: CountMessage[] = [];
    let arrive: () => void = () => undefined;
    const send = (_name: string, message: CountMessage) => {
      sent.push(message);
      return new Promise<void>((resolve) => {
        arrive = resolve;
      });
    };
    const router = createCountRouter<string>(send, { talliesMax: 3 });
    router.join("a");
    router.join("slow");
    for (let n = 0; n < 10; n++) router.receive("a", { gauges: [["streams", "key", 1]], tallies: [["requests", `id ${n}`, 1]] });
    arrive();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.slice(1)).toEqual([{ gauges: [["streams", "key", 9]], tallies: [1, 2, 3].map((n) => ["requests", `id ${n}`, 1]) }]);
  });

  test("[W28] [U8] requests of all workers count against one limit", async () => {
    const server = createServer(["a", "b"]);
    const [a, b] = ["a", "b"].map((name) => createProcessRateLimiter({ exchange: server.of(name) }));
    for (let n = 0; n < 6; n++) await a?.take("key", 10);
    await server.settle();
    for (let n = 0; n < 4; n++) expect(await b?.take("key", 10)).toMatchObject({ allowed: true, remaining: 3 - n });
    expect(await b?.take("key", 10)).toMatchObject({ allowed: false });
    await server.settle();
    expect(await a?.take("key", 10)).toMatchObject({ allowed: false });
    expect(await a?.take("other", 10)).toMatchObject({ allowed: true, remaining: 9 });
  });
});
