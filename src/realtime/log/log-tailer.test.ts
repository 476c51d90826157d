/** The tailer against a log in memory: order, gaps, failures, replaced and shortened logs. */
import { describe, expect, it } from "vitest";
import type { LogPosition } from "@/src/core/streams/ports";
import { createMemoryLog, proofAt } from "@/tests/support/memory/memory-log";
import type { TailerListener } from "./listener-index";
import { createLogTailer, type LogTailer } from "./log-tailer";

const EPOCH = "0".repeat(32);
const OTHER_EPOCH = "1".repeat(32);

type Heard = number | { resetFrom: number; resetTo: LogPosition; reason: string };

function createListener(onlyOwner?: string): TailerListener & { heard: Heard[] } {
  const heard: Heard[] = [];
  return {
    heard,
    onlyOwner,
    onChanges: ({ encoded }) => heard.push(...encoded.map(({ change }) => change.seq)),
    onReset: ({ from, to, reason }) => heard.push({ resetFrom: from.seq, resetTo: to, reason }),
  };
}

function setUp({ sliceBytes = 1_000_000, at = 0 }: { sliceBytes?: number; at?: number } = {}) {
  let onPause = (): unknown => undefined;
  const log = createMemoryLog({ epoch: EPOCH, pause: async () => void onPause() });
  log.commit(at);
  const tailer: LogTailer = createLogTailer({ endpointId: log.endpointId, changes: log, sliceBytes });
  const listener = createListener();
  tailer.add(listener);
  /** Calls `act` after the next query has read the log and before its result arrives. */
  const beforeAnswer = (act: () => unknown) => {
    let pauses = 0;
    onPause = () => {
      if (++pauses === 2) act();
    };
  };
  const fail = (error: Error | undefined) => {
    onPause = () => {
      if (error) throw error;
    };
  };
  return { log, tailer, listener, fail, beforeAnswer };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("createLogTailer", () => {
  it("[W4] starts at the position of the log, and delivers later changes", async () => {
    const { log, tailer, listener } = setUp({ at: 5 });
    await tailer.observe(log.position(), undefined);
    await tailer.offer(log.commit(3));
    expect(listener.heard).toEqual([6, 7, 8]);
  });

  it("[W4] delivers changes that continue from the position before offer returns", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    void tailer.offer(log.commit(2));
    expect(listener.heard).toEqual([1, 2]);
  });

  it("[W4] drops changes that it has delivered already", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    const changes = log.commit(3);
    await tailer.offer(changes);
    await tailer.offer(changes);
    await tailer.offer(changes.slice(1, 2));
    await tailer.observe(log.position(), { epoch: EPOCH, seq: 3 });
    expect(listener.heard).toEqual([1, 2, 3]);
  });

  it("[W4] fills a gap from the log, in order", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(3);
    await tailer.offer(log.commit(2));
    expect(listener.heard).toEqual([1, 2, 3, 4, 5]);
  });

  it("[W4] receives notifications in the wrong order, and delivers in the right one", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    const [first, second, third] = [log.commit(1), log.commit(1), log.commit(1)];
    await Promise.all([tailer.offer(third), tailer.offer(first), tailer.offer(second)]);
    expect(listener.heard).toEqual([1, 2, 3]);
  });

  it("[W4] reads a long log in pages", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(2_000);
    await tailer.observe(log.position(), undefined);
    expect(listener.heard).toEqual(range(1, 2_000));
  });

  it("[W4] delivers changes of notifications from before it knew its position", async () => {
    const { log, tailer, listener } = setUp();
    const before = log.position();
    await tailer.offer(log.commit(2));
    expect(listener.heard).toEqual([]);
    await tailer.observe(before, undefined);
    expect(listener.heard).toEqual([1, 2]);
  });

  it("[W4] keeps its position if the log cannot be read, and continues later", async () => {
    const { log, tailer, listener, fail } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(1);
    const hinted = log.commit(1);
    fail(new Error("away"));
    await expect(tailer.offer(hinted)).rejects.toThrow("away");
    expect(listener.heard).toEqual([]);
    fail(undefined);
    await tailer.observe(log.position(), undefined);
    expect(listener.heard).toEqual([1, 2]);
  });

  it("[W7] gives the event loop a turn between slices, and loses nothing", async () => {
    const { log, tailer, listener } = setUp({ sliceBytes: 1_000 });
    await tailer.observe(log.position(), undefined);
    const done = tailer.offer(log.commit(10, { bytes: 500 }));
    expect(listener.heard).toEqual([1, 2]);
    await done;
    expect(listener.heard).toEqual(range(1, 10));
  });

  it("[W4] accepts notifications while it reads the log", async () => {
    const { log, tailer, listener } = setUp({ sliceBytes: 1_000 });
    await tailer.observe(log.position(), undefined);
    const done = tailer.offer(log.commit(10, { bytes: 500 }));
    const later = tailer.offer(log.commit(5, { bytes: 500 }));
    await Promise.all([done, later]);
    expect(listener.heard).toEqual(range(1, 15));
  });

  it("[W4] delivers a change once that arrives by notification and from the log", async () => {
    const { log, tailer, listener, beforeAnswer } = setUp();
    await tailer.observe(log.position(), undefined);
    const changes = log.commit(3);
    beforeAnswer(() => tailer.offer(changes.slice(0, 2)));
    await tailer.observe(log.position(), undefined);
    expect(listener.heard).toEqual([1, 2, 3]);
  });

  it("[W10] does not report changes as expired that were committed during an empty read", async () => {
    const { log, tailer, listener, beforeAnswer } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(10);
    log.trim(10);
    beforeAnswer(() => {
      log.commit(1);
      void tailer.offer(log.commit(1));
    });
    await tailer.observe(log.position(), undefined);
    expect(listener.heard).toEqual([{ resetFrom: 0, resetTo: { epoch: EPOCH, seq: 10 }, reason: "expired" }, 11, 12]);
  });

  it("[W10] reports expired changes, then continues after them", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(10);
    log.trim(7);
    await tailer.observe(log.position(), undefined);
    expect(listener.heard).toEqual([{ resetFrom: 0, resetTo: { epoch: EPOCH, seq: 7 }, reason: "expired" }, 8, 9, 10]);
  });

  it("[W10] reports that all changes have expired", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(10);
    log.trim(10);
    await tailer.observe(log.position(), undefined);
    await tailer.offer(log.commit(1));
    expect(listener.heard).toEqual([{ resetFrom: 0, resetTo: { epoch: EPOCH, seq: 10 }, reason: "expired" }, 11]);
  });

  it("[W10] reports that the log was replaced", async () => {
    const { log, tailer, listener } = setUp({ at: 9 });
    await tailer.observe(log.position(), undefined);
    log.replace({ epoch: OTHER_EPOCH, seq: 4 });
    await tailer.observe(log.position(), { epoch: EPOCH, seq: 9 });
    await tailer.offer(log.commit(1));
    expect(listener.heard).toEqual([
      { resetFrom: 9, resetTo: { epoch: OTHER_EPOCH, seq: 4, proof: proofAt(4) }, reason: "epoch_changed" },
      5,
    ]);
  });

  it("[W10] drops a page of a log that was replaced meanwhile", async () => {
    const { log, tailer, listener, beforeAnswer } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(10);
    beforeAnswer(() => {
      log.replace({ epoch: OTHER_EPOCH, seq: 4 });
      void tailer.observe(log.position(), undefined);
    });
    await tailer.observe(log.position(), undefined);
    expect(listener.heard).toEqual([{ resetFrom: 0, resetTo: { epoch: OTHER_EPOCH, seq: 4, proof: proofAt(4) }, reason: "epoch_changed" }]);
  });

  it("[W10] drops the rest of a page if the log is replaced between two slices", async () => {
    const { log, tailer, listener } = setUp({ sliceBytes: 1_000 });
    await tailer.observe(log.position(), undefined);
    log.commit(10, { bytes: 500 });
    const delivering = tailer.observe(log.position(), undefined);
    while (listener.heard.length === 0) await Promise.resolve();
    log.replace({ epoch: OTHER_EPOCH, seq: 4 });
    await tailer.observe(log.position(), { epoch: EPOCH, seq: 2 });
    await delivering;
    expect(listener.heard).toEqual([
      1,
      2,
      { resetFrom: 2, resetTo: { epoch: OTHER_EPOCH, seq: 4, proof: proofAt(4) }, reason: "epoch_changed" },
    ]);
  });

  it("[W26] detects a log that lost its end and has grown past it since", async () => {
    const { log, tailer, listener } = setUp();
    log.commit(9);
    await tailer.observe(log.position(), undefined);
    const before = tailer.position();
    log.replace({ seq: 12, from: 7 });
    await tailer.observe(log.position(), before);
    await tailer.offer(log.commit(1));
    expect(listener.heard).toEqual([
      { resetFrom: 9, resetTo: { epoch: EPOCH, seq: 12, proof: proofAt(12, 1) }, reason: "log_rewound" },
      13,
    ]);
  });

  it("[W26] continues if the log lost no delivered change", async () => {
    const { log, tailer, listener } = setUp();
    log.commit(7);
    await tailer.observe(log.position(), undefined);
    const before = tailer.position();
    log.replace({ seq: 9, from: 7 });
    await tailer.observe(log.position(), before);
    expect(listener.heard).toEqual([8, 9]);
  });

  it("[W26] detects a committed change in the place of a delivered one", async () => {
    const { log, tailer, listener } = setUp();
    log.commit(9);
    await tailer.observe(log.position(), undefined);
    log.replace({ seq: 8, from: 7 });
    await tailer.offer(log.commit(3));
    expect(listener.heard).toEqual([
      { resetFrom: 9, resetTo: { epoch: EPOCH, seq: 9, proof: proofAt(9, 1) }, reason: "log_rewound" },
      10,
      11,
    ]);
  });

  it("[W26] accepts a repeated change", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    const changes = log.commit(3);
    await tailer.offer(changes);
    await tailer.offer(changes.slice(2));
    expect(listener.heard).toEqual([1, 2, 3]);
  });

  it("[W10] reports that the log has lost its end", async () => {
    const { log, tailer, listener } = setUp({ at: 9 });
    await tailer.observe(log.position(), undefined);
    log.replace({ seq: 7 });
    await tailer.observe(log.position(), { epoch: EPOCH, seq: 9 });
    await tailer.offer(log.commit(1));
    expect(listener.heard).toEqual([{ resetFrom: 9, resetTo: { epoch: EPOCH, seq: 7, proof: proofAt(7) }, reason: "log_rewound" }, 8]);
  });

  it("[W4] ignores a position that is older than its deliveries since", async () => {
    const { log, tailer, listener } = setUp({ at: 2 });
    await tailer.observe(log.position(), undefined);
    const stale = log.position();
    await tailer.offer(log.commit(2));
    await tailer.observe(stale, { epoch: EPOCH, seq: 2 });
    expect(listener.heard).toEqual([3, 4]);
  });

  it("delivers nothing after close", async () => {
    const { log, tailer, listener } = setUp();
    await tailer.observe(log.position(), undefined);
    log.commit(1);
    const reading = tailer.observe(log.position(), undefined);
    tailer.close();
    await reading;
    await tailer.offer(log.commit(1));
    expect(listener.heard).toEqual([]);
  });
});
