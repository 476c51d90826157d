/** Starts a process that reads many streams (reader.ts). */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { StreamSpec } from "./open-stream";
import { ask } from "./run-load";

export interface ReaderTask {
  port: number;
  count: number;
  /** Of events of PocketBase only chunks are counted. */
  stream: StreamSpec;
}

export interface ReadState {
  /** The fewest and the most messages that a reader has received. */
  least: number;
  most: number;
  /** Streams that the server has closed. */
  ended: number;
  cpuSeconds: number;
}

export interface Readers {
  /** Opens further streams, and settles when all are open. */
  open(task: ReaderTask): Promise<ReadState>;
  state(): Promise<ReadState>;
  /** Starts to count from zero. */
  reset(): Promise<ReadState>;
  stop(): void;
}

export function startReaders(): Readers {
  const child = fork(fileURLToPath(new URL("reader.ts", import.meta.url)));
  return {
    open: (task) => ask(child, task),
    state: () => ask(child, { state: true }),
    reset: () => ask(child, { reset: true }),
    stop: () => child.disconnect(),
  };
}
