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

/** The publishes or deliveries per second of each server, until all subscribers have received everything. Throws if a server closes a stream, or if a subscriber does not receive every message. */
export async function runFanOut(options: {
  title: string;
  subscribers: number;
  /** The count of a publish: 1, or its deliveries. */
  counted: number;
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
      await measureOnce({ audience, generator, publishers, seconds: WARM_UP_SECONDS });
    }
    for (let round = 0; round < rounds; round++) {
      progress(`${title}: round ${round + 1} of ${rounds}`);
      for (const audience of rotate(audiences, round))
        audience.results.push(await measureOnce({ audience, generator, publishers, seconds }));
    }
  } finally {
    for (const { readers } of audiences) readers.stop();
  }
  return audiences.map(({ subject, results }) => {
    const each = results.map((round) => (round.publishes * counted) / round.seconds);
    const cores = median(results.map((round) => round.cpuSeconds / round.seconds));
    return {
      contender: subject.name,
      rounds: each,
      perSecond: median(each),
      closed: { p50: median(results.map(({ p50 }) => p50)), p99: median(results.map(({ p99 }) => p99)) },
      cores,
      cpuMicros: (cores / median(each)) * 1e6,
      memoryBytes: Math.max(...results.map(({ memoryBytes }) => memoryBytes)),
    };
  });
}

/** Publishes for `seconds`. The time ends when every subscriber has received everything. */
async function measureOnce(options: { audience: Audience; generator: LoadGenerator; publishers: number; seconds: number }): Promise<Round> {
  const { audience, generator, publishers, seconds } = options;
  const { subject, fanOut, readers } = audience;
  const { requests, statuses } = fanOut.publish;
  await readers.reset();
  const meter = startUsageMeter(subject.pid);
  const startedAt = performance.now();
  const { latency } = await generator.run(
    { port: subject.port, connections: publishers, requests, statuses, seconds, drain: true },
    subject.name,
  );
  const giveUpAt = performance.now() + DRAIN_MS;
  for (let state = await readers.state(); state.least < latency.count; state = await readers.state()) {
    if (state.ended > 0) throw new Error(`${subject.name} closed ${state.ended} streams.`);
    if (performance.now() > giveUpAt)
      throw new Error(`${subject.name}: a subscriber received ${state.least} of ${latency.count} messages.`);
    await delay(LOOK_MS);
  }
  return { publishes: latency.count, seconds: (performance.now() - startedAt) / 1_000, ...latency, ...meter.stop() };
}
