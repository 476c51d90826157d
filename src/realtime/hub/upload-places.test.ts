/** Streams that send an upload of several files as one message never have a place within the upload, even while it is being delivered (W16). */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import type { Sandbox } from "@/src/core/sandbox";
import { parseCursor } from "@/src/shared/streams/cursor";
import { JOINED_FRAMES } from "@/tests/support/memory/joined-frames";
import { createMemoryHub, EPOCH, type MemoryHub, toGrant, toStart } from "@/tests/support/memory/memory-hub";
import { createMemoryLog } from "@/tests/support/memory/memory-log";
import { createMemorySink, type MemorySink, type StreamMessage } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import { CURSOR_FRAMES, type StreamFormat } from "../wire/stream-format";
import type { Start } from "./session";

const NOW: Start = { mode: "now" };

/** A hub whose next position query returns what the log had before `meanwhile` ran. Filters are numbers that divide the seqs that pass. */
function setUp(options: { queueBytesMax?: number } = {}) {
  const memoryLog = createMemoryLog({ epoch: EPOCH });
  let meanwhile: () => void | Promise<void> = () => {};
  const changes = {
    ...memoryLog,
    positions: async (...asked: Parameters<typeof memoryLog.positions>) => {
      const found = await memoryLog.positions(...asked);
      const run = meanwhile;
      meanwhile = () => {};
      await run();
      return found;
    },
  };
  const filter: Sandbox["filter"] = async (divisor, inputs) =>
    inputs.map((text) => Number.parseInt(JSON.parse(text).uniqueId, 16) % Number(divisor) === 0);
  const memory = createMemoryHub({ ...options, memoryLog, changes, sandbox: { filter } });
  return {
    ...memory,
    duringNextQuery: (run: typeof meanwhile) => {
      meanwhile = run;
    },
  };
}

async function open(
  { hub, log }: Pick<MemoryHub, "hub" | "log">,
  start: Start,
  { filter, format = JOINED_FRAMES, isSlow = false }: { filter?: string; format?: StreamFormat; isSlow?: boolean } = {},
) {
  const sink = createMemorySink();
  if (isSlow) sink.stall();
  const connect = () => sink;
  const subscription = await hub.subscribe({ grant: toGrant(log), start, transport: "sse", address: "::1", format, filter, connect });
  return { sink, subscription };
}

/** Opens a stream after change 1, at the moment in which the tailer has delivered the first two of the four files of the upload 2 to 5. */
async function openInUpload(
  memory: ReturnType<typeof setUp>,
  start: Start,
  { committedAfter = 0, ...options }: NonNullable<Parameters<typeof open>[2]> & { committedAfter?: number } = {},
) {
  const { log, publish } = memory;
  await open(memory, NOW);
  publish(log.commit(1));
  let upload: Change[] = [];
  memory.duringNextQuery(() => {
    upload = log.commit(4, { isUpload: true, bytes: 1_000 });
    log.commit(committedAfter);
    publish(upload.slice(0, 2));
  });
  return { ...(await open(memory, start, options)), publishRest: () => publish(upload.slice(2)) };
}

/** Shortens a message to its type, the seqs of its records, and its place. */
function toBrief({ type, record, cursor }: StreamMessage): string {
  const seqs = [record ?? []].flat().map(({ uniqueId }: { uniqueId: string }) => Number.parseInt(uniqueId, 16));
  return [type, ...(seqs.length > 0 ? [seqs.join("+")] : []), `at ${parseCursor(cursor ?? "")?.seq}`].join(" ");
}

const received = (sink: MemorySink) => sink.messages().map(toBrief);

describe("a place within an upload that is one message", () => {
  it("[W9] [W16] a stream that opens while an upload is being delivered begins before it, and receives all of it", async () => {
    const memory = setUp();
    const { sink, subscription, publishRest } = await openInUpload(memory, NOW);
    subscription?.sendHeartbeat();
    publishRest();
    await nextTick();
    subscription?.sendHeartbeat();
    await nextTick();
    expect(received(sink)).toEqual(["READY at 1", "BEAT at 1", "POST 2+3+4+5 at 5", "BEAT at 5"]);
  });

  it("[W7] [W16] a slow stream that opened while an upload was being delivered receives all of it from the log", async () => {
    const memory = setUp({ queueBytesMax: 4_000 });
    const { sink, publishRest } = await openInUpload(memory, NOW, { isSlow: true });
    publishRest();
    await until("it is behind", () => [...memory.hub.connections()].some(({ replayedTo }) => replayedTo !== undefined));
    sink.drain();
    await until("the upload", () => sink.messages().length === 2);
    expect(received(sink)).toEqual(["READY at 1", "POST 2+3+4+5 at 5"]);
  });

  it("[W13] [W16] a stream with a new filter that opens while an upload is being delivered receives all matching files", async () => {
    const memory = setUp();
    const { sink, subscription, publishRest } = await openInUpload(memory, NOW, { filter: "1" });
    publishRest();
    await until("the upload", () => sink.messages().length === 2);
    subscription?.sendHeartbeat();
    await nextTick();
    expect(received(sink)).toEqual(["READY at 1", "POST 2+3+4+5 at 5", "BEAT at 5"]);
  });

  it("[W13] [W16] a stream that opens while the feed of its filter delivers an upload begins before it, and receives all of it", async () => {
    // A slice has one file, so the event loop gets a turn after each.
    const memory = setUp({ queueBytesMax: 4_000 });
    const { log, publish } = memory;
    const first = await open(memory, NOW, { filter: "1", format: CURSOR_FRAMES });
    publish(log.commit(1));
    await until("the first change", () => first.sink.messages().length === 2);
    memory.duringNextQuery(async () => {
      publish(log.commit(4, { isUpload: true, bytes: 1_000 }));
      while (first.sink.messages().length < 4) await nextTick();
    });
    const { sink } = await open(memory, NOW, { filter: "1" });
    await until("the upload", () => sink.messages().length === 2);
    expect(received(sink)).toEqual(["READY at 1", "POST 2+3+4+5 at 5"]);
  });

  it.each([2, 3, 4])(
    "[W9] [W16] resumes after change %d, with a cursor of a stream that has a message for each file: sends the rest, once",
    async (seq) => {
      const memory = setUp();
      const { log, publish } = memory;
      await open(memory, NOW);
      publish(log.commit(1));
      const upload = log.commit(4, { isUpload: true });
      publish(upload.slice(0, 2));
      const { sink } = await open(memory, toStart(seq));
      publish(upload);
      publish(log.commit(1));
      await until("the change after the upload", () => received(sink).at(-1) === "POST 6 at 6");
      const rest = [2, 3, 4, 5].filter((each) => each > seq).join("+");
      expect(received(sink)).toEqual([`READY at ${seq}`, `POST ${rest} at 5`, "POST 6 at 6"]);
    },
  );

  it("[W10] [W13] a gap begins no earlier than the BEAT before it, if a new filter has read ahead of the tailer", async () => {
    const memory = setUp();
    const { log, hub } = memory;
    const { sink, subscription } = await openInUpload(memory, NOW, { filter: "11", committedAfter: 2 });
    await until("the filter has read the log", () => {
      subscription?.sendHeartbeat();
      return received(sink).at(-1) === "BEAT at 7";
    });
    log.commit(4);
    log.trim(10);
    await hub.poll();
    await until("the change after the gap", () => received(sink).at(-1) === "POST 11 at 11");
    const gap = sink.messages().at(-2);
    expect([gap?.type, gap?.from, gap?.to].map((part = "") => parseCursor(part)?.seq ?? part)).toEqual(["GAP", 7, 10]);
  });

  it("[W10] [W16] a gap that occurs while an upload is being delivered begins before the upload", async () => {
    const memory = setUp();
    const { sink } = await openInUpload(memory, NOW);
    memory.log.commit(3);
    memory.log.trim(6);
    await memory.hub.poll();
    await until("the change after the gap", () => sink.messages().length === 4);
    expect(received(sink)).toEqual(["READY at 1", "GAP at 6", "POST 7 at 7", "POST 8 at 8"]);
    expect(parseCursor(sink.messages()[1]?.from ?? "")?.seq).toBe(1);
  });
});
