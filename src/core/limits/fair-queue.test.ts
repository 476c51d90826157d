import { describe, expect, test } from "vitest";
import { createFairQueue } from "./fair-queue";

describe("a fair queue", () => {
  test("serves one group in the order of arrival", () => {
    const queue = createFairQueue<string>({ max: 10 });
    for (const item of ["a", "b", "c"]) expect(queue.add(["group"], item)).toBe(true);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(["a", "b", "c", undefined]);
    expect(queue.size).toBe(0);
  });

  test("serves groups round robin, regardless of how much each has queued", () => {
    const queue = createFairQueue<string>({ max: 10 });
    for (const item of ["a1", "a2", "a3", "a4"]) queue.add(["a"], item);
    queue.add(["b"], "b1");
    queue.add(["c"], "c1");
    expect(Array.from({ length: 6 }, () => queue.take())).toEqual(["a1", "b1", "c1", "a2", "a3", "a4"]);
  });

  test("is round robin at every level: many projects do not give an account a larger share", () => {
    const queue = createFairQueue<string>({ max: 20 });
    for (let project = 1; project <= 4; project += 1) queue.add(["greedy", `p${project}`, "key"], `greedy ${project}`);
    queue.add(["modest", "p", "key 1"], "modest 1");
    queue.add(["modest", "p", "key 1"], "modest 2");
    queue.add(["modest", "p", "key 2"], "modest other key");
    expect(Array.from({ length: 7 }, () => queue.take())).toEqual([
      "greedy 1",
      "modest 1",
      "greedy 2",
      "modest other key",
      "greedy 3",
      "modest 2",
      "greedy 4",
    ]);
  });

  test("limits the total and each group at each level", () => {
    const queue = createFairQueue<number>({ max: 4, groupMax: [3, 2] });
    expect([queue.add(["a", "x"], 1), queue.add(["a", "x"], 2), queue.add(["a", "x"], 3)]).toEqual([true, true, false]);
    expect([queue.add(["a", "y"], 4), queue.add(["a", "z"], 5)]).toEqual([true, false]);
    expect([queue.add(["b", "x"], 6), queue.add(["c", "x"], 7)]).toEqual([true, false]);
    expect(queue.size).toBe(4);
    // A refused item leaves nothing behind.
    for (let taken = 0; taken < 4; taken += 1) queue.take();
    expect([queue.add(["a", "x"], 8), queue.add(["a", "x"], 9), queue.size]).toEqual([true, true, 2]);
  });

  test("removes items and frees their places", () => {
    const queue = createFairQueue<string>({ max: 2 });
    queue.add(["a", "x"], "first");
    queue.add(["a", "y"], "second");
    expect(queue.remove(["a", "x"], "second")).toBe(false);
    expect(queue.remove(["b", "x"], "first")).toBe(false);
    expect(queue.remove(["a", "x"], "first")).toBe(true);
    expect(queue.remove(["a", "x"], "first")).toBe(false);
    expect(queue.add(["b", "x"], "third")).toBe(true);
    expect([queue.take(), queue.take(), queue.take()]).toEqual(["second", "third", undefined]);
  });

  test("skips blocked groups without moving them", () => {
    const queue = createFairQueue<string>({ max: 4 });
    queue.add(["a"], "a1");
    queue.add(["b"], "b1");
    expect(queue.take((group) => group === "a")).toBe("b1");
    expect(queue.take((group) => group === "a")).toBeUndefined();
    expect([queue.size, queue.take()]).toEqual([1, "a1"]);
  });
});
