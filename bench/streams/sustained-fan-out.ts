/**
 * Measures sustained fan-out: a rate of writes to one endpoint, each delivered to many subscribers. Prints the rate that is
 * sustained, whether readers are closed because they fall behind, whether everything arrived, and which processes use the CPU.
 * Server, PostgreSQL, writers and readers are separate processes.
 * Run: npm run bench -- sustained-fan-out [writes per second=1000] [subscribers=1000] [seconds=60]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import os from "node:os";
import { toHandshake } from "@/tests/support/clients/raw-stream";
import { until } from "@/tests/support/until";
import { startBenchNode } from "../support/bench-node";
import { connect, writeAtRate } from "../support/paced-writes";

const WARM_UP_WRITES = 500;
/** The size of a record's data. */
const BODY = JSON.stringify({ note: "x".repeat(40) });
/** The first byte of a complete text frame. */
const TEXT = 0x81;
/** A pong, masked with zeros and empty. Sent unsolicited: finding each ping among the changes would cost more than reading them. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const PONG_INTERVAL_MS = 5_000;
const DRAIN_TIMEOUT_MS = 60_000;

const [role = "1000", ...rest] = process.argv.slice(2);
if (role === "writers") runWriters();
else if (role === "readers") runReaders();
else await measure({ rate: Number(role), subscribers: Number(rest[0] ?? 1_000), seconds: Number(rest[1] ?? 60) });

interface Task {
  port: number;
  target: string;
  /** The number of writes, or of sockets. */
  count: number;
  /** Writes per second. 0: as many as the connections allow, until all are done. */
  rate: number;
}

async function measure({ rate, subscribers, seconds }: { rate: number; subscribers: number; seconds: number }): Promise<void> {
  const { node, target, stop } = await startBenchNode();
  const [writers, readers] = [start("writers"), start("readers")];
  const { port } = node;
  try {
    await request(readers, { port, target, count: subscribers, rate: 0 });
    await request(writers, { port, target, count: WARM_UP_WRITES, rate: 0 });
    const before = await look();
    const { writes } = await request<{ writes: number }>(writers, { port, target, count: rate * seconds, rate });
    const after = await look();
    const took = (after.at - before.at) / 1_000;
    const total = WARM_UP_WRITES + writes;
    const behind = performance.now();
    await until("the readers to have read everything", async () => (await request<Read>(readers)).leastFrames >= total, {
      timeoutMs: DRAIN_TIMEOUT_MS,
    }).catch(() => undefined);
    const drainMs = performance.now() - behind;
    const { ended, leastFrames, mostFrames } = await request<Read>(readers);
    const share = (of: "node" | "readers" | "writers" | "machine") => ((after[of] - before[of]) / (after.at - before.at)).toFixed(2);
    console.log(
      [
        `${rate.toLocaleString("en")} writes/s wanted, to ${subscribers.toLocaleString("en")} subscribers, for ${took.toFixed(0)} s:`,
        `  ${Math.round(writes / took).toLocaleString("en")} writes/s, ${Math.round((writes * subscribers) / took).toLocaleString("en")} deliveries/s`,
        `  readers closed: ${ended}; frames that each has read: ${leastFrames} to ${mostFrames} of ${total}, the last of them ${drainMs.toFixed(0)} ms after the last response`,
        `  cores in use: server ${share("node")}, readers ${share("readers")}, writers ${share("writers")}, everything ${share("machine")} of ${os.cpus().length}`,
      ].join("\n"),
    );
  } finally {
    writers.disconnect();
    readers.disconnect();
    await stop();
  }

  /** The CPU time so far, in milliseconds. */
  async function look() {
    const { cpuMs } = await node.state();
    const [written, read] = [await request<Computed>(writers), await request<Computed>(readers)];
    const machine = os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
    return { at: performance.now(), node: cpuMs, writers: written.cpuMs, readers: read.cpuMs, machine };
  }
}

interface Computed {
  cpuMs: number;
}

interface Read extends Computed {
  /** Sockets that the server closed. */
  ended: number;
  /** The fewest and the most frames that a socket has read. */
  leastFrames: number;
  mostFrames: number;
}

function start(name: string): ChildProcess {
  return fork(process.argv[1] ?? "", [name], { execArgv: process.execArgv });
}

/** Without `what`: requests the status. */
async function request<T>(child: ChildProcess, what?: Task): Promise<T> {
  const answer = once(child, "message");
  child.send(what ?? "state");
  const [reply] = (await answer) as [T];
  return reply;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Receives a task, and sends `{ writes }`: the number of writes that were acknowledged within the time for all of them. */
function runWriters(): void {
  process.on("message", async (task: Task | "state") => {
    if (task === "state") process.send?.({ cpuMs: cpuMs() } satisfies Computed);
    else process.send?.({ writes: await writeAtRate(task, () => BODY) });
  });
  process.once("disconnect", () => process.exit());
}

/** Receives a stream, and opens its sockets. They count bytes, because all frames have the same length. */
function runReaders(): void {
  const read: number[] = [];
  let [ended, frameBytes] = [0, 0];
  process.on("message", async (task: Task | "state") => {
    if (task === "state") process.send?.(toState());
    else {
      for (let n = 0; n < task.count; n++) await open(task, n);
      process.send?.("open");
    }
  });
  process.once("disconnect", () => process.exit());

  function toState(): Read {
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (const bytes of read) {
      least = Math.min(least, bytes);
      most = Math.max(most, bytes);
    }
    // Occasional pings have two bytes.
    const toFrames = (bytes: number) => (frameBytes === 0 ? 0 : Math.floor(bytes / frameBytes));
    return { cpuMs: cpuMs(), ended, leastFrames: toFrames(least), mostFrames: toFrames(most) };
  }

  async function open({ port, target }: Task, n: number): Promise<void> {
    const socket = await connect(port);
    socket.write(toHandshake(target));
    await once(socket, "data");
    read[n] = 0;
    socket.on("data", (chunk: Buffer) => {
      // A frame of 126 to 65,535 bytes: two bytes of header, then two of length.
      if (frameBytes === 0 && chunk[0] === TEXT && chunk.byteLength >= 4) frameBytes = chunk.readUInt16BE(2) + 4;
      read[n] = (read[n] ?? 0) + chunk.byteLength;
    });
    const answering = setInterval(() => socket.write(PONG), PONG_INTERVAL_MS);
    socket.once("close", () => {
      clearInterval(answering);
      ended++;
    });
  }
}
