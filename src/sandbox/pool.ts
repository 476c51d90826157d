/** A bounded pool of sandbox workers of one kind: started when they are needed, kept warm, replaced when they die. It must not look into jobs. */
import type { Log, SandboxOptions } from "@/src/core/ports";
import { AppError } from "@/src/shared/errors";
import type { Answer, Job, WorkerSettings } from "./messages";
import { createTurns } from "./turns";
import { startWorker, type WorkerProcess } from "./worker-process";

/** What may wait: jobs in all, those of one group, and characters of what they hold. */
const WAITING_MAX = 4000;
const WAITING_GROUP_MAX = 1000;
const HELD_LENGTH_MAX = 64 * 1024 * 1024;
/** Who has waited so long is told to come again. */
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

interface Waiting {
  /** Its first worker was gone before it began. */
  isSecond: boolean;
  prepare: () => Job | Promise<Job>;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export interface PoolOptions {
  size: number;
  settings: WorkerSettings;
  findScript: () => Promise<string>;
  log: Pick<Log, "warn">;
}

export function createPool(options: PoolOptions): Pool {
  return new WorkerPool(options);
}

class WorkerPool implements Pool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #turns = createTurns<Waiting>({ max: WAITING_MAX, groupMax: WAITING_GROUP_MAX });
  /** Workers that a job was promised to, while its input is fetched. */
  readonly #promised = new Set<WorkerProcess>();
  #starting = 0;
  #heldLength = 0;
  #failedStarts = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  run(request: Parameters<Pool["run"]>[0]): Promise<Answer> {
    return this.#run({ ...request, isSecond: false });
  }

  #run({ prepare, length, group = "", signal, isSecond }: Parameters<Pool["run"]>[0] & { isSecond: boolean }): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(new AppError("server_shutdown"));
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#heldLength + length > HELD_LENGTH_MAX && this.#turns.size > 0) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#heldLength -= length;
      };
      const waiting: Waiting = {
        isSecond,
        prepare: () => {
          finish();
          return prepare();
        },
        resolve,
        reject,
      };
      const drop = (error: unknown) => {
        if (!this.#turns.remove(group, waiting)) return;
        finish();
        reject(error);
      };
      const onAbort = () => drop(signal?.reason);
      const timer = setTimeout(() => drop(busy()), WAIT_MS_MAX);
      this.#heldLength += length;
      if (!this.#turns.add(group, waiting)) {
        finish();
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
      if (this.#turns.size === 0) return;
      if (worker.state === "idle" && !this.#promised.has(worker)) this.#give(worker);
    }
    let starting = this.#starting + [...this.#workers].filter(({ state }) => state === "starting").length;
    let count = this.#starting + this.#workers.size;
    for (; starting < this.#turns.size && count < this.#options.size; starting += 1, count += 1) void this.#start();
  }

  #give(worker: WorkerProcess): void {
    const waiting = this.#turns.take();
    if (!waiting) return;
    this.#promised.add(worker);
    void this.#work(worker, waiting).finally(() => {
      this.#promised.delete(worker);
      this.#serve();
    });
  }

  async #work(worker: WorkerProcess, { prepare, isSecond, resolve, reject }: Waiting): Promise<void> {
    try {
      const job = await prepare();
      const answer = await worker.run(job);
      if (answer) resolve(answer);
      // It had died before: the job was not begun, and may be given to another. Twice is no accident.
      else if (isSecond) resolve({ outcome: "limit", limit: "memory" });
      else this.#run({ prepare: () => job, length: 0, isSecond: true }).then(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  async #start(): Promise<void> {
    this.#starting += 1;
    try {
      const script = await this.#options.findScript();
      if (this.#isClosed) return;
      const { settings, log } = this.#options;
      const worker = startWorker({
        script,
        settings,
        log,
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
    for (let waiting = this.#turns.take(); waiting; waiting = this.#turns.take()) waiting.reject(error);
  }
}

function busy(): AppError {
  return new AppError("server_busy", { detail: "Too many expressions and schema checks wait for their turn. Try again shortly." });
}
