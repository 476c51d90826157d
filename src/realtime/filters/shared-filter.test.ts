/** A filter of several callers is evaluated on behalf of each in turn. */
import { describe, expect, it } from "vitest";
import { AppError, type ErrorCode } from "@/src/shared/errors";
import type { RecordFilter } from "./record-filter";
import { createSharedFilter } from "./shared-filter";

function setUp() {
  const asked: string[] = [];
  const refusals = new Map<string, { code: ErrorCode; after: number }>();
  const filterOf = (name: string): RecordFilter => ({
    expression: "true",
    caller: ["account", "project", name],
    judge: async (records) => {
      asked.push(name);
      const refusal = refusals.get(name);
      if (!refusal) return { verdicts: records.map(() => true), failed: undefined };
      return { verdicts: records.slice(0, refusal.after).map(() => true), failed: new AppError(refusal.code) };
    },
  });
  const shared = createSharedFilter("true");
  const judge = async (count = 1) => {
    const { verdicts, failed } = await shared.judge(Array(count).fill("{}"), new AbortController().signal);
    return [verdicts.length, failed?.code];
  };
  return { asked, refusals, filterOf, shared, judge };
}

describe("a shared filter", () => {
  it("[R6] [W13] continues with the next caller if the budget of one is spent", async () => {
    const { asked, refusals, filterOf, shared, judge } = setUp();
    for (const name of ["a", "b", "c"]) shared.add(filterOf(name));
    refusals.set("a", { code: "rate_limited", after: 2 });
    refusals.set("b", { code: "rate_limited", after: 0 });
    expect(await judge(5)).toEqual([5, undefined]);
    expect(asked).toEqual(["a", "b", "c"]);
    refusals.set("c", { code: "rate_limited", after: 0 });
    expect(await judge(5)).toEqual([2, "rate_limited"]);
    expect(asked.length).toBe(6);
  });

  it("[W13] a failure of the filter itself is not retried on behalf of another caller", async () => {
    const { asked, refusals, filterOf, shared, judge } = setUp();
    for (const name of ["a", "b"]) shared.add(filterOf(name));
    refusals.set("a", { code: "jsonata_limit", after: 1 });
    expect(await judge(3)).toEqual([1, "jsonata_limit"]);
    expect(asked).toEqual(["a"]);
  });

  it("[W13] a caller with several streams has one turn until its last stream has ended; without callers nothing is evaluated", async () => {
    const { asked, filterOf, shared, judge } = setUp();
    const [one, two] = [filterOf("a"), filterOf("a")];
    for (const filter of [one, two, filterOf("b")]) shared.add(filter);
    for (let count = 0; count < 3; count += 1) await judge();
    shared.remove(one);
    await judge();
    shared.remove(two);
    await judge();
    expect(asked).toEqual(["a", "b", "a", "b", "b"]);
    shared.remove(filterOf("b"));
    expect(await judge()).toEqual([0, "server_busy"]);
  });
});
