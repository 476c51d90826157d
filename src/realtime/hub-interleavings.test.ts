/** Whatever comes when, every subscriber gets exactly the log's suffix: once, in order, and without a hole that it is not told of. */
import { setImmediate as nextTick } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCursor } from "@/src/shared/cursor";
import { AppError } from "@/src/shared/errors";
import { createMemoryHub, type MemoryHub, toGrant, toStart } from "@/tests/support/memory-hub";
import { createMemorySink, type StreamMessage } from "@/tests/support/memory-sink";
import type { Start } from "./session";

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("commit" as const),
        count: fc.integer({ min: 1, max: 40 }),
        hint: fc.constantFrom("now" as const, "late" as const, "lost" as const, "endpoint" as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("connect" as const),
        start: fc.oneof(fc.constantFrom("plain" as const, "now" as const), fc.integer({ min: 0, max: 60 })),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("drop" as const, "resume" as const), client: fc.nat({ max: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("fail" as const, "poll" as const, "trim" as const) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("run" as const), tasks: fc.integer({ min: 1, max: 6 }) }) },
  ),
  { minLength: 40, maxLength: 80 },
);

/** A client that reconnects with the last cursor it has seen, as ours do. */
interface Client {
  isPlain: boolean;
  /** The log's seq when it asked to connect for the first time, and when it was connected. */
  askedAt: number;
  connectedAt: number | undefined;
  isConnected: boolean;
  /** All that it received, over all its connections. */
  received(): StreamMessage[];
  drop(): void;
  /** Connects again unless it is connected, or plain: a plain one can't say where it was. */
  resume(): void;
}

function createClient({ hub, log }: MemoryHub, initialStart: Start): Client {
  const before: StreamMessage[] = [];
  let start = initialStart;
  let connection: { close(): void; messages(): StreamMessage[] } | undefined;

  const connect = () => {
    const sink = createMemorySink();
    let isDropped = false;
    let subscription: { closed(): void } | undefined;
    const current = {
      close: () => {
        isDropped = true;
        subscription?.closed();
      },
      messages: () => sink.messages(),
    };
    connection = current;
    const onConnect = () => {
      if (isDropped) return undefined;
      client.connectedAt ??= log.position().seq;
      client.isConnected = true;
      return sink;
    };
    hub.subscribe({ grant: toGrant(log), start, transport: "ws", connect: onConnect }).then(
      (opened) => {
        subscription = opened;
        if (isDropped) opened?.closed();
      },
      () => {
        if (connection === current) client.drop();
      },
    );
  };

  const client: Client = {
    isPlain: initialStart.mode === "plain",
    askedAt: log.position().seq,
    connectedAt: undefined,
    isConnected: false,
    received: () => [...before, ...(connection?.messages() ?? [])],
    drop: () => {
      connection?.close();
      before.push(...(connection?.messages() ?? []));
      connection = undefined;
      client.isConnected = false;
    },
    resume: () => {
      if (connection || client.isPlain) return;
      const last = parseCursor(before.at(-1)?.cursor ?? "");
      if (last) start = { mode: "after", cursor: last };
      connect();
    },
  };
  connect();
  return client;
}

/** Follows what a client received, and answers how far it got. A hole must be one of trimmed changes; a resumable client must be told. */
function follow(client: Client, trimmedTo: number): number | undefined {
  let at: number | undefined;
  for (const message of client.received()) {
    const seq = message.record ? Number.parseInt(message.record.uniqueId, 16) : parseCursor(message.cursor ?? "")?.seq;
    if (seq === undefined) throw new Error("neither a record nor a cursor");
    if (message.type === "READY") {
      expect(seq).toBe(at ?? seq);
    } else if (message.type === "GAP") {
      expect(client.isPlain).toBe(false);
      expect(message).toMatchObject({ reason: "expired", to: message.cursor });
      expect(parseCursor(message.from ?? "")?.seq).toBe(at);
      expect(seq).toBeLessThanOrEqual(trimmedTo);
    } else if (at === undefined) {
      expect(client.isPlain).toBe(true);
      expect(seq).toBeGreaterThan(client.askedAt);
      expect(seq).toBeLessThanOrEqual(Math.max((client.connectedAt ?? 0) + 1, trimmedTo + 1));
    } else if (!client.isPlain || seq - 1 > trimmedTo) {
      expect(seq).toBe(at + 1);
    } else {
      expect(seq).toBeGreaterThan(at);
    }
    at = seq;
  }
  return at;
}

describe("interleavings", () => {
  it("[W4] [W9] [W10] every subscriber gets exactly the log's suffix, whatever comes when", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, script) => {
        let failures = 0;
        let trimmedTo = 0;
        const pause = async () => {
          await scheduler.schedule(Promise.resolve());
          if (failures > 0 && failures-- > 0) throw new AppError("database_unavailable");
        };
        const memoryHub = createMemoryHub({ pause });
        const { log, hints, hub, publish } = memoryHub;
        const clients: Client[] = [];

        for (const step of script) {
          switch (step.do) {
            case "commit": {
              const changes = log.commit(step.count);
              if (step.hint === "now") publish(changes);
              if (step.hint === "late") void scheduler.schedule(Promise.resolve()).then(() => publish(changes));
              if (step.hint === "endpoint") hints.publish({ kind: "endpoint", endpointId: log.endpointId });
              break;
            }
            case "connect":
              clients.push(
                createClient(
                  memoryHub,
                  typeof step.start === "number" ? toStart(Math.min(step.start, log.position().seq)) : { mode: step.start },
                ),
              );
              break;
            case "drop":
              clients[step.client]?.drop();
              break;
            case "resume":
              clients[step.client]?.resume();
              break;
            case "fail":
              failures += 1;
              break;
            case "poll":
              hub.poll().catch(() => undefined);
              break;
            case "trim":
              trimmedTo = Math.max(trimmedTo, log.position().seq - 20);
              log.trim(trimmedTo);
              break;
            case "run":
              for (let i = 0; i < step.tasks && scheduler.count() > 0; i++) await scheduler.waitOne();
              break;
          }
        }

        failures = 0;
        for (const client of clients) client.resume();
        for (let round = 0; round < 5; round++) {
          await scheduler.waitFor(hub.poll().catch(() => undefined));
          await scheduler.waitIdle();
          await nextTick();
        }

        const end = log.position().seq;
        for (const client of clients) {
          const at = follow(client, trimmedTo);
          // Who is connected has everything; a plain client that came after the last change has heard nothing.
          if (client.isConnected) expect(at ?? (client.connectedAt === end || trimmedTo >= end ? end : undefined)).toBe(end);
        }
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
