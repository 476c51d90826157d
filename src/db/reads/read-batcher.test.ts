import { describe, expect, it } from "vitest";
import { createReadBatcher } from "@/src/db/reads/read-batcher";

const BUSY = { code: "server_busy", retryAfterSeconds: 1 };

/** A batcher whose statements end on request. It reads names: the row of "a" is "row of a", and names that begin with "-" have no row. */
function createReads(options: { batchMax?: number; runningMax?: number; waitMsMax?: number; retryMsMax?: number } = {}) {
  const statements: Array<{ names: readonly string[]; finish: () => void; fail: (error: unknown) => void }> = [];
  let begun: () => void = () => undefined;
  const read = createReadBatcher<string, string>({
    ...options,
    readBatch: (names) =>
      new Promise((resolve, reject) => {
        const finish = () => resolve(names.map((name) => (name.startsWith("-") ? undefined : `row of ${name}`)));
        statements.push({ names, finish, fail: reject });
        begun();
      }),
  });
  /** The statement with this index, once it has begun. */
  const statement = async (index: number) => {
    while (statements.length <= index)
      await new Promise<void>((resolve) => {
        begun = resolve;
      });
    const found = statements[index];
    if (!found) throw new Error(`There is no statement ${index}.`);
    return found;
  };
  return { statements, statement, read: (name: string, group = "group") => read(group, name, name) };
}

describe("createReadBatcher", () => {
  it("[R3] sends the reads of one turn together, later ones in the next statement, and gives each its own row", async () => {
    const { statements, statement, read } = createReads();
    const first = [read("a"), read("-"), read("b")];
    expect(statements).toHaveLength(0);
    const { names, finish } = await statement(0);
    expect(names).toEqual(["a", "-", "b"]);
    const later = [read("c"), read("d")];
    finish();
    expect(await Promise.all(first)).toEqual(["row of a", undefined, "row of b"]);
    expect((await statement(1)).names).toEqual(["c", "d"]);
    statements[1]?.finish();
    expect(await Promise.all(later)).toEqual(["row of c", "row of d"]);
    expect(statements).toHaveLength(2);
  });

  it("[R3] reads a row once for all who wait for it, and again for those who come after the statement began", async () => {
    const { statement, read } = createReads();
    const first = [read("a"), read("a"), read("b")];
    const { names, finish } = await statement(0);
    expect(names).toEqual(["a", "b"]);
    const later = read("a");
    finish();
    expect(await Promise.all(first)).toEqual(["row of a", "row of a", "row of b"]);
    const second = await statement(1);
    expect(second.names).toEqual(["a"]);
    second.finish();
    expect(await later).toBe("row of a");
  });

  it("[E6] limits a statement, and serves groups round robin", async () => {
    const { statement, read } = createReads({ batchMax: 4, runningMax: 1 });
    const reads = [..."abcdef"].map((name) => read(name, "busy"));
    reads.push(read("x", "other"), read("y", "third"));
    const first = await statement(0);
    expect(first.names).toEqual(["a", "x", "y", "b"]);
    first.finish();
    const second = await statement(1);
    expect(second.names).toEqual(["c", "d", "e", "f"]);
    second.finish();
    await Promise.all(reads);
  });

  it("[E6] starts another statement beside a slow one, but not more than allowed", async () => {
    const { statements, statement, read } = createReads({ runningMax: 2 });
    const slow = read("slow");
    await statement(0);
    const quick = read("quick");
    const { names, finish } = await statement(1);
    expect(names).toEqual(["quick"]);
    const third = read("third");
    finish();
    expect(await quick).toBe("row of quick");
    expect((await statement(2)).names).toEqual(["third"]);
    statements[2]?.finish();
    statements[0]?.finish();
    expect(await Promise.all([slow, third])).toEqual(["row of slow", "row of third"]);
  });

  it("[E3] tries the reads of a failed statement one by one, so that each gets its own row or error", async () => {
    const { statements, statement, read } = createReads();
    const reads = Promise.allSettled([read("a"), read("b"), read("c")]);
    (await statement(0)).fail(new Error("connection lost"));
    const error = new Error("still lost");
    (await statement(3)).finish();
    statements[1]?.finish();
    statements[2]?.fail(error);
    expect(statements.slice(1).map(({ names }) => names)).toEqual([["a"], ["b"], ["c"]]);
    expect(await reads).toEqual([
      { status: "fulfilled", value: "row of a" },
      { status: "rejected", reason: error },
      { status: "fulfilled", value: "row of c" },
    ]);
    // A read that was alone is not tried again, and a failure does not stop later reads.
    const alone = read("d");
    (await statement(4)).fail(error);
    await expect(alone).rejects.toBe(error);
    const next = read("e");
    (await statement(5)).finish();
    expect(await next).toBe("row of e");
  });

  it("[E3] does not try reads again whose statement took long to fail: each would wait for as long again", async () => {
    const { statements, statement, read } = createReads({ retryMsMax: 0 });
    const reads = Promise.allSettled([read("a"), read("b")]);
    const error = new Error("timeout exceeded when trying to connect");
    (await statement(0)).fail(error);
    const refused = { status: "rejected", reason: error };
    expect(await reads).toEqual([refused, refused]);
    expect(statements).toHaveLength(1);
  });

  it("[E6] rejects a read that waits too long, and reads on afterwards", async () => {
    const { statement, read } = createReads({ runningMax: 1, waitMsMax: 20 });
    const running = read("running");
    const { finish } = await statement(0);
    await expect(read("late")).rejects.toMatchObject(BUSY);
    finish();
    expect(await running).toBe("row of running");
    const next = read("next");
    const { names, finish: finishNext } = await statement(1);
    expect(names).toEqual(["next"]);
    finishNext();
    expect(await next).toBe("row of next");
  });

  it("[E6] rejects the reads of a group that has too many, and serves the other groups in turn", async () => {
    const { statement, read } = createReads({ runningMax: 1, batchMax: 2 });
    const running = read("running");
    const { finish } = await statement(0);
    for (let index = 0; index < 5_000; index++) void read(`many ${index}`);
    await expect(read("too many")).rejects.toMatchObject(BUSY);
    const other = read("other", "other group");
    finish();
    expect(await running).toBe("row of running");
    const { names, finish: finishNext } = await statement(1);
    expect(names).toEqual(["many 0", "other"]);
    finishNext();
    expect(await other).toBe("row of other");
  });
});
