/** Starts the load generator (generator.ts) and gives it tasks. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { StreamSpec } from "./open-stream";
import type { Percentiles } from "./percentiles";

export const STAMP_DIGITS = 8;
/** In a request of a task with `watch`, this text is replaced by a number of the same length that the stream delivers. */
export const STAMP = `@${"#".repeat(STAMP_DIGITS)}@`;

export interface LoadTask {
  port: number;
  connections: number;
  /** Complete requests, headers included, which are sent in turn. */
  requests: readonly string[];
  /** A response with another status fails the task. */
  statuses: readonly number[];
  seconds: number;
  /** Requests per second. Absent: a closed loop. */
  rate?: number;
  /** True: a closed loop ends when its last responses have arrived, and counts them. */
  drain?: boolean;
  /** True: a connection that the server closes before its response is replaced, and its request is counted as unanswered. Absent: it fails the task. */
  reconnects?: boolean;
  /** A stream on which the delivery of each write is timed. */
  watch?: StreamSpec;
}

export interface LoadResult {
  perSecond: number;
  /** Of an open loop: from the time at which each request was due. */
  latency: Percentiles;
  /** From when each request was due until the stream has delivered its change. Only with `watch`. */
  delivery?: Percentiles;
  /** The requests whose connection the server closed. Only with `reconnects`. */
  unanswered?: number;
  /** The CPU time of the generator. */
  cpuSeconds: number;
}

export interface LoadGenerator {
  /** Throws, with the name of the server, if a response has another status, or if the server closes a connection whose response has not arrived. */
  run(task: LoadTask, server: string): Promise<LoadResult>;
  stop(): void;
}

export function startLoadGenerator(): LoadGenerator {
  const child = fork(fileURLToPath(new URL("generator.ts", import.meta.url)));
  return {
    run: async (task, server) => {
      try {
        return await ask<LoadResult>(child, task);
      } catch (error) {
        throw new Error(`${server}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    },
    stop: () => child.disconnect(),
  };
}

/** Sends a message and returns the `result` of the reply. Throws the `error` of the reply, and if the process ends. */
export async function ask<Result>(child: ChildProcess, message: object): Promise<Result> {
  const ended = new AbortController();
  const exited = once(child, "exit", { signal: ended.signal }).then(() => {
    throw new Error("A process of the bench ended.");
  });
  try {
    const reply = once(child, "message", { signal: ended.signal }) as Promise<[{ result: Result; error?: string }]>;
    child.send(message);
    const [{ result, error }] = await Promise.race([reply, exited]);
    if (error !== undefined) throw new Error(error);
    return result;
  } finally {
    exited.catch(() => undefined);
    ended.abort();
  }
}
