/** A bounded pool of sandbox workers of one kind, which are started on demand, reused, and replaced when they die. */

import type { CallerPath } from "@/src/core/access/caller-path";
import { type ByteBudget, createByteBudget } from "@/src/core/limits/byte-budget";
import { createFairQueue, type FairQueue } from "@/src/core/limits/fair-queue";
import type { Log } from "@/src/core/log";
import type { SandboxOptions } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import type { Answer, Job, WorkerSettings } from "./messages";
import type { CpuBudget } from "./worker/cpu-budget";
import { startWorker, type WorkerProcess } from "./worker/worker-process";

const NICENESS_DEFAULT = 10;
/** The maximum number of waiting jobs: in total, and for an account, a project and a caller. */
const WAITING = { max: 16_000, groupMax: [2000, 1000, 1000] } as const;
const MI = 1024 * 1024;
/** The maximum number of characters that waiting jobs hold: in total, and for an account, a project and a caller. */
const HELD = { max: 64 * MI, groupMax: [16 * MI, 12 * MI, 8 * MI] } as const;
/** The time after which a waiting job is refused. */
const WAIT_MS_MAX = 15_000;
/** The CPU time of each job that is free: an amount per item, within bounds. Most expressions and checks stay below it. */
const FREE = { itemMs: 0.5, msMin: 20, msMax: 150 } as const;
/** The number of successive workers that may die before they are ready. Then the waiting jobs are refused. */
const FAILED_STARTS_MAX = 3;

export interface Pool {
  /**
   * Runs a job in a worker and returns its answer. `prepare` is called when a worker is free, before the job's time starts; its errors are passed on. `length`
   * is the number of characters that the job holds while it waits. Throws `server_busy` when too many jobs wait or the job waited too long, `rate_limited` when
   * the caller's CPU budget is used up, `server_busy` when no worker can be started, `server_shutdown` after `close`, and the signal's reason.
   */
  run(request: { prepare: () => Job | Promise<Job>; length: number } & SandboxOptions): Promise<Answer>;
  /** Refuses waiting jobs, and settles when all workers have exited. */
  close(): Promise<void>;
}

/** All jobs without a caller share this path. */
const NO_CALLER: CallerPath = ["", "", ""];

type Request = Parameters<Pool["run"]>[0];

/** Jobs of callers that have recently used much CPU time wait in the heavy lane, which cannot occupy all workers. */
type Lane = "light" | "heavy";

/** A job that waits or runs. */
interface Waiting {
  request: Request;
  caller: CallerPath;
  /** The lane in which it waits or has waited. */
  lane: Lane;
  /** True for the second attempt: the first worker ended before it began the job. */
  isRetry: boolean;
  /** Called when the job stops waiting. Releases its characters, its timer and its listener. */
  stopWaiting: () => void;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export interface PoolOptions {
  /** The number of workers. */
  size: number;
  /** The maximum number of workers that run jobs of one account. Default: all. */
  accountMax?: number | undefined;
  /** The maximum number of workers that run jobs of the heavy lane. Default: all but one. */
  heavyMax?: number | undefined;
  settings: WorkerSettings;
  /** The niceness of the workers. Default: 10. */
  niceness?: number;
  findScript: () => Promise<string>;
  log: Pick<Log, "warn">;
  budget: CpuBudget;
  /** See WorkerOptions. */
  readCpuTime?: ((pid: number) => number | undefined) | undefined;
}

export function createPool(options: PoolOptions): Pool {
  return new WorkerPool(options);
}

class WorkerPool implements Pool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #lanes: Readonly<Record<Lane, FairQueue<Waiting>>> = { light: createFairQueue(WAITING), heavy: createFairQueue(WAITING) };
  /** The lane of the last job that was started. The lanes alternate. */
  #lastLane: Lane = "heavy";
  #heavyRunning = 0;
  /** The number of jobs that have a worker, by account. */
  readonly #running = createCounts();
  /** The number of jobs that wait or run, by account. */
  readonly #jobs = createCounts();
  readonly #held: ByteBudget = createByteBudget({ ...HELD, createBusyError });
  /** Idle workers that are reserved for a job while its input is fetched. */
  readonly #reserved = new Set<WorkerProcess>();
  #starting = 0;
  #failedStarts = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async run(request: Request): Promise<Answer> {
    const [account] = request.caller ?? NO_CALLER;
    this.#jobs.add(account, 1);
    try {
      return await this.#run(request, { isRetry: false });
    } finally {
      this.#jobs.add(account, -1);
    }
  }

  async #run(request: Request, { isRetry }: { isRetry: boolean }): Promise<Answer> {
    const { length, caller = NO_CALLER, signal } = request;
    if (this.#isClosed) throw new AppError("server_shutdown");
    signal?.throwIfAborted();
    this.#requireBudget(caller);
    const hold = this.#held.hold(caller, Math.min(length, HELD.max));
    return new Promise((resolve, reject) => {
      const stopWaiting = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        hold.release();
      };
      const lane = this.#options.budget.isHeavy(caller) ? "heavy" : "light";
      const waiting: Waiting = { request, caller, lane, isRetry, stopWaiting, resolve, reject };
      const drop = (error: unknown) => {
        if (!this.#lanes[waiting.lane].remove(caller, waiting)) return;
        stopWaiting();
        reject(error);
      };
      const onAbort = () => drop(signal?.reason);
      const timer = setTimeout(() => drop(createBusyError()), WAIT_MS_MAX);
      if (!this.#lanes[lane].add(caller, waiting)) {
        stopWaiting();
        reject(createBusyError());
        return;
      }
      signal?.addEventListener("abort", onAbort);
      this.#serve();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#refuseAll(new AppError("server_shutdown"));
    await Promise.all([...this.#workers].map((worker) => worker.kill()));
  }

  /** Assigns waiting jobs to idle workers, and starts more workers if they are needed and allowed. */
  #serve(): void {
    for (const worker of this.#workers) {
      if (this.#size() === 0) return;
      if (worker.state === "idle" && !this.#reserved.has(worker)) this.#assign(worker);
    }
    let starting = this.#starting + [...this.#workers].filter(({ state }) => state === "starting").length;
    let count = this.#starting + this.#workers.size;
    // A single account cannot use more workers than its maximum.
    const useful = this.#jobs.size > 1 ? this.#options.size : this.#accountMax();
    for (; starting < this.#size() && count < useful; starting += 1, count += 1) void this.#start();
  }

  #assign(worker: WorkerProcess): void {
    const waiting = this.#takeNext();
    if (!waiting) return;
    waiting.stopWaiting();
    const [account] = waiting.caller;
    const setLane = (lane: Lane) => {
      if (waiting.lane === "heavy") this.#heavyRunning -= 1;
      waiting.lane = lane;
      if (lane === "heavy") this.#heavyRunning += 1;
    };
    if (waiting.lane === "heavy") this.#heavyRunning += 1;
    const onLong = () => {
      this.#options.budget.noteLong(waiting.caller);
      setLane("heavy");
      this.#serve();
    };
    this.#running.add(account, 1);
    this.#reserved.add(worker);
    void this.#work(worker, waiting, onLong).finally(() => {
      setLane("light");
      this.#running.add(account, -1);
      this.#reserved.delete(worker);
      this.#serve();
    });
  }

  /** Removes and returns the next job that can run now. Refuses jobs whose callers used up their budget while the jobs waited. */
  #takeNext(): Waiting | undefined {
    const order: readonly Lane[] = this.#lastLane === "heavy" ? ["light", "heavy"] : ["heavy", "light", "heavy"];
    const { heavyMax = Math.max(1, this.#options.size - 1) } = this.#options;
    const isBlocked = (account: string) => this.#running.get(account) >= this.#accountMax();
    for (const lane of order) {
      if (lane === "heavy" && this.#heavyRunning >= heavyMax) continue;
      for (let waiting = this.#lanes[lane].take(isBlocked); waiting; waiting = this.#lanes[lane].take(isBlocked)) {
        if (!this.#canRunIn(lane, waiting)) continue;
        this.#lastLane = lane;
        return waiting;
      }
    }
    return undefined;
  }

  /** Returns whether a job from this lane can run now. If not, the job has been moved to the heavy lane or refused. */
  #canRunIn(lane: Lane, waiting: Waiting): boolean {
    const { caller } = waiting;
    const refuse = (error: unknown) => {
      waiting.stopWaiting();
      waiting.reject(error);
      return false;
    };
    try {
      this.#requireBudget(caller);
    } catch (error) {
      return refuse(error);
    }
    if (lane === "heavy" || !this.#options.budget.isHeavy(caller)) return true;
    waiting.lane = "heavy";
    return this.#lanes.heavy.add(caller, waiting) ? false : refuse(createBusyError());
  }

  #requireBudget(caller: CallerPath): void {
    const waitMs = this.#options.budget.waitMs(caller);
    if (waitMs > 0) throw createBudgetError(waitMs);
  }

  #accountMax(): number {
    return this.#options.accountMax ?? this.#options.size;
  }

  #size(): number {
    return this.#lanes.light.size + this.#lanes.heavy.size;
  }

  async #work(worker: WorkerProcess, { request, caller, isRetry, resolve, reject }: Waiting, onLong: () => void): Promise<void> {
    try {
      const job = await request.prepare();
      // After a job, the worker replaces memory that the job has enlarged. That can take more CPU time than the job.
      const onTidied = (cpuMs: number) => {
        if (cpuMs > FREE.msMin) this.#options.budget.charge(caller, cpuMs - FREE.msMin);
      };
      const outcome = await worker.run(job, { onLong, onTidied });
      if (outcome) this.#options.budget.charge(caller, outcome.cpuMs - toFreeMs(job));
      if (outcome) resolve(outcome.answer);
      // The worker had died before it began the job, so another worker gets it. A second time is not a coincidence.
      else if (isRetry) resolve({ outcome: "limit", limit: "memory" });
      else this.#run({ ...request, prepare: () => job, length: toLength(job) }, { isRetry: true }).then(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  async #start(): Promise<void> {
    this.#starting += 1;
    try {
      const script = await this.#options.findScript();
      if (this.#isClosed) return;
      const { settings, niceness = NICENESS_DEFAULT, log, readCpuTime } = this.#options;
      const worker = startWorker({
        script,
        settings,
        niceness,
        log,
        readCpuTime,
        onIdle: () => {
          this.#failedStarts = 0;
          this.#serve();
        },
        onExit: ({ wasReady }) => {
          this.#workers.delete(worker);
          if (!wasReady) this.#noteFailedStart("the process ended");
          if (!this.#isClosed) this.#serve();
        },
      });
      this.#workers.add(worker);
    } catch (error) {
      this.#noteFailedStart(String(error));
    } finally {
      this.#starting -= 1;
    }
    this.#serve();
  }

  #noteFailedStart(why: string): void {
    if (this.#isClosed) return;
    this.#failedStarts += 1;
    if (this.#failedStarts < FAILED_STARTS_MAX) return;
    this.#failedStarts = 0;
    this.#options.log.warn({ kind: this.#options.settings.kind, why }, "no sandbox worker can be started");
    this.#refuseAll(createUnavailableError());
  }

  #refuseAll(error: AppError): void {
    for (const lane of Object.values(this.#lanes)) {
      for (let waiting = lane.take(); waiting; waiting = lane.take()) {
        waiting.stopWaiting();
        waiting.reject(error);
      }
    }
  }
}

interface Counts {
  /** The number of names whose count is not 0. */
  readonly size: number;
  get(name: string): number;
  add(name: string, count: number): void;
}

function createCounts(): Counts {
  const counts = new Map<string, number>();
  return {
    get size() {
      return counts.size;
    },
    get: (name) => counts.get(name) ?? 0,
    add(name, count) {
      const sum = (counts.get(name) ?? 0) + count;
      if (sum === 0) counts.delete(name);
      else counts.set(name, sum);
    },
  };
}

/** The number of characters that a job holds while it waits. */
function toLength(job: Job): number {
  const sum = (texts: readonly string[]) => texts.reduce((total, text) => total + text.length, 0);
  switch (job.kind) {
    case "evaluate":
      return job.input.length;
    case "filter":
      return sum(job.inputs);
    case "validate":
      return sum(job.bodies);
    case "check_schema":
      return job.schema.length;
    case "check_function":
      return job.source.length;
    case "judge":
      return toJudgeLength(job);
  }
}

/** The number of characters that a job of an access function holds. */
export function toJudgeLength({ source, common, cases, found }: Omit<Extract<Job, { kind: "judge" }>, "kind">): number {
  const length = cases.reduce((total, { record, input }) => total + record.length + input.length, source.length + common.length);
  return found.reduce((total, [key, text]) => total + key.length + text.length, length);
}

function toFreeMs(job: Job): number {
  const items = countItems(job);
  return Math.min(FREE.msMax, Math.max(FREE.msMin, items * FREE.itemMs));
}

function countItems(job: Job): number {
  switch (job.kind) {
    case "filter":
      return job.inputs.length;
    case "validate":
      return job.bodies.length;
    case "judge":
      return job.cases.length;
    case "evaluate":
    case "check_schema":
    case "check_function":
      return 1;
  }
}

function createBudgetError(waitMs: number): AppError {
  const seconds = Math.ceil(waitMs / 1000);
  return new AppError("rate_limited", {
    detail: `Expressions, access functions and schema checks have used up the CPU time of this key, address or account. Simplify them, or try again in ${seconds} s.`,
    retryAfterSeconds: seconds,
  });
}

function createUnavailableError(): AppError {
  return new AppError("server_busy", {
    detail: "The server cannot start the processes for expressions, access functions and schema checks at the moment. Try again shortly.",
  });
}

function createBusyError(): AppError {
  return new AppError("server_busy", {
    detail: "Too many expressions, access functions and schema checks are waiting. Try again shortly.",
  });
}
