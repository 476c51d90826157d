/** Streams with a judge (W29): they receive what a GET would show, whatever the way to them, and nothing is sent unjudged. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { RecordJudge } from "@/src/core/access/record-judge";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import { parseCursor } from "@/src/shared/streams/cursor";
import { createMemoryHub, EPOCH, type MemoryHub, toGrant, toPrivateGrant, toStart } from "@/tests/support/memory/memory-hub";
import { createMemoryJudge, toSeq } from "@/tests/support/memory/memory-judge";
import { proofAt } from "@/tests/support/memory/memory-log";
import { createMemorySink, type MemorySink, type StreamMessage } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Subscription } from "../hub/connection";
import type { Start } from "../hub/session";

const PLAIN: Start = { mode: "plain" };
const NOW: Start = { mode: "now" };
const even = (identity = "even") => createMemoryJudge({ identity, allows: (seq) => seq % 2 === 0 });

interface Stream {
  sink: MemorySink;
  subscription: Subscription | undefined;
  heard(): unknown[];
}

async function open(
  { hub, log }: MemoryHub,
  options: { judge?: RecordJudge; start?: Start; filter?: string; owner?: string; maxMessage?: number } = {},
): Promise<Stream> {
  const { judge, start = PLAIN, filter, owner, maxMessage } = options;
  const sink = createMemorySink();
  const grant = { ...(owner === undefined ? toGrant(log) : toPrivateGrant(log, owner)), ...(judge ? { judge } : {}) };
  const request = { grant, start, transport: "ws" as const, address: "127.0.0.1", filter, messageBytesMax: maxMessage };
  const subscription = await hub.subscribe({ ...request, connect: () => sink });
  return { sink, subscription, heard: () => sink.messages().map(toBrief) };
}

function toBrief({ type, record, cursor }: StreamMessage): unknown {
  if (Array.isArray(record)) return record.map(toSeq);
  return record ? toSeq(record) : `${type} ${parseCursor(cursor ?? "")?.seq}`;
}

const heardAll = (stream: Stream, count: number) => until(`${count} messages`, () => stream.heard().length >= count);

/** A gate for judges whose verdicts are known later. */
function createGate() {
  let release = () => {};
  let gate = Promise.resolve();
  return {
    wait: () => gate.then(() => nextTick()),
    hold: () => {
      gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      return () => release();
    },
  };
}

describe("a stream with a judge", () => {
  it("[W29] receives only what the judge allows, in the same turn as streams without one", async () => {
    const memory = createMemoryHub();
    const [judged, all] = [await open(memory, { judge: even() }), await open(memory)];
    memory.publish(memory.log.commit(4));
    await nextTick();
    expect([judged.heard(), all.heard()]).toEqual([
      [2, 4],
      [1, 2, 3, 4],
    ]);
    expect(memory.hub.subscriberCount(memory.log.endpointId)).toBe(2);
  });

  it("[W29] the same if verdicts take a while, in the order of the log", async () => {
    const memory = createMemoryHub();
    const gate = createGate();
    const judge = createMemoryJudge({ identity: "slow", allows: (seq) => seq % 2 === 0, wait: gate.wait });
    const stream = await open(memory, { judge, start: NOW });
    const release = gate.hold();
    memory.publish(memory.log.commit(3));
    await nextTick();
    memory.publish(memory.log.commit(3));
    stream.subscription?.sendHeartbeat();
    release();
    await heardAll(stream, 5);
    stream.subscription?.sendHeartbeat();
    await heardAll(stream, 6);
    expect(stream.heard()).toEqual(["READY 0", "BEAT 0", 2, 4, 6, "BEAT 6"]);
  });

  it("[W29] sends no hidden fields, and shares the bytes of records that hide nothing", async () => {
    const memory = createMemoryHub();
    const redact = ({ uniqueId, data }: { uniqueId: string; data: string }) => (toSeq({ uniqueId }) === 2 ? '"redacted"' : data);
    const stream = await open(memory, { judge: createMemoryJudge({ identity: "hides", allows: () => true, redact }) });
    memory.publish(memory.log.commit(2));
    await heardAll(stream, 2);
    expect(stream.sink.messages().map(({ record }) => record?.data)).toEqual(["xxxxxxxx", "redacted"]);
  });

  it("[W29] each change is judged once for each identity, and each identity sees its own", async () => {
    const memory = createMemoryHub();
    const [one, two, odd] = [even(), even(), createMemoryJudge({ identity: "odd", allows: (seq) => seq % 2 === 1 })];
    const streams = [
      await open(memory, { judge: one }),
      await open(memory, { judge: two, start: NOW }),
      await open(memory, { judge: odd }),
    ];
    memory.publish(memory.log.commit(4));
    await nextTick();
    expect(streams.map((stream) => stream.heard())).toEqual([
      [2, 4],
      ["READY 0", 2, 4],
      [1, 3],
    ]);
    expect([...one.judged, ...two.judged].sort()).toEqual([1, 2, 3, 4]);
    expect(odd.judged).toEqual([1, 2, 3, 4]);
  });

  it("[W29] a judge whose stream has ended is not asked again", async () => {
    const memory = createMemoryHub();
    const [one, two] = [even(), even()];
    const [first, second] = [await open(memory, { judge: one }), await open(memory, { judge: two })];
    first.subscription?.closed();
    memory.publish(memory.log.commit(2));
    memory.publish(memory.log.commit(2));
    await nextTick();
    expect([one.judged, two.judged, second.heard()]).toEqual([[], [1, 2, 3, 4], [2, 4]]);
    second.subscription?.closed();
    memory.publish(memory.log.commit(1));
    expect(two.judged).toHaveLength(4);
    expect(memory.hub.subscriberCount(memory.log.endpointId)).toBe(0);
  });

  it("[W9] [W29] resumes with what it missed and may read, without a GAP", async () => {
    const memory = createMemoryHub();
    memory.log.commit(7);
    const stream = await open(memory, { judge: even(), start: toStart(1) });
    await heardAll(stream, 4);
    memory.publish(memory.log.commit(2));
    await heardAll(stream, 5);
    expect(stream.heard()).toEqual(["READY 1", 2, 4, 6, 8]);
  });

  it("[W5] [W29] a judge beside ownership: both must allow", async () => {
    const memory = createMemoryHub();
    const stream = await open(memory, { judge: even(), owner: "ann" });
    memory.publish([...memory.log.commit(2, { owner: "ann" }), ...memory.log.commit(2, { owner: "bob" })]);
    await heardAll(stream, 1);
    memory.publish(memory.log.commit(2, { owner: "ann" }));
    await heardAll(stream, 2);
    expect(stream.heard()).toEqual([2, 6]);
  });

  it("[W29] a judge that allows only the records of a user is not asked about others, live and in a replay", async () => {
    const memory = createMemoryHub();
    const toJudge = () => createMemoryJudge({ identity: "ann", allows: (_, { owner }) => owner === "ann", owner: "ann" });
    const [live, replaying] = [toJudge(), toJudge()];
    const stream = await open(memory, { judge: live });
    memory.publish([...memory.log.commit(2, { owner: "ann" }), ...memory.log.commit(3, { owner: "bob" }), ...memory.log.commit(1)]);
    await heardAll(stream, 2);
    stream.subscription?.closed();
    const replayed = await open(memory, { judge: replaying, start: toStart(0) });
    await heardAll(replayed, 3);
    expect([stream.heard(), replayed.heard()]).toEqual([
      [1, 2],
      ["READY 0", 1, 2],
    ]);
    expect([live.judged, replaying.judged]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it("[R6] [W29] a caller without CPU budget does not delay the others with the same judge", async () => {
    const memory = createMemoryHub();
    const allows = () => {
      throw new AppError("rate_limited");
    };
    const spent = createMemoryJudge({ identity: "same", allows, wait: () => nextTick() });
    const good = createMemoryJudge({ identity: "same", allows: (seq) => seq > 1, wait: () => nextTick() });
    const [first, second] = [await open(memory, { judge: spent }), await open(memory, { judge: good })];
    memory.publish(memory.log.commit(3));
    await heardAll(first, 2);
    await heardAll(second, 2);
    expect([first.heard(), second.heard()]).toEqual([
      [2, 3],
      [2, 3],
    ]);
  });

  it("[W2] [W29] an upload is one message with the files that it may read", async () => {
    const memory = createMemoryHub();
    const [plain, resumable] = [await open(memory, { judge: even() }), await open(memory, { judge: even(), start: NOW })];
    const upload = memory.log.commit(7, { isUpload: true });
    memory.publish(upload.slice(0, 3));
    await nextTick();
    memory.publish(upload.slice(3));
    memory.publish(memory.log.commit(2, { isUpload: true }));
    await heardAll(plain, 2);
    await heardAll(resumable, 5);
    expect(plain.heard()).toEqual([[2, 4, 6], 8]);
    expect(resumable.heard()).toEqual(["READY 0", 2, 4, 6, 8]);
    const replayed = await open(memory, { judge: even(), start: toStart(3) });
    await heardAll(replayed, 4);
    expect(replayed.heard()).toEqual(["READY 3", 4, 6, 8]);
  });

  it("[W27] [W29] the size of a message is that without hidden fields", async () => {
    const memory = createMemoryHub();
    const redact = ({ uniqueId, data }: { uniqueId: string; data: string }) => (toSeq({ uniqueId }) === 1 ? '"small"' : data);
    const judge = createMemoryJudge({ identity: "hides", allows: (seq) => seq < 3, redact });
    const stream = await open(memory, { judge, maxMessage: 2_048 });
    memory.publish(memory.log.commit(3, { bytes: 4_000 }));
    await heardAll(stream, 2);
    expect(stream.sink.messages().map(({ type }) => type)).toEqual(["POST", "OMITTED"]);
  });

  it("[W13] [W29] a filter sees only what the judge allows, without hidden fields", async () => {
    const seen: string[] = [];
    const filter: Sandbox["filter"] = async (_, inputs) => {
      seen.push(...inputs);
      return inputs.map((text) => toSeq(JSON.parse(text)) % 3 === 0);
    };
    const memory = createMemoryHub({ sandbox: { filter } });
    const redact = () => '"redacted"';
    const judge = createMemoryJudge({ identity: "even", allows: (seq) => seq % 2 === 0, redact });
    const [both, judged] = [await open(memory, { judge, filter: "3" }), await open(memory, { judge })];
    memory.publish(memory.log.commit(6));
    await heardAll(both, 1);
    await heardAll(judged, 3);
    expect([both.heard(), judged.heard()]).toEqual([[6], [2, 4, 6]]);
    expect(seen.map((text) => [toSeq(JSON.parse(text)), JSON.parse(text).data])).toEqual([
      [2, "redacted"],
      [4, "redacted"],
      [6, "redacted"],
    ]);
  });
});

describe("a judge that cannot judge", () => {
  it.each([
    ["an error of the catalogue", new AppError("access_denied"), "access_denied"],
    ["an unexpected error", new Error("broken"), "internal_error"],
  ])("[W29] %s ends its streams after what came before, and no others", async (_, error, code) => {
    const memory = createMemoryHub();
    const allows = (seq: number) => {
      if (seq === 4) throw error;
      return seq !== 2;
    };
    const [failing, other] = [
      await open(memory, { judge: createMemoryJudge({ identity: "fails", allows }) }),
      await open(memory, { judge: even() }),
    ];
    memory.publish(memory.log.commit(6));
    await until("it is ended", () => failing.sink.endedBy() !== undefined);
    await heardAll(other, 3);
    expect([failing.heard(), failing.sink.endedBy()?.code]).toEqual([[1, 3], code]);
    expect([other.heard(), other.sink.endedBy()]).toEqual([[2, 4, 6], undefined]);
    const replaying = await open(memory, { judge: createMemoryJudge({ identity: "fails", allows }), start: toStart(2) });
    await until("it is ended", () => replaying.sink.endedBy() !== undefined);
    expect([replaying.heard(), replaying.sink.endedBy()?.code]).toEqual([["READY 2", 3], code]);
  });

  it.each(["server_busy", "rate_limited"] as const)("[W29] %s delays the stream, which loses nothing", async (code) => {
    const memory = createMemoryHub();
    let busy = 2;
    const allows = (seq: number) => {
      if (seq === 3 && busy-- > 0) throw new AppError(code);
      return seq % 2 === 1;
    };
    const stream = await open(memory, { judge: createMemoryJudge({ identity: "busy", allows, wait: () => nextTick() }), start: NOW });
    memory.publish(memory.log.commit(5));
    await nextTick();
    memory.publish(memory.log.commit(2));
    await until("everything has arrived", async () => {
      await memory.hub.poll();
      return stream.heard().length === 5;
    });
    expect(stream.heard()).toEqual(["READY 0", 1, 3, 5, 7]);
    expect(stream.sink.endedBy()).toBeUndefined();
  });

  it.each<[string, readonly boolean[]]>([
    ["no verdicts", []],
    ["too many verdicts", [true, true, true]],
  ])("[W29] with %s, nothing is sent", async (_, answer) => {
    const memory = createMemoryHub();
    const judge = createMemoryJudge({ identity: "wrong", allows: () => true, answer: () => answer });
    const stream = await open(memory, { judge });
    memory.publish(memory.log.commit(2));
    await until("it is ended", () => stream.sink.endedBy() !== undefined);
    expect(stream.sink.endedBy()?.code).toBe("internal_error");
    expect(stream.heard()).toEqual([]);
  });
});

describe("a judge that is slow", () => {
  it("[W29] a judge that has time for the first changes only is asked for the others later, and none is lost", async () => {
    const memory = createMemoryHub();
    const whole = createMemoryJudge({ identity: "two at a time", allows: () => true, wait: () => nextTick() });
    const judge: RecordJudge = {
      ...whole,
      judge: (operation, records, options) => whole.judge(operation, records.slice(0, 2), options),
    };
    const stream = await open(memory, { judge, start: NOW });
    memory.publish(memory.log.commit(9));
    const records = () => stream.heard().filter((each) => typeof each === "number");
    await until("9 changes", async () => {
      await memory.hub.poll();
      return records().length >= 9;
    });
    expect(records()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("the cursors of a stream with a judge", () => {
  it("[W26] [W29] have sealed proofs, which say nothing about changes that it may not read", async () => {
    const memory = createMemoryHub();
    memory.log.commit(3);
    const stream = await open(memory, { judge: even(), start: NOW });
    memory.publish(memory.log.commit(2));
    await nextTick();
    stream.subscription?.sendHeartbeat();
    await heardAll(stream, 3);
    const cursors = stream.sink.messages().map(({ cursor }) => parseCursor(cursor ?? ""));
    expect(cursors.map((cursor) => cursor?.seq)).toEqual([3, 4, 5]);
    for (const cursor of cursors) expect(cursor?.proof).toMatch(/^s[0-9a-f]{8}$/);
    for (const cursor of cursors) expect(cursor?.proof).not.toContain(proofAt(cursor?.seq ?? 0));
    const other = createMemoryHub({ memoryLog: memory.log, secret: "another secret" });
    const [foreign, again] = [await open(other, { judge: even(), start: NOW }), await open(memory, { judge: even(), start: NOW })];
    await heardAll(foreign, 1);
    await heardAll(again, 1);
    const [ready, same] = [foreign, again].map(({ sink }) => sink.messages()[0]?.cursor);
    expect(same).toBe(stream.sink.messages()[2]?.cursor);
    expect(ready).not.toBe(same);
  });

  it("[W26] [W29] prove the place of the client: a rewound log is a GAP", async () => {
    const memory = createMemoryHub();
    const live = await open(memory, { judge: even(), start: NOW });
    memory.publish(memory.log.commit(5));
    await nextTick();
    live.subscription?.sendHeartbeat();
    await heardAll(live, 4);
    live.subscription?.closed();
    const cursor = parseCursor(live.sink.messages()[3]?.cursor ?? "");
    if (!cursor) throw new Error("There is no cursor.");
    const again = await open(memory, { judge: even(), start: { mode: "after", cursor } });
    await heardAll(again, 1);
    expect(again.heard()).toEqual(["READY 5"]);
    expect(again.sink.messages()[0]?.cursor).toBe(live.sink.messages()[3]?.cursor);
    memory.log.replace({ seq: 7, from: 4 });
    await memory.hub.poll();
    const late = await open(memory, { judge: even(), start: { mode: "after", cursor } });
    await heardAll(late, 2);
    expect(late.heard()).toEqual(["READY 5", "GAP 7"]);
  });

  it("[W26] [W29] a plain proof is not compared, so that a made-up one cannot be tested", async () => {
    const memory = createMemoryHub();
    memory.log.commit(3);
    for (const proof of [proofAt(3), "00000000"]) {
      const stream = await open(memory, { judge: even(), start: { mode: "after", cursor: { epoch: EPOCH, seq: 3, proof } } });
      stream.subscription?.sendHeartbeat();
      await heardAll(stream, 2);
      expect(stream.heard()).toEqual(["READY 3", "BEAT 3"]);
      expect(stream.sink.messages()[0]?.cursor).toBe(`${EPOCH}-3`);
      stream.subscription?.closed();
    }
  });

  it("[W26] a sealed proof is not compared by a stream without a judge, and does not end it", async () => {
    const memory = createMemoryHub();
    memory.log.commit(3);
    const stream = await open(memory, { start: { mode: "after", cursor: { epoch: EPOCH, seq: 2, proof: "s00000000" } } });
    await heardAll(stream, 2);
    expect(stream.heard()).toEqual(["READY 2", 3]);
  });
});
