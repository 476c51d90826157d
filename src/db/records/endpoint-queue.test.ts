import { describe, expect, it } from "vitest";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Work that records its start and ends on request. */
function createWork() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name);
      ends.set(name, () => resolve(name));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await tick();
  };
  return { begun, start, end };
}

describe("createEndpointQueue", () => {
  it("[E4] runs the writers of an endpoint one after the other, in order, and those of other endpoints concurrently", async () => {
    const { begun, start, end } = createWork();
    const queue = createEndpointQueue();
    const all = [queue.run("a", start("a1")), queue.run("a", start("a2")), queue.run("b", start("b1")), queue.run("a", start("a3"))];
    expect(begun).toEqual(["a1", "b1"]);
    expect([queue.running, queue.waiting]).toEqual([2, 2]);
    await end("a1");
    expect(begun).toEqual(["a1", "b1", "a2"]);
    await end("a2");
    await end("a3");
    await end("b1");
    expect(await Promise.all(all)).toEqual(["a1", "a2", "b1", "a3"]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("[E4] limits the number of running writers, and serves endpoints round robin", async () => {
    const { begun, start, end } = createWork();
    const queue = createEndpointQueue({ permits: 1 });
    const all = ["a1", "a2", "a3", "b1"].map((name) => queue.run(name.slice(0, 1), start(name)));
    await end("a1");
    await end("a2");
    await end("b1");
    await end("a3");
    await Promise.all(all);
    expect(begun).toEqual(["a1", "a2", "b1", "a3"]);
  });

  it("[E4] rejects a writer that waited too long, without calling it", async () => {
    const { begun, start, end } = createWork();
    const queue = createEndpointQueue({ waitMsMax: 1 });
    const first = queue.run("a", start("first"));
    await expect(queue.run("a", start("late"))).rejects.toMatchObject({ code: "server_busy", retryAfterSeconds: 1 });
    await end("first");
    await first;
    expect(begun).toEqual(["first"]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("[E4] limits the number and bytes of queued writers, but accepts a single large one", async () => {
    const { start, end } = createWork();
    const queue = createEndpointQueue();
    const held = queue.run("a", start("first"));
    const waiting = Array.from({ length: 1_000 }, () => queue.run("a", async () => undefined));
    await expect(queue.run("a", start("too many"))).rejects.toMatchObject({ code: "server_busy" });
    const large = queue.run("b", start("large"), 65 * 1024 * 1024);
    await expect(queue.run("b", start("too much"), 1)).rejects.toMatchObject({ code: "server_busy" });
    await end("large");
    await large;
    await end("first");
    await Promise.all([held, ...waiting]);
    const next = queue.run("b", start("next"), 1);
    await end("next");
    expect(await next).toBe("next");
  });

  it("runs the next one after a failure", async () => {
    const queue = createEndpointQueue();
    const failing = queue.run("a", async () => {
      throw new Error("no");
    });
    const next = queue.run("a", async () => "next");
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("next");
  });
});
