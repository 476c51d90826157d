/** The contenders of a case, and how one measurement of each is taken. */
import { startUsageMeter, type Usage } from "../load/process-tree";
import type { LoadGenerator, LoadResult, LoadTask } from "../load/run-load";
import { startReaders } from "../load/run-readers";
import { runWrk } from "../load/wrk";
import { SIZES } from "./bodies";
import type { CaseLoad, Subject } from "./subject";

export const CONNECTIONS = 50;

/** One measurement. */
export interface Measurement extends LoadResult, Usage {}

export interface Contender {
  name: string;
  /** With a `rate`: the open loop. Without: the closed loop. */
  measure(options: { seconds: number; rate?: number }): Promise<Measurement>;
  /** False: it has no open loop. */
  hasOpenLoop: boolean;
}

export interface Loaders {
  generator: LoadGenerator;
  /** Used for closed loops. */
  wrk: boolean;
}

export function createContender(subject: Subject, load: CaseLoad, { generator, wrk }: Loaders): Contender {
  return {
    name: subject.name,
    hasOpenLoop: true,
    measure: async ({ seconds, rate }) => {
      const { requests, statuses, recordsEach = 1, connections = CONNECTIONS, streams, watch } = load;
      const readers = streams ? startReaders() : undefined;
      try {
        await readers?.open({ port: subject.port, count: SIZES.streams, stream: streams ?? { kind: "websocket", opening: "", ready: "" } });
        const task: LoadTask = { port: subject.port, connections, requests, statuses, seconds };
        const before = await readers?.state();
        const meter = startUsageMeter(subject.pid);
        const result =
          rate === undefined && wrk
            ? await runWrk(task)
            : await generator.run({ ...task, ...(rate === undefined ? {} : { rate, ...(watch ? { watch } : {}) }) }, subject.name);
        const usage = meter.stop();
        const after = await readers?.state();
        if (before && after && (after.ended > 0 || after.least <= before.least))
          throw new Error(`${subject.name}: streams received nothing, or ended.`);
        return { ...result, perSecond: result.perSecond * recordsEach, ...usage };
      } finally {
        readers?.stop();
      }
    },
  };
}
