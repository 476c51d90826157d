import { describe, expect, test, vi } from "vitest";
import { AppError } from "@/src/shared/errors";
import { createFairSemaphore, type FairSemaphoreOptions } from "./fair-semaphore";

const options = {
  permits: 2,
  waiting: { max: 100 },
  waitMsMax: 60_000,
  createBusyError: () => new AppError("server_busy", { retryAfterSeconds: 3 }),
} satisfies FairSemaphoreOptions;

/** Work that records its start and ends on request. */
function createWork(log: string[], name: string) {
  let end: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((resolve, reject) => {
    end = () => resolve(name);
    fail = reject;
  });
  return {
    work: () => {
      log.push(name);
      return promise;
    },
    end,
    fail,
  };
}

/** Lets promises that are already settled run their callbacks. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a fair semaphore", () => {
  test("runs a limited number at once, and starts the next one when one ends or fails", async () => {
    const semaphore = createFairSemaphore(options);
    const begun: string[] = [];
    const works = ["1", "2", "3", "4"].map((name) => createWork(begun, name));
    const results = works.map(({ work }) => semaphore.run(["group"], work));
    await settle();
    expect([begun, semaphore.running, semaphore.waiting]).toEqual([["1", "2"], 2, 2]);
    works[0]?.end();
    await settle();
    expect(begun).toEqual(["1", "2", "3"]);
    works[1]?.fail(new Error("failed"));
    await expect(results[1]).rejects.toThrow("failed");
    await settle();
    expect(begun).toEqual(["1", "2", "3", "4"]);
    works[2]?.end();
    works[3]?.end();
    expect([await results[0], await results[2], await results[3]]).toEqual(["1", "3", "4"]);
    expect([semaphore.running, semaphore.waiting]).toEqual([0, 0]);
  });

  test("a group with a long queue does not delay another", async () => {
    const semaphore = createFairSemaphore({ ...options, permits: 1 });
    const begun: string[] = [];
    const works = ["a1", "a2", "a3", "b1"].map((name) => createWork(begun, name));
    const results = works.map(({ work }, index) => semaphore.run([index < 3 ? "a" : "b"], work));
    for (const { end } of works) end();
    await Promise.all(results);
    expect(begun).toEqual(["a1", "a2", "b1", "a3"]);
  });

  test("a group never exceeds its permits, even if others are free", async () => {
    const semaphore = createFairSemaphore({ ...options, permits: 3, groupPermits: 1 });
    const begun: string[] = [];
    const works = ["a1", "a2", "b1"].map((name) => createWork(begun, name));
    const results = works.map(({ work }, index) => semaphore.run([index < 2 ? "a" : "b"], work));
    await settle();
    expect(begun).toEqual(["a1", "b1"]);
    for (const { end } of works) end();
    await Promise.all(results);
    expect(begun).toEqual(["a1", "b1", "a2"]);
  });

  test("rejects work when too much is queued, with a time to try again", async () => {
    const semaphore = createFairSemaphore({ ...options, permits: 1, waiting: { max: 1 } });
    const first = createWork([], "first");
    const results = [semaphore.run(["a"], first.work), semaphore.run(["a"], async () => "second")];
    await expect(semaphore.run(["a"], async () => "third")).rejects.toMatchObject({ code: "server_busy", retryAfterSeconds: 3 });
    first.end();
    expect(await Promise.all(results)).toEqual(["first", "second"]);
  });

  test("rejects work that has waited too long, and does not run it later", async () => {
    vi.useFakeTimers();
    try {
      const semaphore = createFairSemaphore({ ...options, permits: 1, waitMsMax: 1_000 });
      const begun: string[] = [];
      const [first, second] = [createWork(begun, "first"), createWork(begun, "second")];
      const running = semaphore.run(["a"], first.work);
      const refused = semaphore.run(["a"], second.work).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await refused).toMatchObject({ code: "server_busy" });
      first.end();
      await running;
      expect([begun, semaphore.waiting, semaphore.running]).toEqual([["first"], 0, 0]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("drops aborted work", async () => {
    const semaphore = createFairSemaphore({ ...options, permits: 1 });
    const begun: string[] = [];
    const first = createWork(begun, "first");
    const running = semaphore.run(["a"], first.work);
    const controller = new AbortController();
    const dropped = semaphore.run(["a"], createWork(begun, "second").work, controller.signal);
    controller.abort(new Error("closed"));
    await expect(dropped).rejects.toThrow("closed");
    await expect(semaphore.run(["a"], createWork(begun, "third").work, controller.signal)).rejects.toThrow("closed");
    first.end();
    await running;
    expect([begun, semaphore.waiting]).toEqual([["first"], 0]);
  });
});
