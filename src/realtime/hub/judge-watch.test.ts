/** Open streams whose judge depends on other records (W6): they are checked, or ended, when one of these changes, and no others are. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Grant } from "@/src/core/access/access";
import type { JudgeDependency, RecordJudge } from "@/src/core/access/record-judge";
import type { ChangeNotification, ReadPlace } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import { createMemoryHub, EPOCH, toGrant } from "@/tests/support/memory/memory-hub";
import { createMemoryJudge } from "@/tests/support/memory/memory-judge";
import { createMemoryLog } from "@/tests/support/memory/memory-log";
import { createMemorySink, type MemorySink } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";

const USERS = "019a0000-0000-7000-8000-000000000002";
const ROOMS = "019a0000-0000-7000-8000-000000000003";

/** The id of the record that the log's change `seq` creates. */
const idAt = (seq: number) => seq.toString(16).padStart(32, "0");

/** A hub whose endpoint's judges depend on records of two others. Access is checked by `identities`: a judge with another identity is outdated. */
function setUp() {
  const logs = {
    things: createMemoryLog({ epoch: EPOCH }),
    users: createMemoryLog({ epoch: EPOCH, endpointId: USERS }),
    rooms: createMemoryLog({ epoch: EPOCH, endpointId: ROOMS }),
  };
  const all = Object.values(logs);
  const toLog = (endpointId: string) => all.find((log) => log.endpointId === endpointId) ?? logs.things;
  const checked: Grant[] = [];
  const announced: ChangeNotification[] = [];
  const asked: ReadPlace[] = [];
  let isAway = false;
  let isAskingFailed = false;
  let problem: (grant: Grant) => AppError | undefined = () => undefined;
  const memory = createMemoryHub({
    memoryLog: logs.things,
    changes: {
      positions: async (ids, places = []) => {
        if (isAway) throw new AppError("database_unavailable");
        const found = await Promise.all(
          all.map((log) =>
            log.positions(
              ids,
              places.filter(({ endpointId }) => endpointId === log.endpointId),
            ),
          ),
        );
        return new Map(found.flatMap((positions) => [...positions]).filter(([id]) => ids.includes(id)));
      },
      read: (endpointId, ...page) => toLog(endpointId).read(endpointId, ...page),
      readFor: (owner, endpointId, ...page) => toLog(endpointId).readFor(owner, endpointId, ...page),
      findChanged: async (places) => {
        asked.push(...places);
        if (isAskingFailed) throw new AppError("database_unavailable");
        const found = await Promise.all(places.map((place) => toLog(place.endpointId).findChanged([place])));
        return found.flat();
      },
    },
    access: {
      recheck: async (grant) => {
        checked.push(grant);
        return problem(grant);
      },
    },
    onDependencyChange: (notification) => announced.push(notification),
  });
  return {
    ...memory,
    logs,
    announced,
    /** The places that the log was asked about. */
    asked,
    /** The identities of the judges that were checked since the last call. */
    takeChecked: async () => {
      await nextTick();
      await nextTick();
      return checked.splice(0).map(({ judge }) => judge?.identity);
    },
    refuse: (identity: string) => {
      problem = ({ judge }) => (judge?.identity === identity ? new AppError("access_changed") : undefined);
    },
    failAsking: (fails: boolean) => {
      isAskingFailed = fails;
    },
    beAway: (away: boolean) => {
      isAway = away;
    },
    open: async (judge: RecordJudge): Promise<MemorySink & { close(): void }> => {
      const sink = createMemorySink();
      const grant = toGrant(logs.things, { judge });
      const subscription = await memory.hub.subscribe({
        ...{ grant, start: { mode: "plain" }, transport: "ws", address: "127.0.0.1" },
        connect: () => sink,
      });
      return Object.assign(sink, { close: () => subscription?.closed() });
    },
  };
}

const judgeOf = (identity: string, ...dependencies: JudgeDependency[]) =>
  createMemoryJudge({ identity, allows: () => true, dependencies: () => dependencies });
const onUser = (recordId: string): JudgeDependency => ({ endpointId: USERS, recordId, isInIdentity: true });

describe("a judge that depends on the record of its user", () => {
  it("[W6] its streams are checked when that record changes, after caches were notified", async () => {
    const world = setUp();
    const [ann, bob] = [await world.open(judgeOf("ann", onUser(idAt(1)))), await world.open(judgeOf("bob", onUser(idAt(2))))];
    // Each was checked once: the record may have changed before it was watched.
    expect(await world.takeChecked()).toEqual(["ann", "bob"]);
    world.refuse("ann");
    world.publish(world.logs.users.commit(1));
    expect(await world.takeChecked()).toEqual(["ann"]);
    expect([ann.endedBy()?.code, bob.endedBy()]).toEqual(["access_changed", undefined]);
    expect(world.announced).toMatchObject([{ kind: "changes", changes: [{ endpointId: USERS, seq: 1 }] }]);
  });

  it("[W6] the same without a notification, at the next poll", async () => {
    const world = setUp();
    const ann = await world.open(judgeOf("ann", onUser(idAt(3))));
    await world.takeChecked();
    world.refuse("ann");
    world.logs.users.commit(3);
    await world.hub.poll();
    await until("it is ended", () => ann.endedBy() !== undefined);
    expect(ann.endedBy()?.code).toBe("access_changed");
  });

  it("[W6] many changes in a row cause one check", async () => {
    const world = setUp();
    await world.open(judgeOf("ann", onUser(idAt(1))));
    await world.takeChecked();
    world.publish(world.logs.users.commit(1));
    world.hub.recheckDependents(USERS, idAt(1));
    world.hub.recheckDependents(USERS);
    world.hub.recheckDependents(USERS, idAt(2));
    world.hub.recheckDependents(ROOMS);
    expect(await world.takeChecked()).toEqual(["ann"]);
  });

  it("[W6] if the log of what it has found cannot be read, it ends when it can be", async () => {
    const world = setUp();
    const dependencies: JudgeDependency[] = [];
    const ann = await world.open(
      createMemoryJudge({ identity: "ann", allows: () => true, dependencies: () => dependencies, wait: () => nextTick() }),
    );
    world.beAway(true);
    dependencies.push({ endpointId: ROOMS, recordId: idAt(1), isInIdentity: false, seq: 0 });
    world.publish(world.logs.things.commit(1));
    await until("it is judged", () => ann.messages().length === 1);
    await world.hub.poll().catch(() => undefined);
    world.logs.rooms.commit(1);
    world.beAway(false);
    await until("it is ended", async () => {
      await world.hub.poll();
      return ann.endedBy() !== undefined;
    });
    expect(ann.endedBy()?.code).toBe("access_changed");
  });

  it("[W6] nothing is watched for streams that have ended", async () => {
    const world = setUp();
    const ann = await world.open(judgeOf("ann", onUser(idAt(1))));
    expect(world.hub.subscriberCount(USERS)).toBe(0);
    ann.close();
    await world.takeChecked();
    world.publish(world.logs.users.commit(1));
    expect(await world.takeChecked()).toEqual([]);
    expect(world.announced).toEqual([]);
  });

  it("[W6] a user's endpoint that is deleted has its streams checked", async () => {
    const world = setUp();
    await world.open(judgeOf("ann", onUser(idAt(1))));
    await world.takeChecked();
    world.logs.users.remove();
    await world.hub.poll();
    expect(await world.takeChecked()).toEqual(["ann"]);
  });
});

describe("a judge that finds out what it depends on while it judges", () => {
  /** The judge reads a room for the first change that it judges. */
  function createFinder(seq?: number) {
    const dependencies: JudgeDependency[] = [];
    const wait = async () => {
      await nextTick();
      if (dependencies.length === 0) dependencies.push({ endpointId: ROOMS, isInIdentity: false, seq });
    };
    return createMemoryJudge({ identity: "finder", allows: () => true, dependencies: () => dependencies, wait });
  }

  it("[W6] its streams end when a record changes that it has found, and so do those that share its verdicts", async () => {
    const world = setUp();
    const [first, second] = [await world.open(createFinder(0)), await world.open(createFinder(0))];
    const other = await world.open(judgeOf("other"));
    world.publish(world.logs.things.commit(1));
    await until("it has judged", () => first.messages().length + second.messages().length === 2);
    await world.hub.poll();
    expect([first.endedBy(), second.endedBy()]).toEqual([undefined, undefined]);
    world.publish(world.logs.rooms.commit(1));
    await until("both are ended", () => first.endedBy() !== undefined && second.endedBy() !== undefined);
    expect([first.endedBy()?.code, second.endedBy()?.code, other.endedBy()]).toEqual(["access_changed", "access_changed", undefined]);
  });

  it("[W6] a change between the reading and the watching is not missed", async () => {
    const world = setUp();
    world.logs.rooms.commit(3);
    const stream = await world.open(createFinder(2));
    world.publish(world.logs.things.commit(1));
    await until("it has judged", () => stream.messages().length === 1);
    await world.hub.poll();
    await until("it is ended", () => stream.endedBy() !== undefined);
    expect(stream.endedBy()?.code).toBe("access_changed");
  });
});

describe("a judge that has found records of another endpoint by id", () => {
  /** A stream whose judge finds records of the rooms when it judges its next change. */
  async function openFinder() {
    const world = setUp();
    const found: JudgeDependency[] = [];
    const stream = await world.open(
      createMemoryJudge({ identity: "finder", allows: () => true, dependencies: () => found, wait: () => nextTick() }),
    );
    const find = async (record: number, seq: number) => {
      found.push({ endpointId: ROOMS, recordId: idAt(record), isInIdentity: false, seq });
      const before = stream.messages().length;
      world.publish(world.logs.things.commit(1));
      await until("it has judged", () => stream.messages().length > before);
    };
    /** The next poll, and what it causes. */
    const poll = async () => {
      await world.hub.poll();
      for (let turn = 0; turn < 10; turn += 1) await nextTick();
    };
    const edit = (record: number) => world.logs.rooms.commit(1, { editOf: record });
    return { world, stream, find, poll, edit };
  }

  it("[W6] it goes on when others changed between the reading and the watching", async () => {
    const { world, stream, find, poll, edit } = await openFinder();
    world.logs.rooms.commit(2);
    await find(1, 2);
    edit(2);
    world.logs.rooms.commit(1);
    await poll();
    expect(stream.endedBy()).toBeUndefined();
    expect(world.asked).toEqual([{ endpointId: ROOMS, recordId: idAt(1), seq: 2 }]);
    // From now on the log is followed, and not asked.
    world.publish(edit(2));
    await find(1, 5);
    await find(3, 4);
    await poll();
    expect(stream.endedBy()).toBeUndefined();
    expect(world.asked).toHaveLength(1);
    world.publish(edit(1));
    expect(stream.endedBy()?.code).toBe("access_changed");
  });

  it("[W6] it ends if the found record itself changed in between", async () => {
    const { world, stream, find, poll, edit } = await openFinder();
    world.logs.rooms.commit(2);
    await find(1, 2);
    edit(1);
    await poll();
    expect(stream.endedBy()?.code).toBe("access_changed");
  });

  it("[W6] it ends if the changes in between are no longer known", async () => {
    const { world, stream, find, poll } = await openFinder();
    world.logs.rooms.commit(2);
    await find(1, 2);
    world.logs.rooms.commit(2);
    world.logs.rooms.trim(3);
    await poll();
    expect(stream.endedBy()?.code).toBe("access_changed");
  });

  it("[W6] a log that cannot be asked is asked again", async () => {
    const { world, stream, find, poll } = await openFinder();
    world.logs.rooms.commit(2);
    await find(1, 0);
    world.failAsking(true);
    await poll();
    expect([world.asked.length, stream.endedBy()]).toEqual([1, undefined]);
    world.failAsking(false);
    await poll();
    expect(stream.endedBy()?.code).toBe("access_changed");
  });
});

describe("a judge that has found records of the stream's own endpoint", () => {
  /** Returns the stream, and what its judge finds. */
  async function openFinder(...found: JudgeDependency[]) {
    const world = setUp();
    world.publish(world.logs.things.commit(2));
    const dependencies: JudgeDependency[] = found;
    const stream = await world.open(
      createMemoryJudge({ identity: "own", allows: () => true, dependencies: () => dependencies, wait: () => nextTick() }),
    );
    const judgeNew = async (count: number) => {
      const before = stream.messages().length;
      world.publish(world.logs.things.commit(count));
      await until("it has judged", () => stream.messages().length === before + count);
    };
    const edit = (record: number) => world.publish(world.logs.things.commit(1, { editOf: record }));
    return { world, stream, dependencies, judgeNew, edit };
  }
  const own = (recordId: string | undefined, seq: number): JudgeDependency => ({
    ...{ endpointId: createMemoryLog({ epoch: EPOCH }).endpointId, recordId },
    ...{ isInIdentity: false, seq },
  });

  it("[S8] ends at the next poll when a found record changes, however often, and not when others change or are new", async () => {
    const { world, stream, judgeNew, edit } = await openFinder(own(idAt(1), 2));
    await judgeNew(3);
    edit(2);
    await world.hub.poll();
    expect(stream.endedBy()).toBeUndefined();
    for (let n = 0; n < 10; n += 1) edit(1);
    expect(stream.endedBy()).toBeUndefined();
    await world.hub.poll();
    expect(stream.endedBy()?.code).toBe("access_changed");
  });

  it("[S8] ends if it depends on all records, and one changes that is not new", async () => {
    const { world, stream, judgeNew, edit } = await openFinder(own(undefined, 2));
    await judgeNew(3);
    await world.hub.poll();
    expect(stream.endedBy()).toBeUndefined();
    edit(2);
    await world.hub.poll();
    expect(stream.endedBy()?.code).toBe("access_changed");
  });

  it("[S8] a change between the reading and the watching is not missed, and one before the reading does not end it again", async () => {
    const { world, stream, dependencies, judgeNew, edit } = await openFinder();
    edit(1);
    edit(2);
    const readAt = world.logs.things.position().seq;
    await until("it has judged both", () => stream.messages().length === 2);
    dependencies.push(own(idAt(1), readAt));
    await judgeNew(1);
    await world.hub.poll();
    expect(stream.endedBy()).toBeUndefined();
    // It was read before the change.
    dependencies.push(own(idAt(2), readAt - 1));
    await judgeNew(1);
    await world.hub.poll();
    expect(stream.endedBy()?.code).toBe("access_changed");
  });
});
