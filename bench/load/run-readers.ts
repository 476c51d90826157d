/** Starts processes that read many streams (reader.ts). */
import { type ChildProcess, fork } from "node:child_process";
import os from "node:os";
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
  /** The fewest and the most messages that a reader has received whose stream is open. 0 without any. */
  least: number;
  most: number;
  /** The messages of all readers. */
  total: number;
  open: number;
  /** Streams that the server has closed since the last reset. */
  ended: number;
  cpuSeconds: number;
}

export interface Readers {
  /** Opens further streams, and settles when all are open. */
  open(task: ReaderTask): Promise<ReadState>;
  state(): Promise<ReadState>;
  /** Starts to count from zero, and forgets the streams that the server has closed. */
  reset(): Promise<ReadState>;
  stop(): void;
}

/** A process that reads more falls behind, and a server closes streams that are not read in time. */
const STREAMS_PER_PROCESS = 2_500;

/** Starts the processes when streams are opened: one for each 2,500 streams of the first task, up to one for each processor. */
export function startReaders(): Readers {
  const children: ChildProcess[] = [];
  const askAll = async (toMessage: (index: number) => object): Promise<ReadState> =>
    toSum(await Promise.all(children.map((child, index) => ask<ReadState>(child, toMessage(index)))));
  return {
    open: (task) => {
      const wanted = Math.min(Math.max(1, Math.ceil(task.count / STREAMS_PER_PROCESS)), os.availableParallelism());
      if (children.length === 0)
        children.push(...Array.from({ length: wanted }, () => fork(fileURLToPath(new URL("reader.ts", import.meta.url)))));
      return askAll((index) => ({ ...task, count: toShare(task.count, index, children.length) }));
    },
    state: () => askAll(() => ({ state: true })),
    reset: () => askAll(() => ({ reset: true })),
    stop: () => {
      for (const child of children) if (child.connected) child.disconnect();
    },
  };
}

/** The shares of `count` differ by one at most. */
function toShare(count: number, index: number, parts: number): number {
  return Math.floor(count / parts) + (index < count % parts ? 1 : 0);
}

function toSum(states: readonly ReadState[]): ReadState {
  const sum = (of: (state: ReadState) => number) => states.reduce((total, state) => total + of(state), 0);
  const reading = states.filter(({ open }) => open > 0);
  return {
    least: reading.length === 0 ? 0 : Math.min(...reading.map(({ least }) => least)),
    most: Math.max(0, ...states.map(({ most }) => most)),
    total: sum(({ total }) => total),
    open: sum(({ open }) => open),
    ended: sum(({ ended }) => ended),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
  };
}
