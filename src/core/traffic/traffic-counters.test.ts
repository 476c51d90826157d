import { describe, expect, it } from "vitest";
import { AppError } from "@/src/shared/errors";
import type { TrafficBatch } from "./ports";
import { createTrafficCounters } from "./traffic-counters";

function setUp() {
  const stored: TrafficBatch[] = [];
  let failure: unknown;
  let at = Date.parse("2026-01-01T00:00:00Z");
  const counters = createTrafficCounters({
    store: {
      add: async (batch) => {
        if (failure !== undefined) throw failure;
        stored.push(batch);
      },
    },
    clock: { now: () => new Date(at) },
  });
  return {
    counters,
    stored,
    counts: () => stored.flatMap((batch) => batch.counts),
    fail: (error: unknown) => {
      failure = error;
    },
    advance: (ms: number) => {
      at += ms;
    },
  };
}

describe("the counters", () => {
  it("[G31] keep what could not be stored for the next time, once", async () => {
    const { counters, counts, fail } = setUp();
    counters.entryOf("p", "e", "k").countRequest(1, 2, 3, 1, undefined);
    fail(new AppError("database_unavailable"));
    await expect(counters.flush()).rejects.toMatchObject({ code: "database_unavailable" });
    counters.entryOf("p", "e", "k").countRequest(1, 2, 3, 0, "rate_limited");
    fail(undefined);
    await counters.flush();
    await counters.flush();
    expect(counts()).toMatchObject([
      { requests: 1, errors: 0, writes: 1, bytesIn: 2, bytesOut: 3 },
      { requests: 1, errors: 1, writes: 0 },
    ]);
  });

  it("[G31] drop a batch that the database cannot store, so that the next ones are stored", async () => {
    const { counters, counts, fail } = setUp();
    counters.entryOf("p", "e", "k").countRequest(1, 0, 0, 0, undefined);
    fail(new Error("invalid input"));
    await expect(counters.flush()).rejects.toThrow("invalid input");
    fail(undefined);
    counters.entryOf("p", "e", "k").countRequest(1, 0, 0, 5, undefined);
    await counters.flush();
    expect(counts()).toMatchObject([{ writes: 5 }]);
  });

  it("[G31] store the most streams of a minute once, and again in the next minute", async () => {
    const { counters, counts, advance } = setUp();
    const entry = counters.entryOf("p", "e", "k");
    entry.openStream();
    entry.openStream();
    entry.closeStream();
    await counters.flush();
    advance(10_000);
    entry.openStream();
    entry.openStream();
    await counters.flush();
    await counters.flush();
    advance(60_000);
    await counters.flush();
    expect(counts().map(({ streams }) => streams)).toEqual([2, 1, 3]);
    expect(counters.entryOf("p", "e", "k")).toBe(entry);
  });

  it("[G31] count at most 100 pairs of endpoint and key of a project apart, and the rest together", async () => {
    const { counters, counts, advance } = setUp();
    for (let index = 0; index < 150; index++) counters.entryOf("p", "e", `k${index}`).countRequest(1, 0, 0, 0, undefined);
    counters.entryOf("q", "e", "k").countRequest(1, 0, 0, 0, undefined);
    await counters.flush();
    const ofProject = counts().filter(({ projectId }) => projectId === "p");
    expect(ofProject).toHaveLength(101);
    expect(ofProject.find(({ endpointId }) => endpointId === null)).toMatchObject({ requests: 50, keyId: null });
    expect(counts().filter(({ projectId }) => projectId === "q")).toMatchObject([{ requests: 1, keyId: "k" }]);
    // Idle entries make room.
    advance(120_000);
    await counters.flush();
    counters.entryOf("p", "e", "new").countRequest(1, 0, 0, 0, undefined);
    await counters.flush();
    expect(counts().at(-1)).toMatchObject({ keyId: "new", requests: 1 });
  });

  it("[G31] count 300 pairs of a project apart in an hour, however they take turns, and the rest together", async () => {
    const { counters, counts, advance } = setUp();
    await counters.flush();
    const countMany = async (first: number, count: number) => {
      for (let n = first; n < first + count; n++) counters.entryOf("p", "e", `k${n}`).countRequest(1, 0, 0, 0, undefined);
      counters.entryOf("other", "e", "k").countRequest(1, 0, 0, 0, undefined);
      await counters.flush();
      advance(60_000);
      await counters.flush();
    };
    for (let minute = 0; minute < 10; minute++) await countMany(minute * 90, 90);
    const pairs = () => new Set(counts().flatMap(({ projectId, keyId }) => (projectId === "p" && keyId !== null ? [keyId] : [])));
    expect(pairs().size).toBe(300);
    const total = counts().reduce((sum, { projectId, requests }) => sum + (projectId === "p" ? requests : 0), 0);
    expect(total).toBe(900);
    // Those that were counted apart stay so.
    await countMany(0, 90);
    expect(counts().filter(({ keyId }) => keyId === "k0")).toHaveLength(2);
    expect(counts().filter(({ projectId, keyId }) => projectId === "other" && keyId === "k")).toHaveLength(11);
    advance(3_600_000);
    await counters.flush();
    await countMany(5_000, 90);
    expect(pairs().size).toBe(390);
  });
});
