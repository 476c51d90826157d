/** Pages of the log are read once for all who want them at the same time, and never from before they asked. */
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
  it("[W9] asks twice for a thousand who want the same page: for the first, and for all who came after it", async () => {
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

  it("[W9] never answers from a query that started before the call", async () => {
    const { queries, read } = setUp();
    const first = read("a", 0, 32);
    queries[0]?.answer([]);
    // In the very moment in which the answer is there, and nobody has heard of it yet.
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

  it("does not mix up pages, and forgets them once they were read", async () => {
    const { queries, read } = setUp();
    const answers = [read("a", 0, 32), read("b", 0, 32), read("a", 1, 32), read("a", 0, 64)];
    expect(queries.map(({ page }) => page)).toEqual(["a 0 32", "b 0 32", "a 1 32", "a 0 64"]);
    for (const { answer } of queries) answer(changes);
    await Promise.all(answers);
    await settle();
    void read("a", 0, 32);
    expect(queries).toHaveLength(5);
  });

  it("tries again for those who came after a query that failed", async () => {
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
