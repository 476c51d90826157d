import { describe, expect, it } from "vitest";
import { createUserData } from "@/src/core/access/user-data";
import type { Change } from "@/src/core/records/ports";

/** A cache on records and logs in memory, which counts its reads. Reads end when `finish` is called if `isHeld`. */
function createWorld(limits: { entriesMax?: number; charactersMax?: number } = {}) {
  const stored = new Map<string, string>();
  const positions = new Map([["people", { epoch: "e", seq: 10 }]]);
  const held: (() => void)[] = [];
  const world = {
    reads: 0,
    isHeld: false,
    changes: [] as (string | undefined)[],
    stored,
    positions,
    finish: () => {
      for (const end of held.splice(0)) end();
    },
  };
  const userData = createUserData({
    ...limits,
    read: async (_, userId) => {
      world.reads += 1;
      const data = stored.get(userId);
      if (world.isHeld) await new Promise<void>((resolve) => held.push(resolve));
      return data === undefined ? undefined : { data };
    },
    readPositions: async () => new Map(positions),
  });
  userData.onChange(({ userId }) => world.changes.push(userId));
  return { world, userData };
}

const toChange = (id: string, seq: number): Change => ({
  endpointId: "people",
  seq,
  type: "PUT",
  record: { id, version: 2, data: "{}", createdAt: "", updatedAt: "" },
  owner: id,
  at: "",
});

describe("users' own records", () => {
  it("[S7] are read once, also by concurrent requests, and then known at once", async () => {
    const { world, userData } = createWorld();
    world.stored.set("ann", "1");
    expect(await Promise.all([userData.find("people", "ann"), userData.find("people", "ann")])).toEqual(["1", "1"]);
    expect(userData.find("people", "ann")).toBe("1");
    expect(await userData.find("people", "gone")).toBeNull();
    expect(userData.find("people", "gone")).toBeNull();
    expect(world.reads).toBe(2);
  });

  it("[S7] are read again after a change of their user, of their endpoint or of an unknown one", async () => {
    const { world, userData } = createWorld();
    world.stored.set("ann", "1").set("bob", "1");
    await Promise.all([userData.find("people", "ann"), userData.find("people", "bob")]);
    world.stored.set("ann", "2").set("bob", "2");
    userData.notify({ kind: "changes", changes: [toChange("ann", 11)] });
    expect([await userData.find("people", "ann"), await userData.find("people", "bob")]).toEqual(["2", "1"]);
    userData.notify({ kind: "endpoint", endpointId: "others" });
    expect(await userData.find("people", "bob")).toBe("1");
    userData.notify({ kind: "endpoint", endpointId: "people" });
    expect(await userData.find("people", "bob")).toBe("2");
    world.stored.delete("bob");
    userData.notify({ kind: "unknown" });
    expect(await userData.find("people", "bob")).toBeNull();
    expect(world.changes).toEqual(["ann", undefined, undefined]);
  });

  it("[S7] are not cached if a change overtakes their read", async () => {
    const { world, userData } = createWorld();
    world.isHeld = true;
    world.stored.set("ann", "1");
    const early = userData.find("people", "ann");
    world.stored.set("ann", "2");
    userData.notify({ kind: "changes", changes: [toChange("ann", 11)] });
    const late = userData.find("people", "ann");
    world.finish();
    expect([await early, await late]).toEqual(["1", "2"]);
    expect(userData.find("people", "ann")).toBe("2");
  });

  it("[S7] are read again if the log has grown unnoticed, and only then", async () => {
    const { world, userData } = createWorld();
    world.stored.set("ann", "1");
    await userData.find("people", "ann");
    await userData.check();
    await userData.find("people", "ann");
    const reads = world.reads;
    await userData.check();
    expect(userData.find("people", "ann")).toBe("1");
    userData.notify({ kind: "changes", changes: [toChange("bob", 11)] });
    world.positions.set("people", { epoch: "e", seq: 11 });
    await userData.check();
    expect([userData.find("people", "ann"), world.reads]).toEqual(["1", reads]);
    for (const position of [
      { epoch: "e", seq: 12 },
      { epoch: "f", seq: 3 },
    ]) {
      world.stored.set("ann", position.epoch);
      world.positions.set("people", position);
      await userData.check();
      expect(await userData.find("people", "ann")).toBe(position.epoch);
    }
  });

  it("[S7] have a bound: the least recently used ones are dropped first", async () => {
    const { world, userData } = createWorld({ entriesMax: 2, charactersMax: 100 });
    for (const name of ["ann", "bob"]) await userData.find("people", name);
    userData.find("people", "ann");
    await userData.find("people", "carl");
    expect([userData.find("people", "ann"), world.reads]).toEqual([null, 3]);
    world.stored.set("bob", "x".repeat(99));
    await userData.find("people", "bob");
    await userData.find("people", "bob");
    expect(world.reads).toBe(4);
    world.stored.set("dora", "y".repeat(101));
    expect(await userData.find("people", "dora")).toHaveLength(101);
    await userData.find("people", "dora");
    expect(world.reads).toBe(6);
  });
});
