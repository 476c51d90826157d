/** A property over interleavings of writes, connections, failures, slow reads and changed rules on two nodes: every subscriber receives exactly what it may read of the log's suffix, once and in order, and every hole is reported. */
import { setImmediate as nextTick } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "@/src/core/sandbox";
import type { ChangeNotification } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import { parseCursor } from "@/src/shared/streams/cursor";
import { JOINED_FRAMES } from "@/tests/support/memory/joined-frames";
import { createMemoryHub, EPOCH, type MemoryHub, PROJECT_ID, toGrant, toPrivateGrant, toStart } from "@/tests/support/memory/memory-hub";
import { createMemoryJudge, type MemoryJudge, toSeq } from "@/tests/support/memory/memory-judge";
import { createMemoryLog, type MemoryLog } from "@/tests/support/memory/memory-log";
import { createMemorySink, type MemorySink, type StreamMessage } from "@/tests/support/memory/memory-sink";
import { CURSOR_FRAMES } from "../wire/stream-format";
import type { HubOptions } from "./hub";
import type { Start } from "./session";

const OWNERS = ["a", "b", "c"];
const NODES = 2;
/** The verdicts of rules are known at once, those of functions later. */
const GROUPS = ["rules", "function"] as const;
type Group = (typeof GROUPS)[number];

/** The rules of a group allow the seqs that leave another remainder than `shift` when they are divided by 3. They hide the data of every odd seq. */
interface Rule {
  group: Group;
  shift: number;
}

const isAllowed = ({ shift }: Rule, seq: number) => seq % 3 !== shift;
const toIdentity = ({ group, shift }: Rule) => `${group} ${shift}`;
const isHidden = (seq: number) => seq % 2 === 1;

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("commit" as const),
        owners: fc.array(fc.constantFrom(null, ...OWNERS), { minLength: 1, maxLength: 40 }),
        /** The size of each record. Several large ones fill a queue. */
        bytes: fc.constantFrom(10, 10, 1_000, 4_000),
        /** All records belong to the first owner and are sent together. */
        isUpload: fc.constantFrom(false, false, true),
        notification: fc.constantFrom("now" as const, "late" as const, "lost" as const, "endpoint" as const),
        /** The node that writes. Only some notifications reach the other node. */
        node: fc.nat({ max: NODES - 1 }),
        reachesAll: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("connect" as const),
        /** Null: the client reads all records. */
        owner: fc.constantFrom(null, ...OWNERS.slice(0, 2)),
        /** The filter: it matches seqs that this divides. Null: no filter. */
        divisor: fc.constantFrom(null, null, 2, 3),
        /** The group of users that it belongs to, for the rules of its judge. Null: the endpoint has no rules for it. */
        group: fc.constantFrom(null, null, ...GROUPS),
        start: fc.oneof(fc.constantFrom("plain" as const, "now" as const), fc.integer({ min: 0, max: 60 })),
        /** The client reads nothing on its own. */
        isSlow: fc.boolean(),
        joinsUploads: fc.boolean(),
        node: fc.nat({ max: NODES - 1 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom("drop" as const, "resume" as const, "heartbeat" as const),
        client: fc.nat({ max: 5 }),
        node: fc.nat({ max: NODES - 1 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("read" as const),
        client: fc.nat({ max: 5 }),
        bytes: fc.constantFrom(1, 500, 5_000, 100_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "drain" as const), client: fc.nat({ max: 5 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom("fail" as const, "poll" as const, "trim" as const, "shutdown" as const, "crash" as const),
        node: fc.nat({ max: NODES - 1 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        /** The rules of a group change, or the data of its users. */
        do: fc.constant("rule" as const),
        group: fc.constantFrom(...GROUPS),
        shift: fc.nat({ max: 2 }),
        node: fc.nat({ max: NODES - 1 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("run" as const), tasks: fc.integer({ min: 1, max: 6 }) }) },
  ),
  { minLength: 40, maxLength: 80 },
);

/** A client that reconnects with its last cursor. */
interface Client {
  owner: string | null;
  divisor: number | null;
  group: Group | null;
  /** The rule of its current or last connection. Undefined: it has no judge. */
  rule: Rule | undefined;
  isPlain: boolean;
  /** Whether it ever stalled. A plain client may have been ended for that. */
  hasStalled: boolean;
  /** The log's seq when the client first requested a connection, and when it was connected. */
  askedAt: number;
  connectedAt: number | undefined;
  isConnected: boolean;
  joinsUploads: boolean;
  /** The seq after which it asked to resume; undefined if it did not. */
  startsAfter: number | undefined;
  /** The node of its current or last connection. */
  node: number;
  /** All messages that it received over all its connections, each with the rule of the connection. */
  received(): { message: StreamMessage; rule: Rule | undefined }[];
  drop(): void;
  sendHeartbeat(): void;
  /** Stops taking bytes except by `read`; `drain` takes everything. */
  stall(): void;
  read(bytes: number): void;
  drain(): void;
  /** Reconnects, unless it is connected or plain: a plain client has no cursor. A client whose stream has ended notices it. */
  resume(node: number): void;
}

/** `nodes` has the running nodes. */
function createClient(
  nodes: readonly MemoryHub[],
  options: {
    node: number;
    owner: string | null;
    divisor: number | null;
    group: Group | null;
    start: Start;
    isSlow: boolean;
    joinsUploads: boolean;
    /** The current rule of the group, and a judge by it. */
    judgeOf: (group: Group) => { rule: Rule; judge: MemoryJudge };
  },
): Client {
  const { owner, divisor, group, start: initialStart } = options;
  const filter = divisor === null ? undefined : String(divisor);
  const format = options.joinsUploads ? JOINED_FRAMES : CURSOR_FRAMES;
  const { log } = toNode(nodes, options.node);
  const before: ReturnType<Client["received"]> = [];
  let start = initialStart;
  let connection:
    | (Pick<MemorySink, "messages" | "stall" | "take" | "drain"> & { close(): void; sendHeartbeat(): void; isEnded(): boolean })
    | undefined;

  const connect = () => {
    const judged = group === null ? undefined : options.judgeOf(group);
    client.rule = judged?.rule;
    const grant = { ...(owner === null ? toGrant(log) : toPrivateGrant(log, owner)), ...(judged ? { judge: judged.judge } : {}) };
    const sink = createMemorySink();
    let isDropped = false;
    let subscription: { closed(): void; sendHeartbeat(): void } | undefined;
    const current = {
      close: () => {
        isDropped = true;
        subscription?.closed();
      },
      sendHeartbeat: () => subscription?.sendHeartbeat(),
      isEnded: () => sink.endedBy() !== undefined,
      messages: () => sink.messages(),
      stall: () => sink.stall(),
      take: (bytes: number) => sink.take(bytes),
      drain: () => sink.drain(),
    };
    if (client.isSlow) sink.stall();
    connection = current;
    const onConnect = () => {
      if (isDropped) return undefined;
      client.connectedAt ??= log.position().seq;
      client.isConnected = true;
      return sink;
    };
    toNode(nodes, client.node)
      .hub.subscribe({ grant, start, transport: "ws", address: "127.0.0.1", format, filter, connect: onConnect })
      .then(
        (opened) => {
          subscription = opened;
          if (isDropped) opened?.closed();
        },
        () => {
          if (connection === current) client.drop();
        },
      );
  };

  const toReceived = () => (connection?.messages() ?? []).map((message) => ({ message, rule: client.rule }));

  const client: Client & { isSlow: boolean } = {
    isSlow: options.isSlow,
    hasStalled: options.isSlow,
    owner,
    divisor,
    group,
    rule: undefined,
    joinsUploads: options.joinsUploads,
    startsAfter: initialStart.mode === "after" ? initialStart.cursor.seq : undefined,
    isPlain: initialStart.mode === "plain",
    askedAt: log.position().seq,
    connectedAt: undefined,
    isConnected: false,
    node: options.node,
    received: () => [...before, ...toReceived()],
    drop: () => {
      connection?.close();
      before.push(...toReceived());
      connection = undefined;
      client.isConnected = false;
    },
    sendHeartbeat: () => connection?.sendHeartbeat(),
    stall: () => {
      client.isSlow = true;
      client.hasStalled = true;
      connection?.stall();
    },
    read: (bytes) => connection?.take(bytes),
    drain: () => {
      client.isSlow = false;
      connection?.drain();
    },
    resume: (node) => {
      // A plain client that reads too slowly is ended (W7).
      if (connection?.isEnded()) client.drop();
      if (connection || client.isPlain) return;
      client.node = node;
      const last = parseCursor(before.at(-1)?.message.cursor ?? "");
      if (last) start = { mode: "after", cursor: last };
      connect();
    },
  };
  connect();
  return client;
}

function toNode(nodes: readonly MemoryHub[], node: number): MemoryHub {
  const found = nodes[node];
  if (!found) throw new Error(`There is no node ${node}.`);
  return found;
}

/** The seqs of the first and the last file. */
type Upload = readonly [first: number, last: number];

/** Checks what a client received: only what it may read, each change once. A hole may only have trimmed changes, and must be reported to a resumable client. */
function follow(client: Client, log: MemoryLog, uploads: readonly Upload[], trimmedTo: number): void {
  /** Of the connection that the message came over. */
  let rule = client.rule;
  const mayRead = (seq: number) =>
    (client.owner === null || log.ownerOf(seq) === client.owner) &&
    (client.divisor === null || seq % client.divisor === 0) &&
    (rule === undefined || isAllowed(rule, seq));
  /** Expects that the client may read nothing after `from`, up to and including `to`, that it did not receive. */
  const expectNothingMissed = (from: number, to: number) => {
    const isExcused = (seq: number) => client.isPlain && seq <= trimmedTo;
    expect(range(from + 1, to).filter((seq) => mayRead(seq) && !isExcused(seq))).toEqual([]);
  };

  /** If uploads are one message, a client that moves from `from` to `to` gets all or nothing of an upload, except for expired files. */
  const expectNothingSplit = (from: number, to: number) => {
    if (!client.joinsUploads || to <= from) return;
    const isSplit = ([first, last]: Upload) =>
      range(Math.max(first, from + 1), to).some(mayRead) && range(Math.max(to, trimmedTo) + 1, last).some(mayRead);
    expect(uploads.filter(([first, last]) => first <= to && to < last).filter(isSplit)).toEqual([]);
  };

  let at = client.startsAfter;
  for (const { message, rule: itsRule } of client.received()) {
    rule = itsRule;
    const from = at ?? 0;
    for (const single of toSingle(message)) at = followOne(single, at);
    if (message.type !== "GAP") expectNothingSplit(from, at ?? 0);
  }
  rule = client.rule;
  // A connected client has everything; a plain client that connected after the last change has received nothing.
  if (client.isConnected) expectNothingMissed(at ?? client.connectedAt ?? 0, log.position().seq);

  /** Returns the place of the client after the message. */
  function followOne(message: StreamMessage, before: number | undefined): number {
    const seq = message.record ? Number.parseInt(message.record.uniqueId, 16) : parseCursor(message.cursor ?? "")?.seq;
    if (seq === undefined) throw new Error("The message has neither a record nor a cursor.");
    if (message.record) expect([seq, mayRead(seq)]).toEqual([seq, true]);
    else expect(client.isPlain).toBe(false);
    if (message.record && rule && isHidden(seq)) expect(message.record.data).toBe(toIdentity(rule));

    if (message.type === "READY") {
      expect(seq).toBe(before ?? seq);
    } else if (message.type === "BEAT") {
      expect(seq).toBeGreaterThanOrEqual(before ?? 0);
      expectNothingMissed(before ?? 0, seq);
    } else if (message.type === "GAP") {
      expect(message).toMatchObject({ reason: "expired", to: message.cursor });
      const from = parseCursor(message.from ?? "")?.seq ?? -1;
      expect(from).toBeGreaterThanOrEqual(before ?? 0);
      expectNothingMissed(before ?? 0, from);
      expectNothingSplit(before ?? 0, from);
      expect(seq).toBeLessThanOrEqual(trimmedTo);
    } else if (before === undefined) {
      expect(client.isPlain).toBe(true);
      expect(seq).toBeGreaterThan(client.askedAt);
      expectNothingMissed(client.connectedAt ?? 0, seq - 1);
    } else {
      expect(seq).toBeGreaterThan(before);
      expectNothingMissed(before, seq - 1);
    }
    return seq;
  }
}

/** Splits the message of an upload into one per file. */
function toSingle(message: StreamMessage): StreamMessage[] {
  const { record } = message;
  return Array.isArray(record)
    ? record.map((each: StreamMessage["record"]) => ({ ...message, ...(each ? { record: each } : {}) }))
    : [message];
}

const range = (from: number, to: number) => Array.from({ length: Math.max(to - from + 1, 0) }, (_, index) => from + index);

/** Throws a message that starts with what a replay needs. It omits the schedule, which is long and follows from the seed and the path. */
function reportFailure<T extends [fc.Scheduler, unknown]>(details: fc.RunDetails<T>) {
  const { failed, seed, counterexamplePath, counterexample, numRuns, errorInstance } = details;
  if (!failed) return;
  const replay = JSON.stringify({ seed, path: counterexamplePath, endOnFailure: true });
  const script = JSON.stringify(counterexample?.at(1));
  throw new Error(`Run ${numRuns} failed. Replay it with ${replay}\n${String(errorInstance)}\nScript: ${script}`, {
    cause: errorInstance,
  });
}

describe("interleavings", () => {
  it("[W4] [W5] [W6] [W7] [W9] [W10] [W13] [W29] every subscriber receives exactly what it may read of the log's suffix, in any interleaving", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, script) => {
        let failures = 0;
        let trimmedTo = 0;
        const uploads: Upload[] = [];
        const pause = async () => {
          await scheduler.schedule(Promise.resolve());
          if (failures > 0 && failures-- > 0) throw new AppError("database_unavailable");
        };
        const log = createMemoryLog({ epoch: EPOCH, pause });
        /** Filters are numbers. A call evaluates some records, and sometimes the sandbox is busy. */
        let turns = 0;
        const filter: Sandbox["filter"] = async (expression, inputs) => {
          await scheduler.schedule(Promise.resolve());
          turns += 1;
          if (inputs.length > 0 && turns % 7 === 0) throw new AppError("server_busy");
          return inputs.slice(0, 5).map((text) => Number.parseInt(JSON.parse(text).uniqueId, 16) % Number(expression) === 0);
        };
        /** The shifts of the current rules. */
        const shifts = new Map<Group, number>(GROUPS.map((group) => [group, 0]));
        const ruleOf = (group: Group): Rule => ({ group, shift: shifts.get(group) ?? 0 });
        const judgeOf = (group: Group) => {
          const rule = ruleOf(group);
          const wait = async () => {
            await scheduler.schedule(Promise.resolve());
            turns += 1;
            if (turns % 5 === 0) throw new AppError("server_busy");
          };
          const judge = createMemoryJudge({
            identity: toIdentity(rule),
            allows: (seq) => isAllowed(rule, seq),
            ...(group === "function" ? { wait } : {}),
            redact: (record) => (isHidden(toSeq(record)) ? JSON.stringify(toIdentity(rule)) : record.data),
          });
          return { rule, judge };
        };
        const recheck: HubOptions["access"]["recheck"] = async ({ judge }) => {
          await pause();
          const isCurrent = !judge || GROUPS.some((group) => toIdentity(ruleOf(group)) === judge.identity);
          return isCurrent ? undefined : new AppError("access_changed");
        };
        const startNode = () => createMemoryHub({ memoryLog: log, sandbox: { filter }, access: { recheck }, queueBytesMax: 20_000 });
        const nodes = Array.from({ length: NODES }, startNode);
        const clients: Client[] = [];

        for (const step of script) {
          switch (step.do) {
            case "commit": {
              const [owner = null] = step.owners;
              const changes = step.isUpload
                ? log.commit(Math.min(step.owners.length, 10), { owner, bytes: step.bytes, isUpload: true })
                : step.owners.flatMap((each) => log.commit(1, { owner: each, bytes: step.bytes }));
              const reached = step.reachesAll ? [...nodes] : [toNode(nodes, step.node)];
              const [first, last] = [changes.at(0), changes.at(-1)];
              if (step.isUpload && first && last) uploads.push([first.seq, last.seq]);
              const publish = (notification: ChangeNotification) => {
                for (const { notifications } of reached) notifications.publish(notification);
              };
              if (step.notification === "now") publish({ kind: "changes", changes });
              if (step.notification === "late")
                void scheduler.schedule(Promise.resolve()).then(() => publish({ kind: "changes", changes }));
              if (step.notification === "endpoint") publish({ kind: "endpoint", endpointId: log.endpointId });
              break;
            }
            case "connect":
              clients.push(
                createClient(nodes, {
                  node: step.node,
                  owner: step.owner,
                  divisor: step.divisor,
                  group: step.group,
                  judgeOf,
                  isSlow: step.isSlow,
                  joinsUploads: step.joinsUploads,
                  start: typeof step.start === "number" ? toStart(Math.min(step.start, log.position().seq)) : { mode: step.start },
                }),
              );
              break;
            case "drop":
              clients[step.client]?.drop();
              break;
            case "resume":
              clients[step.client]?.resume(step.node);
              break;
            case "heartbeat":
              clients[step.client]?.sendHeartbeat();
              break;
            case "stall":
              clients[step.client]?.stall();
              break;
            case "read":
              clients[step.client]?.read(step.bytes);
              break;
            case "drain":
              clients[step.client]?.drain();
              break;
            case "fail":
              failures += 1;
              break;
            case "poll":
              toNode(nodes, step.node)
                .hub.poll()
                .catch(() => undefined);
              break;
            case "shutdown":
            case "crash":
              // A crashed node sends nothing more to its clients.
              if (step.do === "shutdown") toNode(nodes, step.node).hub.closeAll(new AppError("server_shutdown"));
              nodes[step.node] = startNode();
              for (const client of clients) if (client.node === step.node) client.drop();
              break;
            case "rule":
              shifts.set(step.group, step.shift);
              // The other node notices it later, when it compares revisions.
              void toNode(nodes, step.node).hub.recheck(PROJECT_ID);
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
        for (let round = 0; round < 60; round++) {
          // In the end, some clients read everything at once and others in small parts.
          for (const [index, client] of clients.entries()) {
            if (index % 2 === 0 || round > 30) client.drain();
            else client.read(10_000);
            client.resume(client.node);
          }
          await scheduler.waitFor(Promise.allSettled(nodes.map(({ hub }) => hub.recheck(PROJECT_ID))));
          await scheduler.waitFor(Promise.allSettled(nodes.map(({ hub }) => hub.poll())));
          await scheduler.waitIdle();
          await nextTick();
        }

        for (const client of clients) {
          if (client.isConnected && client.rule) expect(client.rule).toEqual(ruleOf(client.rule.group));
          follow(client, log, uploads, trimmedTo);
        }
      }),
      { numRuns: 300, reporter: reportFailure },
    );
  }, 120_000);
});
