/** Tests the order in which classes are served, and the limits. */
import { describe, expect, it } from "vitest";
import { createWeightedQueue } from "@/src/core/limits/weighted-queue";

const WEIGHTS = { login: 4, registration: 1 };

function takeAll(queue: ReturnType<typeof createWeightedQueue<string>>): string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

describe("createWeightedQueue", () => {
  it("serves the heavier class first, and the lighter one in proportion", () => {
    const queue = createWeightedQueue<string>({ max: 100, weights: WEIGHTS });
    for (let n = 1; n <= 3; n++) queue.add(["registration", "p"], `r${n}`);
    for (let n = 1; n <= 9; n++) queue.add(["login", "p"], `l${n}`);
    expect(takeAll(queue)).toEqual(["l1", "r1", "l2", "l3", "l4", "l5", "r2", "l6", "l7", "l8", "l9", "r3"]);
    expect(queue.size).toBe(0);
  });

  it("serves a late item of a heavier class before all queued items of the lighter one", () => {
    const queue = createWeightedQueue<string>({ max: 100, weights: WEIGHTS });
    for (let n = 1; n <= 20; n++) queue.add(["registration", "p"], `r${n}`);
    for (let n = 1; n <= 5; n++) {
      expect(queue.take()).toBe(`r${n}`);
      queue.add(["login", "p"], `l${n}`);
      expect(queue.take()).toBe(`l${n}`);
    }
  });

  it("saves no shares for a class that was empty", () => {
    const queue = createWeightedQueue<string>({ max: 100, weights: WEIGHTS });
    for (let n = 1; n <= 8; n++) queue.add(["login", "p"], `l${n}`);
    expect(takeAll(queue)).toHaveLength(8);
    for (let n = 1; n <= 3; n++) queue.add(["registration", "p"], `r${n}`);
    queue.add(["login", "p"], "l9");
    expect(takeAll(queue).indexOf("l9")).toBeLessThanOrEqual(1);
  });

  it("serves the groups of a class round robin", () => {
    const queue = createWeightedQueue<string>({ max: 100, weights: WEIGHTS });
    for (const item of ["a1", "a2", "a3"]) queue.add(["login", "a"], item);
    queue.add(["login", "b"], "b1");
    expect(takeAll(queue)).toEqual(["a1", "b1", "a2", "a3"]);
  });

  it("limits the total, each class and each group", () => {
    const queue = createWeightedQueue<string>({ max: 5, groupMax: [3, 2], weights: WEIGHTS });
    const add = (...path: string[]) => queue.add(path, path.join());
    expect([add("login", "a"), add("login", "a"), add("login", "a")]).toEqual([true, true, false]);
    expect([add("login", "b"), add("login", "c")]).toEqual([true, false]);
    expect([add("registration", "a"), add("registration", "b"), add("registration", "c")]).toEqual([true, true, false]);
    expect(queue.size).toBe(5);
  });

  it("removes queued items and skips blocked classes", () => {
    const queue = createWeightedQueue<string>({ max: 5, weights: WEIGHTS });
    queue.add(["login", "a"], "l");
    queue.add(["registration", "a"], "r");
    expect(queue.take((name) => name === "login")).toBe("r");
    expect([queue.remove(["login", "a"], "l"), queue.remove(["login", "a"], "l"), queue.size]).toEqual([true, false, 0]);
    expect(queue.take()).toBeUndefined();
  });

  it("throws for an unknown class", () => {
    const queue = createWeightedQueue<string>({ max: 5, weights: WEIGHTS });
    expect(() => queue.add(["other", "a"], "x")).toThrow('no class "other"');
  });
});
