/** A bounded pool of sandbox workers of one kind: started when they are needed, kept warm, replaced when they die. It must not look into jobs. */
import { type ByteBudget, createByteBudget } from "@/src/core/byte-budget";
import type { CallerPath } from "@/src/core/caller-path";
import { createFairQueue } from "@/src/core/fair-queue";
import type { Log, SandboxOptions } from "@/src/core/ports";
import { AppError } from "@/src/shared/errors";
import type { Answer, Job, WorkerSettings } from "./messages";
import { startWorker, type WorkerProcess } from "./worker-process";

/** Jobs that may wait: in all; those of an account, a project, a caller. */
const WAITING = { max: 16_000, groupMax: [2000, 1000, 1000] } as const;
const MI = 1024 * 1024;
/** Characters that waiting jobs may hold: in all; those of an account, a project, a caller. */
const HELD = { max: 64 * MI, groupMax: [16 * MI, 12 * MI, 8 * MI] } as const;
/** A job that has waited so long is refused. */
const WAIT_MS_MAX = 15_000;
/** So many workers in a row that die before they are ready mean that none ever will be. */
const FAILED_STARTS_MAX = 3;

export interface Pool {
  /**
   * Settles with the answer of a worker. `prepare` is called when one is free, before the job's time begins; what it raises is passed on. `length`: characters
   * that the job holds while it waits. Raises `server_busy`, `internal_error` when no worker can be started, and the signal's reason.
   */
  run(request: { prepare: () => Job | Promise<Job>; length: number } & SandboxOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** Jobs without a caller are those of one. */
const NOBODY: CallerPath = ["", "", ""];

type Request = Parameters<Pool["run"]>[0];

/** A job that waits, or runs. */
interface Waiting {
  request: Request;
  /** Its first worker was gone before it began. */
  isSecond: boolean;
  /** It waits no longer: gives back what is held for it. */
  leave: () => void;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export interface PoolOptions {
  size: number;
  settings: WorkerSettings;
  findScript: () => Promise<string>;
  log: Pick<Log, "warn">;
  /** See WorkerOptions. */
  readCpuTime?: ((pid: number) => number | undefined) | undefined;
}

export function createPool(options: PoolOptions): Pool {
  return new WorkerPool(options);
}

class WorkerPool implements Pool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #waiting = createFairQueue<Waiting>(WAITING);
  readonly #held: ByteBudget = createByteBudget({ ...HELD, createBusyError: busy });
  /** Workers that a job was promised to, while its input is fetched. */
  readonly #promised = new Set<WorkerProcess>();
  #starting = 0;
  #failedStarts = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  run(request: Request): Promise<Answer> {
    return this.#run(request, { isSecond: false });
  }

  async #run(request: Request, { isSecond }: { isSecond: boolean }): Promise<Answer> {
    const { length, caller = NOBODY, signal } = request;
    if (this.#isClosed) throw new AppError("server_shutdown");
    signal?.throwIfAborted();
    const hold = this.#held.hold(caller, Math.min(length, HELD.max));
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        hold.release();
      };
      const waiting: Waiting = { request, isSecond, leave, resolve, reject };
      const drop = (error: unknown) => {
        if (!this.#waiting.remove(caller, waiting)) return;
        leave();
        reject(error);
      };
      const onAbort = () => drop(signal?.reason);
      const timer = setTimeout(() => drop(busy()), WAIT_MS_MAX);
      if (!this.#waiting.add(caller, waiting)) {
        leave();
        reject(busy());
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

  /** Gives what waits to workers that are free, and starts workers as long as there may be more and more are needed. */
  #serve(): void {
    for (const worker of this.#workers) {
      if (this.#waiting.size === 0) return;
      if (worker.state === "idle" && !this.#promised.has(worker)) this.#give(worker);
    }
    let starting = this.#starting + [...this.#workers].filter(({ state }) => state === "starting").length;
    let count = this.#starting + this.#workers.size;
    for (; starting < this.#waiting.size && count < this.#options.size; starting += 1, count += 1) void this.#start();
  }

  #give(worker: WorkerProcess): void {
    const waiting = this.#waiting.take();
    if (!waiting) return;
    waiting.leave();
    this.#promised.add(worker);
    void this.#work(worker, waiting).finally(() => {
      this.#promised.delete(worker);
      this.#serve();
    });
  }

  async #work(worker: WorkerProcess, { request, isSecond, resolve, reject }: Waiting): Promise<void> {
    try {
      const job = await request.prepare();
      const outcome = await worker.run(job);
      if (outcome) resolve(outcome.answer);
      // It had died before: the job was not begun, and may be given to another. Twice is no accident.
      else if (isSecond) resolve({ outcome: "limit", limit: "memory" });
      else this.#run({ ...request, prepare: () => job, length: toLength(job) }, { isSecond: true }).then(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  async #start(): Promise<void> {
    this.#starting += 1;
    try {
      const script = await this.#options.findScript();
      if (this.#isClosed) return;
      const { settings, log, readCpuTime } = this.#options;
      const worker = startWorker({
        script,
        settings,
        log,
        readCpuTime,
        onIdle: () => {
          this.#failedStarts = 0;
          this.#serve();
        },
        onGone: ({ wasReady }) => {
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
    this.#refuseAll(new AppError("internal_error", { internal: `sandbox workers can't be started: ${why}` }));
  }

  #refuseAll(error: AppError): void {
    for (let waiting = this.#waiting.take(); waiting; waiting = this.#waiting.take()) {
      waiting.leave();
      waiting.reject(error);
    }
  }
}

/** Characters that a job holds. */
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
  }
}

function busy(): AppError {
  return new AppError("server_busy", { detail: "Too many expressions and schema checks wait for their turn. Try again shortly." });
}
