/** The hub, its tailers and sessions against a log in memory: what subscribers receive, and when their streams end. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Grant } from "@/src/core/access/access";
import { AppError } from "@/src/shared/errors";
import { formatCursor, parseCursor } from "@/src/shared/streams/cursor";
import { EPOCH, PROJECT_ID, createMemoryHub as setUp, toGrant, toPrivateGrant, toStart } from "@/tests/support/memory/memory-hub";
import { createMemoryLog, type MemoryLog, proofAt } from "@/tests/support/memory/memory-log";
import { createMemorySink, type StreamMessage } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Hub, HubOptions } from "./hub";
import type { Start } from "./session";

const OTHER_EPOCH = "1".repeat(32);

async function subscribe(hub: Hub, log: MemoryLog, start: Start = { mode: "plain" }, grant: Partial<Grant> = {}) {
  const sink = createMemorySink();
  const subscription = await hub.subscribe({
    grant: toGrant(log, grant),
    start,
    transport: "ws",
    address: "127.0.0.1",
    connect: () => sink,
  });
  if (!subscription) throw new Error("not subscribed");
  return { sink, subscription };
}

const cursorOf = (seq: number, epoch = EPOCH) => formatCursor({ epoch, seq, proof: proofAt(seq) });
const range = (from: number, to: number) => Array.from({ length: Math.max(to - from + 1, 0) }, (_, index) => from + index);

/** Shortens messages: a change to its seq, any other message to its type and cursor. */
function brief(messages: readonly StreamMessage[]): (number | string)[] {
  return messages.map((message) =>
    message.record ? Number.parseInt(message.record.uniqueId, 16) : `${message.type} ${parseCursor(message.cursor ?? "")?.seq}`,
  );
}

describe("createHub", () => {
  it("[W2] sends a plain subscriber the changes after it connected, and nothing else", async () => {
    const { log, hub, publish } = setUp();
    publish(log.commit(2));
    const { sink } = await subscribe(hub, log);
    publish(log.commit(3));
    await nextTick();
    expect(brief(sink.messages())).toEqual([3, 4, 5]);
    expect(sink.messages().every((message) => Object.keys(message).join() === "type,record")).toBe(true);
  });

  it("[W4] does not send a later subscriber earlier changes, even if the tailer is behind", async () => {
    const { log, hub } = setUp();
    const first = await subscribe(hub, log);
    log.commit(3); // the notification is lost
    const second = await subscribe(hub, log);
    log.commit(1);
    await hub.poll();
    await nextTick();
    expect(brief(first.sink.messages())).toEqual([1, 2, 3, 4]);
    expect(brief(second.sink.messages())).toEqual([4]);
  });

  it("[W4] delivers changes without a notification at the next poll", async () => {
    const { log, hub, notifications } = setUp();
    const { sink } = await subscribe(hub, log);
    log.commit(2);
    await hub.poll();
    log.commit(1);
    notifications.publish({ kind: "endpoint", endpointId: log.endpointId });
    await nextTick();
    log.commit(1);
    notifications.publish({ kind: "unknown" });
    await nextTick();
    await nextTick();
    expect(brief(sink.messages())).toEqual([1, 2, 3, 4]);
  });

  it("writes the frames of a tick at once", async () => {
    const { log, hub, publish } = setUp();
    const { sink } = await subscribe(hub, log);
    for (let i = 0; i < 8; i++) publish(log.commit(1));
    await nextTick();
    expect(brief(sink.messages())).toEqual(range(1, 8));
    expect(sink.writes()).toBe(1);
  });

  it("[W9] sends READY first, then the missed changes, then live ones", async () => {
    const { log, hub, publish } = setUp();
    publish(log.commit(5));
    const { sink } = await subscribe(hub, log, toStart(2));
    await hub.poll();
    publish(log.commit(1));
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 2", 3, 4, 5, 6]);
    expect(sink.messages().map((message) => message.cursor)).toEqual([2, 3, 4, 5, 6].map((seq) => cursorOf(seq)));
  });

  it("[W9] since=now starts at the present", async () => {
    const { log, hub, publish } = setUp();
    publish(log.commit(5));
    const { sink, subscription } = await subscribe(hub, log, { mode: "now" });
    publish(log.commit(1));
    subscription.sendHeartbeat();
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 5", 6, "BEAT 6"]);
  });

  it("[W9] READY has the place of the stream, even if changes were delivered while it was being opened", async () => {
    let onPause = () => undefined as unknown;
    const { log, hub, publish } = setUp({ pause: async () => void onPause() });
    publish(log.commit(5));
    await subscribe(hub, log);
    let pauses = 0;
    onPause = () => {
      // After the query has read the log, and before its result arrives.
      if (++pauses === 2) publish(log.commit(1));
    };
    const { sink } = await subscribe(hub, log, { mode: "now" });
    publish(log.commit(1));
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 6", 7]);
  });

  it("[W9] sends no BEAT to a plain subscriber", async () => {
    const { log, hub } = setUp();
    const { sink, subscription } = await subscribe(hub, log);
    subscription.sendHeartbeat();
    await nextTick();
    expect(sink.messages()).toEqual([]);
  });

  it("[W10] sends GAP for a cursor of another epoch, then live changes", async () => {
    const { log, hub, publish } = setUp();
    publish(log.commit(5));
    const { sink } = await subscribe(hub, log, toStart(2, OTHER_EPOCH));
    publish(log.commit(1));
    await nextTick();
    expect(sink.messages().slice(0, 2)).toEqual([
      { type: "READY", cursor: cursorOf(2, OTHER_EPOCH) },
      { type: "GAP", from: cursorOf(2, OTHER_EPOCH), to: cursorOf(5), reason: "epoch_changed", cursor: cursorOf(5) },
    ]);
    expect(brief(sink.messages().slice(2))).toEqual([6]);
  });

  it("[W10] sends GAP for a cursor ahead of the log, then live changes", async () => {
    const { log, hub, publish } = setUp();
    publish(log.commit(5));
    const { sink } = await subscribe(hub, log, toStart(9));
    publish(log.commit(1));
    await nextTick();
    expect(sink.messages()[1]).toEqual({ type: "GAP", from: cursorOf(9), to: cursorOf(5), reason: "log_rewound", cursor: cursorOf(5) });
    expect(brief(sink.messages())).toEqual(["READY 9", "GAP 5", 6]);
  });

  it("[W10] sends GAP for expired changes, then the rest, then live changes", async () => {
    const { log, hub, publish } = setUp();
    log.commit(5);
    log.trim(3);
    const { sink } = await subscribe(hub, log, toStart(1));
    await hub.poll();
    publish(log.commit(1));
    await nextTick();
    // The proof of the expired change is unknown.
    const to = formatCursor({ epoch: EPOCH, seq: 3 });
    expect(sink.messages()[1]).toEqual({ type: "GAP", from: cursorOf(1), to, reason: "expired", cursor: to });
    expect(brief(sink.messages())).toEqual(["READY 1", "GAP 3", 4, 5, 6]);
  });

  it("[W10] sends GAP if all changes have expired", async () => {
    const { log, hub, publish } = setUp();
    log.commit(5);
    log.trim(5);
    const { sink } = await subscribe(hub, log, toStart(1));
    await hub.poll();
    publish(log.commit(1));
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 1", "GAP 5", 6]);
  });

  it("[W10] sends GAP on an open stream if the log is replaced; a plain stream continues", async () => {
    const { log, hub, publish } = setUp();
    publish(log.commit(5));
    const resumable = await subscribe(hub, log, { mode: "now" });
    const plain = await subscribe(hub, log);
    log.replace({ epoch: OTHER_EPOCH, seq: 3 });
    await hub.poll();
    publish(log.commit(1));
    await nextTick();
    expect(resumable.sink.messages().slice(1)).toEqual([
      { type: "GAP", from: cursorOf(5), to: cursorOf(3, OTHER_EPOCH), reason: "epoch_changed", cursor: cursorOf(3, OTHER_EPOCH) },
      expect.objectContaining({ type: "POST", cursor: cursorOf(4, OTHER_EPOCH) }),
    ]);
    expect(brief(plain.sink.messages())).toEqual([4]);
  });

  it("[W9] a replay waits for a slow client and does not end it", async () => {
    const { log, hub, publish } = setUp({ queueBytesMax: 100_000 });
    log.commit(100, { bytes: 10_000 });
    const sink = createMemorySink();
    sink.stall();
    await hub.subscribe({ grant: toGrant(log), start: toStart(0), transport: "ws", address: "127.0.0.1", connect: () => sink });
    await hub.poll();
    expect(sink.unsentBytes()).toBeLessThan(100_000);
    publish(log.commit(1));
    while (sink.messages().length < 102) {
      sink.drain();
      await nextTick();
    }
    expect(sink.endedBy()).toBeUndefined();
    expect(brief(sink.messages())).toEqual(["READY 0", ...range(1, 101)]);
  });

  it("[W7] ends a subscriber over its limit; the others receive everything", async () => {
    const { log, hub, publish } = setUp({ queueBytesMax: 10_000 });
    const slow = await subscribe(hub, log);
    const fast = await subscribe(hub, log);
    slow.sink.stall();
    for (let i = 0; i < 20; i++) {
      publish(log.commit(1, { bytes: 1_000 }));
      await nextTick();
    }
    expect(slow.sink.endedBy()?.code).toBe("slow_consumer");
    expect(slow.sink.unsentBytes()).toBeLessThanOrEqual(10_000);
    expect(brief(fast.sink.messages())).toEqual(range(1, 20));
    expect(hub.subscriberCount(log.endpointId)).toBe(1);
  });

  it("[W7] a burst larger than the limit does not end clients that read", async () => {
    const { log, hub, publish } = setUp({ queueBytesMax: 10_000 });
    const { sink } = await subscribe(hub, log);
    publish(log.commit(100, { bytes: 3_000 }));
    await until("all of it", () => sink.messages().length === 100);
    expect(sink.endedBy()).toBeUndefined();
    expect(brief(sink.messages())).toEqual(range(1, 100));
  });

  it("[W7] sends a frame larger than the limit if the queue is empty", async () => {
    const { log, hub, publish } = setUp({ queueBytesMax: 10_000 });
    const { sink } = await subscribe(hub, log);
    publish(log.commit(1, { bytes: 20_000 }));
    await nextTick();
    expect(brief(sink.messages())).toEqual([1]);
  });
});

describe("streams of users", () => {
  it("[W5] live, a user receives its own changes; a stream that reads everything receives all", async () => {
    const { log, hub, publish } = setUp();
    const all = await subscribe(hub, log);
    const ann = await subscribe(hub, log, { mode: "plain" }, toPrivateGrant(log, "ann"));
    const bob = await subscribe(hub, log, { mode: "now" }, toPrivateGrant(log, "bob"));
    for (const owner of ["ann", null, "bob", "ann", "carl"]) publish(log.commit(1, { owner }));
    await nextTick();
    expect(brief(all.sink.messages())).toEqual(range(1, 5));
    expect(brief(ann.sink.messages())).toEqual([1, 4]);
    expect(brief(bob.sink.messages())).toEqual(["READY 0", 3]);
  });

  it("[W5] [W9] [W10] a replay passes over changes of others without a GAP", async () => {
    const { log, hub, publish } = setUp();
    for (let i = 0; i < 300; i++) log.commit(1, { owner: i % 100 === 0 ? "ann" : "bob" });
    const { sink } = await subscribe(hub, log, toStart(1), toPrivateGrant(log, "ann"));
    await hub.poll();
    publish(log.commit(1, { owner: "bob" }));
    publish(log.commit(1, { owner: "ann" }));
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 1", 101, 201, 302]);
  });

  it("[W5] [W10] a replay reports expired changes, whoever owned them", async () => {
    const { log, hub } = setUp();
    log.commit(5, { owner: "bob" });
    log.commit(1, { owner: "ann" });
    log.trim(3);
    const { sink } = await subscribe(hub, log, toStart(1), toPrivateGrant(log, "ann"));
    await hub.poll();
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 1", "GAP 3", 6]);
  });

  it("[W5] [W15] BEAT moves the cursor past changes of others, so that a replay does not read them again", async () => {
    const { log, hub, publish } = setUp();
    const { sink, subscription } = await subscribe(hub, log, { mode: "now" }, toPrivateGrant(log, "ann"));
    publish(log.commit(1, { owner: "ann" }));
    publish(log.commit(7, { owner: "bob" }));
    subscription.sendHeartbeat();
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 0", 1, "BEAT 8"]);
  });

  it("[W5] [W15] a GAP on an open stream begins at the place of the stream, not at its last change", async () => {
    const { log, hub, publish } = setUp();
    const { sink } = await subscribe(hub, log, { mode: "now" }, toPrivateGrant(log, "ann"));
    publish(log.commit(5, { owner: "bob" }));
    log.replace({ epoch: OTHER_EPOCH, seq: 3 });
    await hub.poll();
    await nextTick();
    expect(sink.messages()[1]).toMatchObject({ from: cursorOf(5), to: cursorOf(3, OTHER_EPOCH), reason: "epoch_changed" });
  });
});

describe("access of open streams", () => {
  it("[W6] ends exactly the streams whose access token has expired", async () => {
    const { log, hub, setNow } = setUp();
    const ann = await subscribe(hub, log, { mode: "plain" }, toPrivateGrant(log, "ann"));
    const user = { id: "bob", tokenId: "token", tokenExpiresAt: new Date("2026-01-01T00:01:00Z") };
    const bob = await subscribe(hub, log, { mode: "plain" }, { user, onlyOwner: "bob" });
    setNow(new Date("2026-01-01T00:00:59.999Z"));
    await hub.poll();
    expect(bob.sink.endedBy()).toBeUndefined();
    setNow(new Date("2026-01-01T00:01:00Z"));
    await hub.poll();
    expect(bob.sink.endedBy()?.code).toBe("token_expired");
    expect(ann.sink.endedBy()).toBeUndefined();
  });

  it("[W6] watches the tokens of the project while a stream of a user is open", async () => {
    const { log, hub, tokenWatched } = setUp();
    await subscribe(hub, log);
    expect(tokenWatched).toEqual([]);
    const { subscription } = await subscribe(hub, log, { mode: "plain" }, toPrivateGrant(log, "ann"));
    expect(tokenWatched).toEqual([PROJECT_ID]);
    subscription.closed();
    expect(tokenWatched).toEqual([]);
  });

  it("[W6] rechecks a token that may have ended while its stream was being opened", async () => {
    const asked: string[] = [];
    const recheck = async (grant: Grant) => {
      asked.push(grant.user?.id ?? "");
      return new AppError("token_revoked");
    };
    const { log, hub, raiseTokenGeneration } = setUp({ access: { recheck } });
    const before = await subscribe(hub, log, { mode: "plain" }, toPrivateGrant(log, "ann"));
    raiseTokenGeneration();
    const { sink } = await subscribe(hub, log, { mode: "plain" }, toPrivateGrant(log, "bob"));
    const plain = await subscribe(hub, log);
    await nextTick();
    expect(asked).toEqual(["bob"]);
    expect(sink.endedBy()?.code).toBe("token_revoked");
    expect([before.sink.endedBy(), plain.sink.endedBy()]).toEqual([undefined, undefined]);
  });

  it("[W6] ends exactly the streams whose key has expired", async () => {
    const { log, hub, setNow } = setUp();
    const lasting = await subscribe(hub, log);
    const expiring = await subscribe(hub, log, { mode: "plain" }, { keyExpiresAt: new Date("2026-01-01T00:01:00Z") });
    setNow(new Date("2026-01-01T00:00:59.999Z"));
    await hub.poll();
    expect(expiring.sink.endedBy()).toBeUndefined();
    setNow(new Date("2026-01-01T00:01:00Z"));
    await hub.poll();
    expect(expiring.sink.endedBy()?.code).toBe("key_expired");
    expect(lasting.sink.endedBy()).toBeUndefined();
  });

  it("[W6] ends exactly the project's streams that lost access", async () => {
    const { log, hub } = setUp({
      access: { recheck: async (grant) => (grant.keyId === "revoked" ? new AppError("key_revoked") : undefined) },
    });
    const valid = await subscribe(hub, log);
    const revoked = await subscribe(hub, log, { mode: "plain" }, { keyId: "revoked" });
    const foreign = await subscribe(hub, log, { mode: "plain" }, { keyId: "revoked", projectId: "another" });
    await hub.recheck(PROJECT_ID);
    expect(revoked.sink.endedBy()?.code).toBe("key_revoked");
    expect([valid.sink.endedBy(), foreign.sink.endedBy()]).toEqual([undefined, undefined]);
  });

  it("[W6] checks access again at the next poll if a check fails", async () => {
    let isAway = true;
    const { log, hub } = setUp({
      access: {
        recheck: async () => {
          if (isAway) throw new AppError("database_unavailable");
          return new AppError("key_revoked");
        },
      },
    });
    const { sink } = await subscribe(hub, log);
    await hub.recheck(PROJECT_ID);
    expect(sink.endedBy()).toBeUndefined();
    isAway = false;
    await hub.poll();
    expect(sink.endedBy()?.code).toBe("key_revoked");
  });

  it("[W6] ends the streams of a deleted endpoint", async () => {
    const { log, hub } = setUp();
    const { sink } = await subscribe(hub, log);
    log.remove();
    await hub.poll();
    expect(sink.endedBy()?.code).toBe("endpoint_deleted");
    await expect(subscribe(hub, log)).rejects.toMatchObject({ code: "endpoint_or_key_invalid" });
  });

  it("[W6] watches the project while one of its streams is open", async () => {
    const { log, hub, watched } = setUp();
    const { subscription } = await subscribe(hub, log);
    expect(watched).toEqual([PROJECT_ID]);
    subscription.closed();
    expect(watched).toEqual([]);
  });
});

describe("bookkeeping", () => {
  it("counts and lists open streams", async () => {
    const { log, hub } = setUp();
    const first = await subscribe(hub, log, { mode: "now" }, { origin: "https://example.com" });
    await subscribe(hub, log);
    expect(hub.subscriberCount(log.endpointId)).toBe(2);
    expect([...hub.connections()][0]).toMatchObject({
      transport: "ws",
      endpointId: log.endpointId,
      endpointName: "test/endpoint",
      userId: null,
      origin: "https://example.com",
      resumable: true,
      openedSeq: 0,
      replayedTo: undefined,
    });
    first.subscription.closed();
    first.subscription.closed();
    expect(hub.subscriberCount(log.endpointId)).toBe(1);
    expect([...hub.connections()]).toHaveLength(1);
  });

  it("does not query the log without subscribers", async () => {
    const { log, hub } = setUp({
      pause: async () => {
        throw new Error("asked");
      },
    });
    await hub.poll();
    expect(hub.subscriberCount(log.endpointId)).toBe(0);
  });

  it("[W8] ends every stream at shutdown, and refuses new ones", async () => {
    const { log, hub } = setUp();
    const { sink } = await subscribe(hub, log);
    hub.closeAll(new AppError("server_shutdown"));
    expect(sink.endedBy()?.code).toBe("server_shutdown");
    await expect(subscribe(hub, log)).rejects.toMatchObject({ code: "server_shutdown" });
  });

  it("[E3] refuses new streams while the database is unavailable; open ones continue when it is back", async () => {
    let isAway = false;
    const { log, hub } = setUp({
      pause: async () => {
        if (isAway) throw new AppError("database_unavailable");
      },
    });
    const { sink } = await subscribe(hub, log);
    isAway = true;
    log.commit(2);
    await expect(hub.poll()).rejects.toMatchObject({ code: "database_unavailable" });
    await expect(subscribe(hub, log)).rejects.toMatchObject({ code: "database_unavailable" });
    isAway = false;
    await hub.poll();
    await until("the missed changes", () => sink.messages().length === 2);
    expect(brief(sink.messages())).toEqual([1, 2]);
  });

  it("[W9] a replay that the database interrupts continues at a later poll", async () => {
    let failures = 0;
    const { log, hub } = setUp({
      pause: async () => {
        if (failures-- > 0) throw new AppError("database_unavailable");
      },
    });
    log.commit(5);
    const sink = createMemorySink();
    const connect = () => {
      failures = 1;
      return sink;
    };
    await hub.subscribe({ grant: toGrant(log), start: toStart(0), transport: "ws", address: "127.0.0.1", connect });
    await nextTick();
    expect(brief(sink.messages())).toEqual(["READY 0"]);
    await hub.poll();
    await until("the rest", () => sink.messages().length === 6);
    expect(brief(sink.messages())).toEqual(["READY 0", ...range(1, 5)]);
  });

  it("[W6] [W20] a catch-up that hangs neither keeps expired streams open nor delays other endpoints", async () => {
    const hung = createMemoryLog({ epoch: EPOCH, endpointId: "019a0000-0000-7000-8000-000000000002" });
    const log = createMemoryLog({ epoch: EPOCH });
    const changes: HubOptions["changes"] = {
      positions: async (ids) => new Map([...(await hung.positions(ids)), ...(await log.positions(ids))]),
      read: (id, ...page) => (id === hung.endpointId ? new Promise(() => undefined) : log.read(id, ...page)),
      readFor: log.readFor,
      findChanged: log.findChanged,
    };
    const { hub, setNow } = setUp({ memoryLog: log, changes });
    await subscribe(hub, hung);
    const expiresAt = new Date("2026-01-01T00:00:01Z");
    const [other, expiring] = [await subscribe(hub, log), await subscribe(hub, log, { mode: "plain" }, { keyExpiresAt: expiresAt })];
    hung.commit(1);
    log.commit(1);
    await hub.poll();
    await until("the other endpoint's change", () => other.sink.messages().length === 1);
    setNow(expiresAt);
    log.commit(1);
    await hub.poll();
    await until("the next one", () => other.sink.messages().length === 2);
    expect(expiring.sink.endedBy()?.code).toBe("key_expired");
  });

  it("[W7] [W9] opens a stream whose transport already holds more than a tiny queue", async () => {
    const { log, hub } = setUp({ queueBytesMax: 1_024 });
    const sink = { ...createMemorySink(), unsentBytes: () => 1_000 };
    const subscribing = hub.subscribe({
      grant: toGrant(log),
      start: { mode: "now" },
      transport: "ws",
      address: "127.0.0.1",
      connect: () => sink,
    });
    await expect(subscribing).resolves.toBeDefined();
  });
});
