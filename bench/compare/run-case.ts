/** Runs one case: alternating rounds of all contenders, and the medians of what was measured. */
import { median } from "../load/percentiles";
import type { Case } from "./cases";
import type { Contender, Measurement } from "./contender";

/** The part of a round's time that the open loop takes, beside the closed loop. */
const OPEN_LOOP_SHARE = 0.5;
/** Until V8 has compiled the code of the case: the second second is still a third slower than the fourth. */
const WARM_UP_SECONDS = 3;

export interface Latency {
  p50: number;
  p99: number;
}

/** Medians over the rounds; the memory is the largest. Milliseconds, bytes, and requests (of `bulk`: records) per second. NaN: unknown. */
export interface CaseResult {
  contender: string;
  /** Of the closed loop, for each round. */
  rounds: number[];
  perSecond: number;
  closed: Latency;
  /** Of the closed loop: the CPU time in microseconds of each request or record, and the processors in use. */
  cpuMicros: number;
  cores: number;
  memoryBytes: number;
  /** Of the open loop, at `rate` requests per second. */
  open?: Latency & { rate: number };
  /** From when a write was due until a stream delivered it, in the open loop. */
  delivery?: Latency;
  /** The streams that the server closed during all rounds of a fan-out, if any. */
  lostStreams?: number;
  /** The publishes of a fan-out that the server did not answer, if any. */
  unanswered?: number;
}

export async function runCase(options: {
  running: Case;
  contenders: readonly Contender[];
  rounds: number;
  seconds: number;
  /** The records of each request. */
  recordsEach: number;
  progress: (text: string) => void;
}): Promise<CaseResult[]> {
  const { running, contenders, rounds, seconds, recordsEach, progress } = options;
  const closed = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  const open = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  const ceiling = (contender: Contender) => median((closed.get(contender) ?? []).map(({ perSecond }) => perSecond)) / recordsEach;
  const timed = contenders.filter(({ hasOpenLoop }) => hasOpenLoop && running.openLoop);
  const rates = new Map<Contender, number>();
  for (const contender of contenders) await contender.measure({ seconds: WARM_UP_SECONDS });
  for (let round = 0; round < rounds; round++) {
    progress(`${running.title}: round ${round + 1} of ${rounds}`);
    for (const contender of rotate(contenders, round)) closed.get(contender)?.push(await contender.measure({ seconds }));
    const slowest = Math.min(...timed.map(ceiling));
    for (const contender of rotate(timed, round)) {
      const rate = (running.openLoop === "own" ? ceiling(contender) : slowest) / 2;
      rates.set(contender, rate);
      open.get(contender)?.push(await contender.measure({ seconds: Math.max(1, seconds * OPEN_LOOP_SHARE), rate }));
    }
  }
  return contenders.map((contender) => {
    const [fast, steady] = [closed.get(contender) ?? [], open.get(contender) ?? []];
    const deliveries = steady.flatMap(({ delivery }) => (delivery ? [delivery] : []));
    const cores = median(fast.map(({ cpuSeconds }) => cpuSeconds)) / seconds;
    const perSecond = median(fast.map((each) => each.perSecond));
    return {
      contender: contender.name,
      rounds: fast.map((each) => each.perSecond),
      perSecond,
      closed: toLatency(fast.map(({ latency }) => latency)),
      cores,
      cpuMicros: (cores / perSecond) * 1e6,
      memoryBytes: Math.max(...fast.map(({ memoryBytes }) => memoryBytes)),
      ...(steady.length > 0 ? { open: { ...toLatency(steady.map(({ latency }) => latency)), rate: rates.get(contender) ?? 0 } } : {}),
      ...(deliveries.length > 0 ? { delivery: toLatency(deliveries) } : {}),
    };
  });
}

function toLatency(all: readonly Latency[]): Latency {
  return { p50: median(all.map(({ p50 }) => p50)), p99: median(all.map(({ p99 }) => p99)) };
}

/** Every other round in reverse, so that each contender comes before and after each other one. */
export function rotate<T>(items: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...items] : [...items].reverse();
}
