/** Tests sign-ins with an in-memory store: results are current, queries are shared, and every end is noticed. */
import { describe, expect, it } from "vitest";
import type { SignIn } from "@/src/core/access/ports";
import { createSignIns } from "./sign-ins";

const signIn = (id: string, userId = "ada"): SignIn => ({ kind: "session", id, userId });

function setUp() {
  const queries: string[][] = [];
  const valid = new Set<string>();
  const logged: string[] = [];
  const store = {
    findValid: async (signIns: readonly SignIn[]) => {
      queries.push(signIns.map(({ id }) => id));
      return new Set(signIns.map(({ id }) => id).filter((id) => valid.has(id)));
    },
  };
  const signIns = createSignIns({ store, log: { error: (_, message) => logged.push(message) } });
  const ended: string[] = [];
  signIns.onInvalidate((userId) => ended.push(userId));
  return { signIns, queries, valid, ended, logged };
}

describe("createSignIns", () => {
  it("[W6] reads the current state, with one query per tick", async () => {
    const { signIns, queries, valid } = setUp();
    valid.add("a");
    expect(await Promise.all([signIn("a"), signIn("b"), signIn("a")].map(signIns.isValid))).toEqual([true, false, true]);
    expect(queries).toEqual([["a", "b"]]);
    valid.clear();
    expect(await signIns.isValid(signIn("a"))).toBe(false);
  });

  it("[W6] a check reads only watched sign-ins, each once, and notifies for every account with an ended one", async () => {
    const { signIns, queries, valid, ended } = setUp();
    await signIns.check();
    expect(queries).toEqual([]);
    valid.add("a").add("c");
    const stops = [signIn("a"), signIn("a"), signIn("b"), signIn("c", "bob")].map(signIns.watch);
    await signIns.check();
    expect(queries).toEqual([["a", "b", "c"]]);
    expect(ended).toEqual(["ada"]);
    stops[0]?.();
    stops[0]?.();
    stops[2]?.();
    await signIns.check();
    expect(queries.at(-1)).toEqual(["a", "c"]);
    expect(ended).toEqual(["ada"]);
    for (const stop of stops) stop();
    await signIns.check();
    expect(queries).toHaveLength(2);
  });

  it("a listener that throws affects neither the other listeners nor the caller", () => {
    const { signIns, logged } = setUp();
    const heard: string[] = [];
    signIns.onInvalidate(() => {
      throw new Error("broken");
    });
    const stop = signIns.onInvalidate((userId) => heard.push(userId));
    signIns.invalidate("ada");
    stop();
    signIns.invalidate("ada");
    expect(heard).toEqual(["ada"]);
    expect(logged).toHaveLength(2);
  });
});
