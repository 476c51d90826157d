import { describe, expect, it } from "vitest";
import { andThen, isPending, type MaybePromise } from "@/src/core/maybe-promise";

describe("a result that is known", () => {
  it("is passed on in the same turn, without a promise", () => {
    expect(andThen(1, (value) => value + 1)).toBe(2);
    expect(isPending(andThen(undefined, () => null))).toBe(false);
  });

  it("throws at once what the next step throws", () => {
    expect(() =>
      andThen(1, () => {
        throw new Error("refused");
      }),
    ).toThrow("refused");
  });

  it("can be followed by one that is waited for", async () => {
    const result = andThen(1, (value) => Promise.resolve(value + 1));
    expect(isPending(result)).toBe(true);
    expect(await result).toBe(2);
  });
});

describe("a result that is waited for", () => {
  it("is passed on when it is known", async () => {
    const steps: string[] = [];
    const result = andThen(Promise.resolve("late"), (value) => steps.push(value));
    steps.push("early");
    await result;
    expect(steps).toEqual(["early", "late"]);
  });

  it("is recognized whoever made the promise", async () => {
    const foreign: MaybePromise<number> = {
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library
      then: (...listeners) => Promise.resolve(3).then(...listeners),
    };
    expect(isPending(foreign)).toBe(true);
    expect(await andThen(foreign, (value) => value + 1)).toBe(4);
  });

  it("rejects with its own error, without the next step", async () => {
    const failing: MaybePromise<number> = Promise.reject(new Error("away"));
    let hasRun = false;
    const result = andThen(failing, () => {
      hasRun = true;
    });
    await expect(result).rejects.toThrow("away");
    expect(hasRun).toBe(false);
  });
});
