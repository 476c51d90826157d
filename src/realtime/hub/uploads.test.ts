/** An upload of several files is one message to plain subscribers, however the tailer gets its changes, and one per file with cursors. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { parseCursor } from "@/src/shared/streams/cursor";
import { createMemoryHub, type MemoryHub, toGrant, toPrivateGrant, toStart } from "@/tests/support/memory/memory-hub";
import { createMemorySink } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Start } from "./session";

const PLAIN: Start = { mode: "plain" };

async function subscribe({ hub, log }: MemoryHub, { start = PLAIN, owner }: { start?: Start; owner?: string } = {}) {
  const sink = createMemorySink();
  const grant = owner === undefined ? toGrant(log) : toPrivateGrant(log, owner);
  await hub.subscribe({ grant, start, transport: "ws", address: "127.0.0.1", connect: () => sink });
  return () => sink.messages().map(toBrief);
}

/** Shortens messages: a record to its seq, several to a list, any other message to its type. */
function toBrief({ type, record }: { type: string; record?: unknown }): unknown {
  if (record === undefined) return type;
  return Array.isArray(record) ? record.map(toSeq) : toSeq(record);
}

function toSeq(record: unknown): number {
  const id = typeof record === "object" && record !== null && "uniqueId" in record ? record.uniqueId : undefined;
  return Number.parseInt(String(id), 16);
}

describe("an upload of several files", () => {
  it("[W2] is one message between those of other changes", async () => {
    const memory = createMemoryHub();
    const heard = await subscribe(memory);
    const { log, publish } = memory;
    publish(log.commit(1));
    publish(log.commit(3, { isUpload: true }));
    publish(log.commit(2, { isUpload: true }));
    publish(log.commit(1));
    await nextTick();
    expect(heard()).toEqual([1, [2, 3, 4], [5, 6], 7]);
  });

  it("[W2] is one message, even if its changes arrive in parts and between other notifications", async () => {
    const memory = createMemoryHub();
    const heard = await subscribe(memory);
    const { log, publish } = memory;
    const upload = log.commit(4, { isUpload: true });
    const [later] = [log.commit(1)];
    publish(upload.slice(0, 2));
    publish(upload.slice(1, 3));
    await nextTick();
    publish(later);
    await until("all has come", () => heard().length === 2);
    expect(heard()).toEqual([[1, 2, 3, 4], 5]);
  });

  it("[W2] is one message, even if it is read from the log in several turns and pages", async () => {
    // Each change is larger than a slice, so the event loop gets a turn after each.
    const memory = createMemoryHub({ queueBytesMax: 4_000 });
    const heard = await subscribe(memory);
    memory.log.commit(31);
    memory.log.commit(3, { isUpload: true, bytes: 1_100 });
    await memory.hub.poll();
    await until("all has come", () => heard().length === 32);
    expect(heard().at(-1)).toEqual([32, 33, 34]);
  });

  it("[W2] [W5] is one message to its owner, and none to other users", async () => {
    const memory = createMemoryHub();
    const [mine, others] = [await subscribe(memory, { owner: "a" }), await subscribe(memory, { owner: "b" })];
    memory.publish(memory.log.commit(2, { isUpload: true, owner: "a" }));
    memory.publish(memory.log.commit(1, { owner: "b" }));
    await nextTick();
    expect([mine(), others()]).toEqual([[[1, 2]], [3]]);
  });

  it("[W9] is one message per record if each has its cursor, live and replayed; a client can resume from any of them", async () => {
    const memory = createMemoryHub();
    const { log, publish } = memory;
    const live = await subscribe(memory, { start: { mode: "now" } });
    publish(log.commit(3, { isUpload: true }));
    await nextTick();
    expect(live()).toEqual(["READY", 1, 2, 3]);
    const sink = createMemorySink();
    await memory.hub.subscribe({ grant: toGrant(log), start: toStart(1), transport: "ws", address: "127.0.0.1", connect: () => sink });
    await until("the rest is replayed", () => sink.messages().length === 3);
    expect(sink.messages().map(({ cursor }) => parseCursor(cursor ?? "")?.seq)).toEqual([1, 2, 3]);
  });

  it("[W10] continues after a gap in its middle, and does not mix with later changes", async () => {
    const memory = createMemoryHub();
    const heard = await subscribe(memory);
    const { log, publish, hub } = memory;
    publish(log.commit(4, { isUpload: true }).slice(0, 1));
    log.trim(2);
    await hub.poll();
    publish(log.commit(1));
    await until("all has come", () => heard().length === 2);
    expect(heard()).toEqual([[3, 4], 5]);
  });
});
