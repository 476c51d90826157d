/** Positions are read one query at a time. A query starts after the calls that share it. */
import { describe, expect, it } from "vitest";
import type { FoundPosition } from "@/src/core/streams/ports";
import { createPositionReader } from "./position-reader";

interface Query {
  endpointIds: readonly string[];
  answer(seq: number): void;
  fail(error: Error): void;
}

function setUp() {
  const queries: Query[] = [];
  const reader = createPositionReader({
    changes: {
      positions: (endpointIds) =>
        new Promise<Map<string, FoundPosition>>((resolve, reject) => {
          const answer = (seq: number) => resolve(new Map(endpointIds.map((id) => [id, { epoch: "e", seq, proofs: new Map() }])));
          queries.push({ endpointIds, answer, fail: reject });
        }),
    },
  });
  return { queries, reader };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("createPositionReader", () => {
  it("runs one query for simultaneous callers", async () => {
    const { queries, reader } = setUp();
    const answers = [reader.read(["a"]), reader.read(["b"]), reader.read(["a"])];
    await settle();
    expect(queries.map(({ endpointIds }) => endpointIds)).toEqual([["a", "b"]]);
    queries[0]?.answer(1);
    for (const positions of await Promise.all(answers)) expect(positions.get("a")?.seq).toBe(1);
  });

  it("[W4] never uses a query that started before the call", async () => {
    const { queries, reader } = setUp();
    const first = reader.read(["a"]);
    await settle();
    const second = reader.read(["a"]);
    const third = reader.read(["b"]);
    await settle();
    expect(queries).toHaveLength(1);
    queries[0]?.answer(1);
    expect((await first).get("a")?.seq).toBe(1);
    await settle();
    expect(queries.map(({ endpointIds }) => endpointIds)).toEqual([["a"], ["a", "b"]]);
    queries[1]?.answer(2);
    expect((await second).get("a")?.seq).toBe(2);
    expect((await third).get("b")?.seq).toBe(2);
  });

  it("[E3] rejects for the callers of a failed query, and queries again for later ones", async () => {
    const { queries, reader } = setUp();
    const first = reader.read(["a"]);
    await settle();
    const second = reader.read(["a"]);
    queries[0]?.fail(new Error("away"));
    await expect(first).rejects.toThrow("away");
    await settle();
    queries[1]?.answer(2);
    expect((await second).get("a")?.seq).toBe(2);
  });
});
