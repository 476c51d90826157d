/** Measures fan-out: publishers in a closed loop write to one channel with many subscribers, in alternating rounds of all servers. */
import { setTimeout as delay } from "node:timers/promises";
import { median } from "../load/percentiles";
import { startUsageMeter } from "../load/process-tree";
import type { LoadGenerator } from "../load/run-load";
import { type Readers, startReaders } from "../load/run-readers";
import { type CaseResult, rotate } from "./run-case";
import type { FanOutLoad, Subject } from "./subject";

const WARM_UP_SECONDS = 1;
const DRAIN_MS = 60_000;
const LOOK_MS = 20;

interface Round {
  publishes: number;
  /** The messages that all subscribers have received. */
  deliveries: number;
  /** The streams that the server closed meanwhile. */
  lost: number;
  /** The publishes whose connection the server closed. */
  unanswered: number;
  seconds: number;
  p50: number;
  p99: number;
  cpuSeconds: number;
  memoryBytes: number;
}

interface Audience {
  subject: Subject;
  fanOut: FanOutLoad;
  readers: Readers;
  results: Round[];
}

/**
 * The publishes or deliveries per second of each server, until all open streams have received everything. Streams that a server closes are counted, and opened
 * again before the next round, and so are publishes that it does not answer. Throws if a server closes all streams, or if an open one does not receive every message.
 */
export async function runFanOut(options: {
  title: string;
  subscribers: number;
  counted: "publishes" | "deliveries";
  subjects: readonly Subject[];
  rounds: number;
  seconds: number;
  /** The connections that publish. */
  publishers: number;
  generator: LoadGenerator;
  progress: (text: string) => void;
}): Promise<CaseResult[]> {
  const { title, subscribers, counted, subjects, rounds, seconds, publishers, generator, progress } = options;
  const audiences: Audience[] = [];
  try {
    for (const subject of subjects) {
      const { fanOut } = subject;
      if (!fanOut) continue;
      progress(`${title}: opening the streams of ${subject.name}`);
      const readers = startReaders();
      const audience: Audience = { subject, fanOut, readers, results: [] };
      audiences.push(audience);
      await readers.open({ port: subject.port, count: subscribers, stream: fanOut.stream });
      await measureOnce({ audience, subscribers, generator, publishers, seconds: WARM_UP_SECONDS });
    }
    for (let round = 0; round < rounds; round++) {
      progress(`${title}: round ${round + 1} of ${rounds}`);
      for (const audience of rotate(audiences, round))
        audience.results.push(await measureOnce({ audience, subscribers, generator, publishers, seconds }));
    }
  } finally {
    for (const { readers } of audiences) readers.stop();
  }
  return audiences.map(({ subject, results }) => {
    const each = results.map((round) => round[counted] / round.seconds);
    const unanswered = results.reduce((sum, round) => sum + round.unanswered, 0);
    const lostStreams = results.reduce((sum, { lost }) => sum + lost, 0);
    const cores = median(results.map((round) => round.cpuSeconds / round.seconds));
    return {
      contender: subject.name,
      rounds: each,
      perSecond: median(each),
      closed: { p50: median(results.map(({ p50 }) => p50)), p99: median(results.map(({ p99 }) => p99)) },
      cores,
      cpuMicros: (cores / median(each)) * 1e6,
      memoryBytes: Math.max(...results.map(({ memoryBytes }) => memoryBytes)),
      ...(lostStreams > 0 ? { lostStreams } : {}),
      ...(unanswered > 0 ? { unanswered } : {}),
    };
  });
}

/** Publishes for `seconds`. The time ends when every open stream has received everything. */
async function measureOnce(options: {
  audience: Audience;
  subscribers: number;
  generator: LoadGenerator;
  publishers: number;
  seconds: number;
}): Promise<Round> {
  const { audience, subscribers, generator, publishers, seconds } = options;
  const { subject, fanOut, readers } = audience;
  const { requests, statuses } = fanOut.publish;
  const { open } = await readers.reset();
  if (open < subscribers) await readers.open({ port: subject.port, count: subscribers - open, stream: fanOut.stream });
  const meter = startUsageMeter(subject.pid);
  const startedAt = performance.now();
  const { latency, unanswered = 0 } = await generator.run(
    { port: subject.port, connections: publishers, requests, statuses, seconds, drain: true, reconnects: true },
    subject.name,
  );
  // An overloaded server may publish a message, but close the connection instead of answering. So subscribers may receive more than was answered.
  const giveUpAt = performance.now() + DRAIN_MS;
  let state = await readers.state();
  for (; state.open > 0 && state.least < latency.count; state = await readers.state()) {
    if (performance.now() > giveUpAt)
      throw new Error(`${subject.name}: a subscriber received ${state.least} of ${latency.count} messages.`);
    await delay(LOOK_MS);
  }
  if (state.open === 0) throw new Error(`${subject.name} closed all ${state.ended} streams.`);
  const { total: deliveries, ended: lost } = state;
  return {
    publishes: latency.count,
    deliveries,
    lost,
    unanswered,
    seconds: (performance.now() - startedAt) / 1_000,
    ...latency,
    ...meter.stop(),
  };
}
