/** Simultaneous reads of a page share a query, which never starts before the call. */
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { createMemoryLog } from "@/tests/support/memory/memory-log";
import { shareReads } from "./shared-reads";

function setUp() {
  const queries: { page: string; answer(changes: Change[]): void; fail(error: Error): void }[] = [];
  const shared = shareReads<Change[]>(
    (endpointId, after, limit) =>
      new Promise((resolve, reject) => {
        queries.push({ page: `${endpointId} ${after} ${limit}`, answer: resolve, fail: reject });
      }),
  );
  const read = (...page: [endpointId: string, after: number, limit: number]) => shared(undefined, ...page);
  return { queries, read };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const changes = createMemoryLog({ epoch: "e" }).commit(2);

describe("shareReads", () => {
  it("[W9] runs two queries for a thousand callers of the same page: one for the first, and one for all later ones", async () => {
    const { queries, read } = setUp();
    const answers = Array.from({ length: 1_000 }, () => read("a", 0, 32));
    expect(queries).toHaveLength(1);
    queries[0]?.answer([]);
    await settle();
    expect(queries).toHaveLength(2);
    queries[1]?.answer(changes);
    const [first, ...others] = await Promise.all(answers);
    expect(first).toEqual([]);
    for (const page of others) expect(page).toBe(changes);
  });

  it("[W9] never uses a query that started before the call", async () => {
    const { queries, read } = setUp();
    const first = read("a", 0, 32);
    queries[0]?.answer([]);
    // At the moment in which the result has arrived and no caller has received it.
    const second = read("a", 0, 32);
    await first;
    await settle();
    expect(queries).toHaveLength(2);
    const third = read("a", 0, 32);
    queries[1]?.answer(changes.slice(0, 1));
    expect(await second).toHaveLength(1);
    await settle();
    expect(queries).toHaveLength(3);
    queries[2]?.answer(changes);
    expect(await third).toBe(changes);
  });

  it("does not mix up pages, and forgets them after the read", async () => {
    const { queries, read } = setUp();
    const answers = [read("a", 0, 32), read("b", 0, 32), read("a", 1, 32), read("a", 0, 64)];
    expect(queries.map(({ page }) => page)).toEqual(["a 0 32", "b 0 32", "a 1 32", "a 0 64"]);
    for (const { answer } of queries) answer(changes);
    await Promise.all(answers);
    await settle();
    void read("a", 0, 32);
    expect(queries).toHaveLength(5);
  });

  it("queries again for callers after a failed query", async () => {
    const { queries, read } = setUp();
    const first = read("a", 0, 32);
    const second = read("a", 0, 32);
    queries[0]?.fail(new Error("away"));
    await expect(first).rejects.toThrow("away");
    await settle();
    queries[1]?.answer(changes);
    expect(await second).toBe(changes);
  });
});
