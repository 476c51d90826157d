/** Streams with a filter (W13): matching changes arrive once and in order, however long the evaluation takes, and a filter that fails ends only its own streams. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError, type ErrorCode } from "@/src/shared/errors";
import { formatCursor, parseCursor } from "@/src/shared/streams/cursor";
import { createMemoryHub, EPOCH, type MemoryHub, toGrant, toPrivateGrant, toStart } from "@/tests/support/memory/memory-hub";
import { proofAt } from "@/tests/support/memory/memory-log";
import { createMemorySink, type MemorySink, type StreamMessage } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Subscription } from "../hub/connection";
import type { Start } from "../hub/session";

const PLAIN: Start = { mode: "plain" };
const NOW: Start = { mode: "now" };

/** A filter is a number that divides the matching seqs. `fails 3` fails on seq 3, and `broken` cannot be parsed. */
function createSandbox({ perTurn = 100 }: { perTurn?: number } = {}) {
  const judged: { expression: string; seq: number }[] = [];
  let [parsed, busy] = [0, 0];
  let refusal: ErrorCode = "server_busy";
  let spent: string | undefined;
  const asked: string[] = [];
  let gate = Promise.resolve();
  const filter: Sandbox["filter"] = async (expression, inputs, options) => {
    if (inputs.length === 0) {
      parsed += 1;
      await nextTick();
      if (expression === "broken") throw new AppError("jsonata_invalid");
      return [];
    }
    await gate;
    options?.signal?.throwIfAborted();
    const caller = options?.caller?.[2] ?? "";
    asked.push(caller);
    if (caller === spent) throw new AppError("rate_limited");
    if (busy > 0) {
      busy -= 1;
      throw new AppError(refusal);
    }
    const seqs = inputs.slice(0, perTurn).map((text) => Number.parseInt(JSON.parse(text).uniqueId, 16));
    const [, failing] = /^fails (\d+)$/.exec(expression) ?? [];
    if (failing !== undefined && seqs[0] === Number(failing)) throw new AppError("jsonata_limit");
    const taken = failing === undefined ? seqs : seqs.slice(0, seqs.includes(Number(failing)) ? seqs.indexOf(Number(failing)) : undefined);
    judged.push(...taken.map((seq) => ({ expression, seq })));
    return taken.map((seq) => failing !== undefined || seq % Number(expression) === 0);
  };
  return {
    filter,
    judged,
    parsed: () => parsed,
    /** The callers on whose behalf changes were evaluated. */
    asked,
    /** From now on this caller's CPU budget is spent. */
    spend: (caller: string) => {
      spent = caller;
    },
    refuseWith: (code: ErrorCode) => {
      refusal = code;
    },
    beBusy: (times: number) => {
      busy = times;
    },
    /** Nothing is evaluated until the returned function is called. */
    hold: () => {
      let open = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
  };
}

function setUp(options: { perTurn?: number; queueBytesMax?: number } = {}) {
  const sandbox = createSandbox(options);
  const memory = createMemoryHub({ sandbox, ...(options.queueBytesMax === undefined ? {} : { queueBytesMax: options.queueBytesMax }) });
  return { ...memory, sandbox };
}

interface Stream {
  sink: MemorySink;
  subscription: Subscription | undefined;
  /** Shortened messages: a record is its seq, several are a list, any other message is its type and place. */
  heard(): unknown[];
}

async function open(
  { hub, log }: MemoryHub,
  { start = PLAIN, filter, owner, address = "127.0.0.1" }: { start?: Start; filter?: string; owner?: string; address?: string } = {},
): Promise<Stream> {
  const sink = createMemorySink();
  const grant = owner === undefined ? toGrant(log) : toPrivateGrant(log, owner);
  const subscription = await hub.subscribe({ grant, start, transport: "ws", address, filter, connect: () => sink });
  return { sink, subscription, heard: () => sink.messages().map(toBrief) };
}

function toBrief({ type, record, cursor }: StreamMessage): unknown {
  const toSeq = ({ uniqueId }: { uniqueId: string }) => Number.parseInt(uniqueId, 16);
  const records = record === undefined ? [] : [record].flat();
  if (records.length === 0) return `${type} ${parseCursor(cursor ?? "")?.seq}`;
  return Array.isArray(record) ? records.map(toSeq) : records.map(toSeq)[0];
}

const heardAll = (stream: Stream, count: number) => until(`${count} messages`, () => stream.heard().length >= count);

describe("a stream with a filter", () => {
  it("[W13] receives the matching changes in order; other streams receive all", async () => {
    const memory = setUp({ perTurn: 3 });
    const [filtered, all] = [await open(memory, { filter: "3" }), await open(memory)];
    const { log, publish } = memory;
    publish(log.commit(7));
    publish(log.commit(5));
    await heardAll(filtered, 4);
    expect(filtered.heard()).toEqual([3, 6, 9, 12]);
    expect(all.heard()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(memory.hub.subscriberCount(log.endpointId)).toBe(2);
    expect([...memory.hub.connections()].map(({ filter }) => filter)).toEqual(["3", undefined]);
  });

  it("[W13] is evaluated once for all streams with the same filter and view", async () => {
    const memory = setUp();
    const streams = [
      await open(memory, { filter: "2" }),
      await open(memory, { filter: "2", start: NOW }),
      await open(memory, { filter: "2" }),
    ];
    const own = await open(memory, { filter: "2", owner: "ann" });
    memory.publish([...memory.log.commit(2, { owner: "ann" }), ...memory.log.commit(2, { owner: "bob" })]);
    await heardAll(own, 1);
    for (const stream of streams) await heardAll(stream, 2);
    expect(streams.map((stream) => stream.heard())).toEqual([
      [2, 4],
      ["READY 0", 2, 4],
      [2, 4],
    ]);
    expect(own.heard()).toEqual([2]);
    expect(memory.sandbox.judged.map(({ seq }) => seq).sort()).toEqual([1, 1, 2, 2, 3, 4]);
    expect(memory.sandbox.parsed()).toBe(1);
  });

  it("[W13] a filter that cannot be parsed is refused before the connection is opened", async () => {
    const memory = setUp();
    let connected = 0;
    const request = { grant: toGrant(memory.log), start: PLAIN, transport: "ws" as const, address: "127.0.0.1", filter: "broken" };
    const connect = () => {
      connected += 1;
      return createMemorySink();
    };
    await expect(memory.hub.subscribe({ ...request, connect })).rejects.toMatchObject({ code: "jsonata_invalid" });
    expect([connected, [...memory.hub.connections()].length]).toEqual([0, 0]);
  });

  it("[W13] a filter is parsed once for streams that open at the same time", async () => {
    const memory = setUp();
    await Promise.all(Array.from({ length: 20 }, () => open(memory, { filter: "2" })));
    expect(memory.sandbox.parsed()).toBe(1);
    expect([...memory.hub.connections()]).toHaveLength(20);
  });

  it("[W13] [W21] at most 1,000 different filters on all changes; more streams with the same filter, and with filters on a user's own changes, are allowed", async () => {
    const memory = setUp();
    for (let n = 1; n <= 1_000; n++) await open(memory, { filter: String(n) });
    await expect(open(memory, { filter: "1001" })).rejects.toMatchObject({ code: "too_many_streams" });
    await open(memory, { filter: "1000" });
    const own = await open(memory, { filter: "1001", owner: "ann" });
    const [first] = [...memory.hub.connections()];
    memory.hub.end(first?.id ?? "", new AppError("disconnected"));
    await open(memory, { filter: "1001" });
    expect(own.sink.endedBy()).toBeUndefined();
    expect(memory.hub.subscriberCount(memory.log.endpointId)).toBe(1_002);
  });

  it("[W9] [W13] a BEAT is past changes that were left out, but not past changes that wait for evaluation", async () => {
    const memory = setUp();
    const stream = await open(memory, { filter: "10", start: NOW });
    const release = memory.sandbox.hold();
    memory.publish(memory.log.commit(5));
    stream.subscription?.sendHeartbeat();
    release();
    await until("all changes are evaluated", () => memory.sandbox.judged.length === 5);
    await nextTick();
    stream.subscription?.sendHeartbeat();
    await heardAll(stream, 3);
    expect(stream.heard()).toEqual(["READY 0", "BEAT 0", "BEAT 5"]);
  });

  it("[W9] [W13] resumes with the matching changes that it missed", async () => {
    const memory = setUp();
    memory.log.commit(10);
    const stream = await open(memory, { filter: "4", start: toStart(3) });
    await heardAll(stream, 3);
    memory.publish(memory.log.commit(2));
    await heardAll(stream, 4);
    expect(stream.heard()).toEqual(["READY 3", 4, 8, 12]);
  });

  it("[W7] [W13] changes that arrive faster than they are evaluated are read from the log later, and none is lost", async () => {
    const memory = setUp({ queueBytesMax: 4_000, perTurn: 2 });
    const stream = await open(memory, { filter: "2", start: NOW });
    const release = memory.sandbox.hold();
    for (let n = 0; n < 50; n++) {
      memory.publish(memory.log.commit(2));
      await nextTick();
    }
    release();
    await heardAll(stream, 51);
    memory.publish(memory.log.commit(2));
    await heardAll(stream, 52);
    expect(stream.heard()).toEqual(["READY 0", ...Array.from({ length: 51 }, (_, index) => 2 * (index + 1))]);
    expect(memory.sandbox.judged.map(({ seq }) => seq)).toEqual(Array.from({ length: 102 }, (_, index) => index + 1));
  });

  it("[W7] [W13] many matching changes are sent in slices, so that a client that reads is not treated as slow", async () => {
    const memory = setUp({ queueBytesMax: 8_000 });
    const stream = await open(memory, { filter: "1", start: NOW });
    const release = memory.sandbox.hold();
    memory.publish(memory.log.commit(1));
    await nextTick();
    for (let n = 0; n < 6; n++) memory.publish(memory.log.commit(5));
    release();
    await heardAll(stream, 32);
    expect(stream.sink.endedBy()).toBeUndefined();
    expect(stream.heard()).toEqual(["READY 0", ...Array.from({ length: 31 }, (_, index) => index + 1)]);
    expect(stream.sink.writes()).toBeGreaterThan(4);
  });

  it("[W10] [W13] gets a GAP for changes that expired before they were evaluated", async () => {
    const memory = setUp({ queueBytesMax: 4_000 });
    const stream = await open(memory, { filter: "2", start: NOW });
    const release = memory.sandbox.hold();
    memory.publish(memory.log.commit(2));
    await nextTick();
    memory.publish(memory.log.commit(60));
    memory.log.trim(50);
    release();
    await heardAll(stream, 9);
    expect(stream.heard()).toEqual(["READY 0", 2, "GAP 50", 52, 54, 56, 58, 60, 62]);
  });

  it("[W10] [W13] gets a GAP if the log is replaced during an evaluation, and nothing of the old log after that", async () => {
    const memory = setUp();
    const stream = await open(memory, { filter: "1", start: NOW });
    memory.publish(memory.log.commit(1));
    await heardAll(stream, 2);
    const release = memory.sandbox.hold();
    memory.publish(memory.log.commit(3));
    await nextTick();
    memory.log.replace({ epoch: "1".repeat(32), seq: 2 });
    await memory.hub.poll();
    release();
    memory.publish(memory.log.commit(1));
    await heardAll(stream, 4);
    expect(stream.heard()).toEqual(["READY 0", 1, "GAP 2", 3]);
    expect(stream.sink.messages()[2]).toMatchObject({
      reason: "epoch_changed",
      from: formatCursor({ epoch: EPOCH, seq: 1, proof: proofAt(1) }),
    });
  });

  it.each(["server_busy", "rate_limited"] as const)(
    "[W13] a sandbox that refuses with %s delays the stream, and nothing is lost",
    async (code) => {
      const memory = setUp();
      memory.sandbox.refuseWith(code);
      const [live, behind] = [await open(memory, { filter: "2" }), await open(memory, { filter: "2", start: toStart(0) })];
      memory.sandbox.beBusy(1);
      memory.publish(memory.log.commit(4));
      await nextTick();
      memory.sandbox.beBusy(1);
      const late = await open(memory, { filter: "2", start: toStart(1) });
      await until("all have everything", async () => {
        await memory.hub.poll();
        return live.heard().length === 2 && behind.heard().length === 3 && late.heard().length === 3;
      });
      expect([live.heard(), behind.heard(), late.heard()]).toEqual([
        [2, 4],
        ["READY 0", 2, 4],
        ["READY 1", 2, 4],
      ]);
    },
  );
});

describe("a filter that fails on a record", () => {
  it("[W13] ends the streams with the filter, after the matching changes before, and no others", async () => {
    const memory = setUp();
    const [failing, again, other, all] = [
      await open(memory, { filter: "fails 3" }),
      await open(memory, { filter: "fails 3", start: NOW }),
      await open(memory, { filter: "2" }),
      await open(memory),
    ];
    memory.publish(memory.log.commit(5));
    await until("both are ended", () => failing.sink.endedBy() !== undefined && again.sink.endedBy() !== undefined);
    await heardAll(other, 2);
    expect([failing.sink.endedBy()?.code, again.sink.endedBy()?.code]).toEqual(["jsonata_limit", "jsonata_limit"]);
    expect([failing.heard(), again.heard()]).toEqual([
      [1, 2],
      ["READY 0", 1, 2],
    ]);
    expect([other.heard(), all.heard()]).toEqual([
      [2, 4],
      [1, 2, 3, 4, 5],
    ]);
    expect([...memory.hub.connections()]).toHaveLength(2);
  });

  it("[W13] ends a replaying stream when it gets there, and not a stream that began later", async () => {
    const memory = setUp();
    const release = memory.sandbox.hold();
    await open(memory, { filter: "fails 3" });
    memory.publish(memory.log.commit(4));
    const later = await open(memory, { filter: "fails 3", start: NOW });
    release();
    const replaying = await open(memory, { filter: "fails 3", start: toStart(1) });
    await until("it is ended", () => replaying.sink.endedBy() !== undefined);
    memory.publish(memory.log.commit(1));
    await heardAll(later, 2);
    expect(replaying.heard()).toEqual(["READY 1", 2]);
    expect(replaying.sink.endedBy()?.code).toBe("jsonata_limit");
    expect(later.heard()).toEqual(["READY 4", 5]);
    expect(later.sink.endedBy()).toBeUndefined();
  });

  it("[W13] nothing is evaluated for a stream that has ended", async () => {
    const memory = setUp({ perTurn: 1 });
    memory.log.commit(20);
    const release = memory.sandbox.hold();
    const [live, replaying] = [await open(memory, { filter: "1" }), await open(memory, { filter: "1", start: toStart(0) })];
    memory.publish(memory.log.commit(20));
    await nextTick();
    live.subscription?.closed();
    replaying.subscription?.closed();
    release();
    await nextTick();
    await nextTick();
    expect(memory.sandbox.judged).toEqual([]);
    expect(memory.hub.subscriberCount(memory.log.endpointId)).toBe(0);
  });
});

describe("one filter of several callers", () => {
  const [ANN, BOB] = ["key 192.0.2.1", "key 192.0.2.2"];

  it("[R6] [W13] a caller without CPU budget delays the others neither live nor in a replay", async () => {
    const memory = setUp();
    const first = await open(memory, { filter: "1", address: "192.0.2.1" });
    const second = await open(memory, { filter: "1", address: "192.0.2.2" });
    memory.sandbox.spend(ANN);
    memory.publish(memory.log.commit(3));
    for (const stream of [first, second]) await heardAll(stream, 3);
    const third = await open(memory, { filter: "1", start: toStart(0), address: "192.0.2.2" });
    await heardAll(third, 4);
  });

  it("[R6] [W13] it is evaluated on behalf of each caller in turn, and not of one that has disconnected", async () => {
    const memory = setUp();
    const first = await open(memory, { filter: "1", address: "192.0.2.1" });
    const [second] = [await open(memory, { filter: "1", address: "192.0.2.2" }), await open(memory, { filter: "1", address: "192.0.2.2" })];
    for (let count = 1; count <= 4; count += 1) {
      memory.publish(memory.log.commit(1));
      await heardAll(second, count);
    }
    expect(memory.sandbox.asked).toEqual([ANN, BOB, ANN, BOB]);
    first.subscription?.closed();
    memory.publish(memory.log.commit(1));
    await heardAll(second, 5);
    expect(memory.sandbox.asked.at(-1)).toBe(BOB);
  });
});

describe("an upload of several files through a filter", () => {
  it("[W2] [W13] is one message with the matching files; with cursors, each is a message", async () => {
    const memory = setUp({ perTurn: 2 });
    const [plain, resumable] = [await open(memory, { filter: "2" }), await open(memory, { filter: "2", start: NOW })];
    const { log, publish } = memory;
    publish(log.commit(5, { isUpload: true }));
    publish(log.commit(1));
    publish(log.commit(2, { isUpload: true }));
    await heardAll(plain, 3);
    await heardAll(resumable, 5);
    expect(plain.heard()).toEqual([[2, 4], 6, 8]);
    expect(resumable.heard()).toEqual(["READY 0", 2, 4, 6, 8]);
  });

  it("[W2] [W13] the same if it arrives in parts, and if it is read from the log", async () => {
    const memory = setUp();
    const live = await open(memory, { filter: "2" });
    const upload = memory.log.commit(7, { isUpload: true });
    memory.publish(upload.slice(0, 2));
    await nextTick();
    memory.publish(upload.slice(2));
    await heardAll(live, 1);
    expect(live.heard()).toEqual([[2, 4, 6]]);
    const behind = setUp({ queueBytesMax: 4_000 });
    const slow = await open(behind, { filter: "5" });
    const release = behind.sandbox.hold();
    behind.publish(behind.log.commit(1));
    await nextTick();
    for (let n = 0; n < 10; n++) behind.publish(behind.log.commit(6, { isUpload: true }));
    release();
    await heardAll(slow, 10);
    expect(slow.heard()).toEqual([5, 10, 15, [20, 25], 30, 35, 40, 45, [50, 55], 60]);
  });

  it("[W12] [W13] a client that resumes from its place misses none of it", async () => {
    const memory = setUp();
    memory.log.commit(1);
    memory.log.commit(4, { isUpload: true });
    memory.log.commit(1);
    for (const [after, expected] of [
      [0, [2, 4, 6]],
      [2, [4, 6]],
      [3, [4, 6]],
      [5, [6]],
    ] as const) {
      const stream = await open(memory, { filter: "2", start: toStart(after) });
      await heardAll(stream, expected.length + 1);
      expect(stream.heard()).toEqual([`READY ${after}`, ...expected]);
    }
  });
});
