import { describe, expect, it } from "vitest";
import { createRoom } from "@/src/core/limits/room";
import { createRecentChanges } from "./recent-changes";

const put = (seq: number, id: string) => ({ seq, type: "PUT" as const, record: { id } });
const post = (seq: number, id: string) => ({ seq, type: "POST" as const, record: { id } });

describe("recent changes", () => {
  it("[W6] know whether a record has changed since a place, and nothing of the time before they followed the log", () => {
    const recent = createRecentChanges(createRoom(10));
    expect([recent.isFollowing(), recent.hasChangedSince(100, "a"), recent.hasChangedSince(100)]).toEqual([false, undefined, undefined]);
    recent.reset(5);
    for (const change of [put(6, "a"), post(7, "b"), put(8, "a")]) recent.add(change);
    expect([5, 7, 8].map((seq) => recent.hasChangedSince(seq, "a"))).toEqual([true, true, false]);
    expect([5, 7].map((seq) => recent.hasChangedSince(seq, "b"))).toEqual([true, false]);
    expect(recent.hasChangedSince(5, "c")).toBe(false);
    expect([4, 5, 8].map((seq) => recent.hasChangedSince(seq))).toEqual([undefined, true, false]);
    expect(recent.hasChangedSince(4, "a")).toBeUndefined();
  });

  it("[W6] forget what is older than two calls of age, and then do not know it", () => {
    const recent = createRecentChanges(createRoom(10));
    recent.reset(0);
    recent.add(put(1, "a"));
    recent.age();
    recent.add(put(2, "b"));
    expect(recent.hasChangedSince(0, "a")).toBe(true);
    recent.age();
    expect(recent.hasChangedSince(0, "a")).toBeUndefined();
    expect([recent.hasChangedSince(1, "b"), recent.hasChangedSince(1, "a")]).toEqual([true, false]);
    // Whether any old record has changed takes no room.
    expect(recent.hasChangedSince(0)).toBe(true);
  });

  it("[W6] beyond their own limit and that of all together, know only the newest, and never call a changed record unchanged", () => {
    const room = createRoom(6);
    const [one, two] = [createRecentChanges(room, 4), createRecentChanges(room, 4)];
    for (const recent of [one, two]) recent.reset(0);
    for (let seq = 1; seq <= 40; seq += 1) {
      for (const recent of [one, two]) {
        recent.add(put(seq, `r${seq % 7}`));
        if (seq % 3 === 0) recent.age();
        for (let since = 0; since < seq; since += 1) {
          const changed = new Set(Array.from({ length: seq - since }, (_, n) => `r${(since + 1 + n) % 7}`));
          for (const id of ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]) {
            const known = recent.hasChangedSince(since, id);
            if (known !== undefined) expect([seq, since, id, known]).toEqual([seq, since, id, changed.has(id)]);
          }
        }
      }
    }
    one.close();
    two.close();
    expect(Array.from({ length: 7 }, () => room.take())).toEqual([true, true, true, true, true, true, false]);
  });
});
