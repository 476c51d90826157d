import { describe, expect, it } from "vitest";
import type { CallerPath } from "@/src/core/access/caller-path";
import { createCpuBudget } from "./cpu-budget";

const toCaller = (account: string, project = "project", caller = "key"): CallerPath => [account, project, caller];

function setUp(msPerMinute = 6_000) {
  let time = 0;
  const budget = createCpuBudget({ msPerMinute, now: () => time });
  return {
    ...budget,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

describe("a CPU budget", () => {
  it("[R6] lets a caller use its share at once, and then as it is refilled", () => {
    const { charge, waitMs, pass } = setUp();
    charge(toCaller("a"), 5_999);
    expect(waitMs(toCaller("a"))).toBe(0);
    charge(toCaller("a"), 101);
    // 100 ms over the share, which is refilled at 100 ms per second.
    expect(waitMs(toCaller("a"))).toBeCloseTo(1_000);
    pass(999);
    expect(waitMs(toCaller("a"))).toBeGreaterThan(0);
    pass(2);
    expect(waitMs(toCaller("a"))).toBe(0);
  });

  it("[R6] never exceeds the share", () => {
    const { charge, waitMs, pass } = setUp();
    charge(toCaller("a"), 1);
    pass(10 * 60_000);
    charge(toCaller("a"), 6_000);
    expect(waitMs(toCaller("a"))).toBeGreaterThan(0);
  });

  it("[R6] counts keys and networks separately, and all of an account together", () => {
    const { charge, waitMs } = setUp();
    charge(toCaller("a", "one"), 6_000);
    expect(waitMs(toCaller("a", "one"))).toBeGreaterThan(0);
    expect(waitMs(toCaller("a", "one", "another key"))).toBe(0);
    // Using eight projects does not avoid the limit of the account.
    for (let project = 0; project < 6; project += 1) charge(toCaller("a", `project ${project}`), 1_000);
    expect(waitMs(toCaller("a", "a new one"))).toBeGreaterThan(0);
    expect(waitMs(toCaller("b"))).toBe(0);
  });

  it("[R6] recognizes callers that have recently used much, and forgets them over time", () => {
    const { charge, isHeavy, pass } = setUp();
    charge(toCaller("a"), 400);
    expect(isHeavy(toCaller("a"))).toBe(false);
    charge(toCaller("a"), 400);
    expect([isHeavy(toCaller("a")), isHeavy(toCaller("a", "other")), isHeavy(toCaller("b"))]).toEqual([true, false, false]);
    pass(60_000);
    expect(isHeavy(toCaller("a"))).toBe(false);
    for (let project = 0; project < 8; project += 1) charge(toCaller("a", `project ${project}`), 300);
    expect([isHeavy(toCaller("a", "a new one")), isHeavy(toCaller("b"))]).toEqual([true, false]);
  });

  it("[R6] a caller whose job takes long is heavy before the job is charged, and keeps its share", () => {
    const { noteLong, isHeavy, waitMs } = setUp(500);
    noteLong(toCaller("a"));
    expect([isHeavy(toCaller("a")), isHeavy(toCaller("a", "other")), waitMs(toCaller("a"))]).toEqual([true, false, 0]);
    noteLong(toCaller("a", "two"));
    noteLong(toCaller("a", "three"));
    expect(isHeavy(toCaller("a", "other"))).toBe(true);
  });

  it("[R6] 0 means no limit", () => {
    const { charge, waitMs } = setUp(0);
    charge(toCaller("a"), 1_000_000);
    expect(waitMs(toCaller("a"))).toBe(0);
  });

  it("[R6] remembers a bounded number of callers", () => {
    const { charge, waitMs } = setUp();
    charge(toCaller("first", "project", "old"), 7_000);
    for (let n = 0; n < 20_000; n += 1) charge(toCaller(`account ${n}`), 7_000);
    expect(waitMs(toCaller("first", "project", "old"))).toBe(0);
    expect(waitMs(toCaller("account 19999"))).toBeGreaterThan(0);
  });
});
