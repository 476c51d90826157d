/** Checks of projects: none is lost, and simultaneous requests share one. */
import { describe, expect, it } from "vitest";
import { createRecheckQueue } from "./recheck-queue";

function setUp() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const queue = createRecheckQueue(async (projectId) => {
    begun.push(projectId);
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  return { queue, begun, end: () => ends.shift()?.() };
}

describe("createRecheckQueue", () => {
  it("[W6] checks at once; requests during a run share one further run", async () => {
    const { queue, begun, end } = setUp();
    const first = queue.add("a");
    expect(begun).toEqual(["a"]);
    const later = [queue.add("a"), queue.add("a"), queue.add("a")];
    end();
    await first;
    await Promise.resolve();
    expect(begun).toEqual(["a", "a"]);
    const last = queue.add("a");
    end();
    await Promise.all(later);
    expect(begun).toEqual(["a", "a", "a"]);
    end();
    await last;
    void queue.add("a");
    expect(begun).toHaveLength(4);
  });

  it("[W6] does not delay one project for another", async () => {
    const { queue, begun, end } = setUp();
    const both = [queue.add("a"), queue.add("b")];
    expect(begun).toEqual(["a", "b"]);
    end();
    end();
    await Promise.all(both);
  });
});
