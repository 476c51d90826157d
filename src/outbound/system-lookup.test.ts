/** Tests that names which resolve slowly are bounded in number and time (M4, H7). */
import { expect, it } from "vitest";
import { createSystemLookup } from "./system-lookup";

/** A resolver whose answers the test gives. */
function createResolver() {
  const started = new Map<string, (addresses: string[]) => void>();
  return { started, resolve: (name: string) => new Promise<string[]>((settle) => started.set(name, settle)) };
}

it("[M4] [H7] asks for two names at a time, and the next when one is done", async () => {
  const { started, resolve } = createResolver();
  const lookup = createSystemLookup({ resolve });
  const found = ["a", "b", "c"].map((name) => lookup(name, undefined));
  expect([...started.keys()]).toEqual(["a", "b"]);
  started.get("b")?.(["192.0.2.2"]);
  expect(await found[1]).toEqual(["192.0.2.2"]);
  expect([...started.keys()]).toEqual(["a", "b", "c"]);
  started.get("c")?.([]);
  expect(await found[2]).toEqual([]);
});

it("[M4] [H7] a caller that gives up is answered at once, and its name keeps its place until it is resolved", async () => {
  const { started, resolve } = createResolver();
  const lookup = createSystemLookup({ resolve });
  const giveUp = new AbortController();
  const [first, second, third] = ["a", "b", "c"].map((name) => lookup(name, giveUp.signal));
  const other = lookup("d", undefined);
  giveUp.abort(new Error("given up"));
  for (const each of [first, second, third]) await expect(each).rejects.toThrow("given up");
  expect([...started.keys()]).toEqual(["a", "b"]);
  started.get("a")?.([]);
  await expect.poll(() => [...started.keys()]).toEqual(["a", "b", "d"]);
  started.get("d")?.(["192.0.2.4"]);
  expect(await other).toEqual(["192.0.2.4"]);
});

it("[M4] [H7] ends after its time, and refuses names while too many wait", async () => {
  const { resolve } = createResolver();
  const lookup = createSystemLookup({ resolve, waitMs: 20 });
  const all = Array.from({ length: 66 }, (_, n) => lookup(String(n), undefined));
  expect(await lookup("one more", undefined)).toEqual([]);
  expect(await Promise.all(all)).toEqual(all.map(() => []));
});
