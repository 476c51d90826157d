import { describe, expect, it } from "vitest";
import { createSharedCalls } from "@/src/db/reads/share-calls";

/** Shared calls that end on request. */
function createCalls(options?: Parameters<typeof createSharedCalls>[0]) {
  const begun: Array<{ name: string; finish: () => void; fail: (error: unknown) => void }> = [];
  let notify: () => void = () => undefined;
  const share = createSharedCalls<string>(options);
  const ask = (key: string, name: string) =>
    share(
      key,
      () =>
        new Promise((resolve, reject) => {
          begun.push({ name, finish: () => resolve(`result of ${name}`), fail: reject });
          notify();
        }),
    );
  /** The call with this index, once it has begun. */
  const call = async (index: number) => {
    while (begun.length <= index)
      await new Promise<void>((resolve) => {
        notify = resolve;
      });
    const found = begun[index];
    if (!found) throw new Error(`There is no call ${index}.`);
    return found;
  };
  return { begun, ask, call };
}

describe("createSharedCalls", () => {
  it("[R3] gives each caller the result of a call that began after it asked, and shares it with those who asked meanwhile", async () => {
    const { begun, ask, call } = createCalls();
    const first = ask("key", "first");
    const others = [ask("key", "second"), ask("key", "third")];
    expect(begun.map(({ name }) => name)).toEqual(["first"]);
    begun[0]?.finish();
    expect(await first).toBe("result of first");
    (await call(1)).finish();
    const afterwards = ask("key", "fourth");
    expect(await Promise.all(others)).toEqual(["result of second", "result of second"]);
    (await call(2)).finish();
    expect(await afterwards).toBe("result of fourth");
    const alone = ask("key", "fifth");
    expect(begun.map(({ name }) => name)).toEqual(["first", "second", "fourth", "fifth"]);
    begun[3]?.finish();
    expect(await alone).toBe("result of fifth");
  });

  it("[E3] tries a shared call once more if it fails soon, and not if it took long to fail", async () => {
    for (const [retryMsMax, calls] of [
      [60_000, 3],
      [0, 2],
    ] as const) {
      const { begun, ask, call } = createCalls({ retryMsMax });
      const first = ask("key", "first");
      const others = Promise.allSettled([ask("key", "second"), ask("key", "third")]);
      begun[0]?.finish();
      await first;
      const error = new Error("the connection was lost");
      (await call(1)).fail(error);
      if (calls === 3) (await call(2)).fail(error);
      const refused = { status: "rejected", reason: error };
      expect(await others).toEqual([refused, refused]);
      expect(begun).toHaveLength(calls);
    }
  });

  it("[E6] lets callers join a call until its turn comes, also if the queue refuses it", async () => {
    const share = createSharedCalls<number>();
    let begin: () => void = () => undefined;
    let refuse: (error: unknown) => void = () => undefined;
    const inTurn = (call: () => Promise<number>) =>
      new Promise<number>((resolve, reject) => {
        begin = () => resolve(call());
        refuse = reject;
      });
    let calls = 0;
    const call = async () => ++calls;
    const queued = [share("key", call, inTurn), share("key", call, inTurn)];
    expect(calls).toBe(0);
    begin();
    const later = share("key", call);
    expect(await Promise.all([...queued, later])).toEqual([1, 1, 2]);

    const refused = Promise.allSettled([share("key", call, inTurn), share("key", call, inTurn)]);
    refuse("busy");
    expect(await refused).toEqual(Array(2).fill({ status: "rejected", reason: "busy" }));
    expect(await share("key", call)).toBe(3);
  });

  it("[S2] never shares between keys", async () => {
    const { begun, ask } = createCalls();
    const asked = [ask("ann", "ann's"), ask("bob", "bob's")];
    expect(begun.map(({ name }) => name)).toEqual(["ann's", "bob's"]);
    for (const { finish } of begun) finish();
    expect(await Promise.all(asked)).toEqual(["result of ann's", "result of bob's"]);
  });

  it("[E6] begins a second call beside a slow one, and no third", async () => {
    const { begun, ask, call } = createCalls();
    const slow = ask("key", "slow");
    const second = ask("key", "second");
    expect((await call(1)).name).toBe("second");
    const third = ask("key", "third");
    begun[1]?.finish();
    expect(await second).toBe("result of second");
    expect((await call(2)).name).toBe("third");
    begun[2]?.finish();
    expect(await third).toBe("result of third");
    begun[0]?.finish();
    expect(await slow).toBe("result of slow");
  });

  it("[E3] tries a shared call once more, and passes its error to all", async () => {
    const { begun, ask, call } = createCalls();
    const first = Promise.allSettled([ask("key", "first")]);
    const shared = Promise.allSettled([ask("key", "second"), ask("key", "third")]);
    begun[0]?.fail("first error");
    (await call(1)).fail("lost");
    (await call(2)).finish();
    expect(await first).toEqual([{ status: "rejected", reason: "first error" }]);
    expect(await shared).toEqual(Array(2).fill({ status: "fulfilled", value: "result of second" }));

    const again = [ask("key", "fourth"), ask("key", "fifth")];
    const outcomes = Promise.allSettled(again);
    begun[3]?.finish();
    (await call(4)).fail("lost");
    (await call(5)).fail("still lost");
    expect(await outcomes).toEqual([
      { status: "fulfilled", value: "result of fourth" },
      { status: "rejected", reason: "still lost" },
    ]);
  });
});
