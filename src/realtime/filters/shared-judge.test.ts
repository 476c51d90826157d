/** Tests what the streams of one judge depend on together. */
import { describe, expect, it } from "vitest";
import type { JudgeDependency } from "@/src/core/access/record-judge";
import { createRoom } from "@/src/core/limits/room";
import { createMemoryJudge } from "@/tests/support/memory/memory-judge";
import { ALL_DEPENDENCIES_MAX, createSharedJudge, DEPENDENCIES_MAX } from "./shared-judge";

const [ROOMS, TEAMS, USERS] = ["rooms", "teams", "users"] as const;
const CALLER = ["owner", "project", "key"] as const;
const list = (endpointId: string, from: number, count: number): JudgeDependency[] =>
  Array.from({ length: count }, (_, n) => ({ endpointId, recordId: String(from + n), isInIdentity: false, seq: from + n }));

function addTo(shared: ReturnType<typeof createSharedJudge>, ...dependencies: JudgeDependency[]): void {
  const judge = createMemoryJudge({ identity: "same", allows: () => true, dependencies: () => dependencies });
  shared.add({ judge, caller: CALLER });
}

describe("[S8] the dependencies of streams that share a judge", () => {
  it("are each listed once, and those of the callers' own records are not", () => {
    const shared = createSharedJudge({ hidesFields: false, condition: undefined }, createRoom(ALL_DEPENDENCIES_MAX));
    addTo(shared, ...list(ROOMS, 0, 3), { endpointId: USERS, recordId: "ann", isInIdentity: true });
    addTo(shared, ...list(ROOMS, 1, 3), { endpointId: USERS, recordId: "bob", isInIdentity: true });
    expect(shared.dependencies().map(({ recordId }) => recordId)).toEqual(["0", "1", "2", "3"]);
  });

  it("beyond the limit, all records of their endpoints are one each, however many streams there are", () => {
    const shared = createSharedJudge({ hidesFields: false, condition: undefined }, createRoom(ALL_DEPENDENCIES_MAX));
    for (let stream = 0; stream < 50; stream += 1) addTo(shared, ...list(ROOMS, 100 * stream, 100), ...list(TEAMS, 100 * stream, 100));
    const dependencies = shared.dependencies();
    const whole = dependencies.filter(({ recordId }) => recordId === undefined);
    expect(dependencies).toHaveLength(DEPENDENCIES_MAX + 2);
    // The seq is that of the first one that the list had no room for, so that later changes are noticed.
    expect(whole).toEqual([
      { endpointId: ROOMS, recordId: undefined, isInIdentity: false, seq: 100 },
      { endpointId: TEAMS, recordId: undefined, isInIdentity: false, seq: 100 },
    ]);
    addTo(shared, ...list(ROOMS, 9_000, 100), { endpointId: TEAMS, isInIdentity: false, seq: 1 });
    expect(shared.dependencies()).toHaveLength(DEPENDENCIES_MAX + 2);
  });

  it("of all judges together are limited, and make room for others when their streams have ended", () => {
    const room = createRoom(3);
    const judges = Array.from({ length: 3 }, () => createSharedJudge({ hidesFields: false, condition: undefined }, room));
    const streams = judges.map((shared, index) => {
      const dependencies = () => list(ROOMS, 10 * index, 2);
      const stream = { judge: createMemoryJudge({ identity: String(index), allows: () => true, dependencies }), caller: CALLER };
      shared.add(stream);
      return stream;
    });
    const ids = () => judges.map((shared) => shared.dependencies().map(({ recordId }) => recordId));
    expect(ids()).toEqual([["0", "1"], ["10", undefined], [undefined]]);
    const [first] = streams;
    if (first) judges[0]?.remove(first);
    const next = createSharedJudge({ hidesFields: false, condition: undefined }, room);
    addTo(next, ...list(ROOMS, 90, 3));
    expect(next.dependencies().map(({ recordId }) => recordId)).toEqual(["90", "91", undefined]);
  });

  it("are kept in the list alone", () => {
    let found = list(ROOMS, 0, 2);
    const memory = createMemoryJudge({ identity: "same", allows: () => true, dependencies: () => found });
    const judge = {
      ...memory,
      forgetFound: () => {
        found = [];
      },
    };
    const shared = createSharedJudge({ hidesFields: false, condition: undefined }, createRoom(ALL_DEPENDENCIES_MAX));
    shared.add({ judge, caller: CALLER });
    expect([found.length, shared.dependencies().length]).toEqual([0, 2]);
  });
});
