/** Limits that several workers of a server share, on two processes whose counts reach each other when the test says so. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { createByteBudget } from "@/src/core/limits/byte-budget";
import type { CountExchange } from "@/src/core/limits/ports";
import { createQuotas } from "@/src/core/limits/quotas";
import { createCountExchange, type ExchangedCounts } from "@/src/limits/count-exchange";
import { createCountRouter } from "@/src/limits/count-router";
import { createStreamLimits } from "@/src/realtime/hub/stream-limits";
import { createCpuBudget } from "@/src/sandbox/worker/cpu-budget";
import { AppError } from "@/src/shared/errors";

interface Workers {
  a: CountExchange;
  b: CountExchange;
  /** Lets all counts arrive. */
  settle(): Promise<unknown>;
}

function createWorkers(): Workers {
  vi.useFakeTimers();
  const exchanges = new Map<string, ExchangedCounts>();
  const router = createCountRouter<string>(async (name, message) => exchanges.get(name)?.receive(message));
  const create = (name: string) => {
    const exchange = createCountExchange({ send: (message) => router.receive(name, message) });
    exchanges.set(name, exchange);
    router.join(name);
    return exchange;
  };
  return { a: create("a"), b: create("b"), settle: () => vi.advanceTimersByTimeAsync(50) };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("limits of several workers", () => {
  test("[W28] [W21] streams of a key count on both, and a stream that ends on one makes room on the other", async () => {
    const { a, b, settle } = createWorkers();
    const config = { total: 0, perAccount: 0, perKey: 2, perAddress: 0 };
    const [first, second] = [a, b].map((exchange) => createStreamLimits(config, { exchange }));
    const stream = { ownerId: "owner", keyId: "key", address: "192.0.2.1" };
    const release = first?.take(stream);
    first?.take(stream);
    await settle();
    expect(() => second?.take(stream)).toThrow("the limit for this key is 2");
    release?.();
    await settle();
    expect(() => second?.take(stream)).not.toThrow();
  });

  test("[W28] [G24] uploads in progress count on both, by group and in total", async () => {
    const { a, b, settle } = createWorkers();
    const [first, second] = [a, b].map((exchange) =>
      createByteBudget({ max: 3, groupMax: [2], shared: exchange.gauge("uploads"), createBusyError: () => new AppError("server_busy") }),
    );
    const held = first?.hold(["account"], 1);
    first?.hold(["account"], 1);
    await settle();
    expect(() => second?.hold(["account"], 1)).toThrow(AppError);
    second?.hold(["other"], 1);
    await settle();
    expect(() => first?.hold(["third"], 1)).toThrow(AppError);
    held?.release();
    await settle();
    expect(() => second?.hold(["account"], 1)).not.toThrow();
  });

  test("[W28] [R6] CPU time of a caller is charged on both", async () => {
    const { a, b, settle } = createWorkers();
    const now = () => 0;
    const [first, second] = [a, b].map((exchange) => createCpuBudget({ msPerMinute: 1_000, now, exchange }));
    first?.charge(["account", "project", "key"], 1_000);
    expect(second?.waitMs(["account", "project", "key"])).toBe(0);
    await settle();
    expect(second?.waitMs(["account", "project", "key"])).toBeGreaterThan(0);
    expect(second?.waitMs(["other", "project", "key"])).toBe(0);
  });

  test("[W28] [G20] records that one admitted count at the other before the database reports them", async () => {
    const { a, b, settle } = createWorkers();
    const none = { records: 0, recordBytes: 0, fileBytes: 0, users: 0, endpoints: 0, answerBytes: 0 };
    const counted = { projectId: "project", used: none, own: {} };
    const store = { findByEndpoint: async () => counted, read: async () => [counted] };
    const clock = { now: () => new Date(0) };
    const [first, second] = [a, b].map((exchange) => createQuotas({ store, defaults: { ...none, records: 10 }, clock, exchange }));
    await first?.admit("endpoint", { records: 6 });
    await second?.admit("endpoint", { records: 1 });
    await settle();
    // 7 are stored or admitted.
    await expect((async () => second?.admit("endpoint", { records: 4 }))()).rejects.toThrow("quota");
    await expect((async () => second?.admit("endpoint", { records: 3 }))()).resolves.toBeUndefined();
  });
});
