/** One sandbox worker, in a process of its own: starts it without privileges, gives it one job at a time, and kills it when it exceeds its limits. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import os from "node:os";
import type { Log } from "@/src/core/log";
import { CPU_KILL_FACTOR, LONG_JOB_MS, WAIT_FACTOR, WATCHDOG_GRACE_MS } from "../limits";
import { type Answer, type Job, type Order, type Report, reportSchema, type WorkerSettings } from "../messages";
import { readCpuTimeMs } from "./cpu-time";

/** A process that has not reported by then is given up. */
const START_TIMEOUT_MS = 30_000;
const MIB = 1024 * 1024;
/** The memory that V8 needs in addition to that of a job. */
const HEAP_BASE_BYTES = 64 * MIB;
/** The stack of the main thread, in KiB: QuickJS and the parsers of JSON and schemas recurse on it. Systems provide 8 MiB. */
const STACK_KIB = 3900;
/** CPU time is read at most this often. */
const WATCH_MS_MIN = 20;
/** The CPU time of a shorter job is not measured: it is at most the elapsed time. */
const MEASURED_MS_MIN = 20;

/** The result of a job, and the CPU time that it used, in milliseconds. If CPU times cannot be read, it is the elapsed time. */
export interface Outcome {
  answer: Answer;
  cpuMs: number;
}

const IS_LINUX_ROOT = process.platform === "linux" && process.getuid?.() === 0;
/** Runs the rest of the command line so that no program that it could start has more privileges than itself. Part of util-linux and BusyBox. */
const SET_PRIVILEGES: readonly string[] =
  IS_LINUX_ROOT && existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--no-new-privs", "--"] : [];

export interface JobEvents {
  /** Called when the job has used LONG_JOB_MS of CPU time. */
  onLong?: () => void;
  /** Called when the worker is idle again, with the CPU time of removing the job's traces, in milliseconds. Not called if CPU times cannot be read. */
  onTidied?: (cpuMs: number) => void;
}

export interface WorkerProcess {
  /** `idle`: can take a job. `busy`: has a job, or removes the traces of the last one. `ended`: exits soon or has exited. */
  readonly state: "starting" | "idle" | "busy" | "ended" | "gone";
  /**
   * Gives an idle worker its next job. Settles with its answer: a limit if the job exceeded it or the worker died; undefined if the worker ended before it
   * began the job. The worker is killed when it has used CPU_KILL_FACTOR × the limit of CPU time, or has not answered after WAIT_FACTOR × the limit. The answer
   * is then `starved` if the job had not used the CPU time of its limit. If CPU times cannot be read, only the elapsed time stops native code.
   */
  run(job: Job, events?: JobEvents): Promise<Outcome | undefined>;
  /** Settles when the process has exited. */
  kill(): Promise<void>;
}

const OVER_TIME: Answer = { outcome: "limit", limit: "time" };

export interface WorkerOptions {
  script: string;
  settings: WorkerSettings;
  /** The niceness of the processes, from 0 to 19: plain requests have a higher priority. */
  niceness: number;
  log: Pick<Log, "warn">;
  /** The CPU time of a process so far, in milliseconds; undefined if it cannot be read. Default: {@link readCpuTimeMs}. */
  readCpuTime?: ((pid: number) => number | undefined) | undefined;
  onIdle: () => void;
  /** `wasReady`: it had reported at least once. */
  onGone: (gone: { wasReady: boolean }) => void;
}

export function startWorker(options: WorkerOptions): WorkerProcess {
  return new Worker(options);
}

/** The current job of a worker. */
interface Running {
  id: string;
  isBegun: boolean;
  startedAt: number;
  /** Undefined after the call. */
  onLong: (() => void) | undefined;
  onTidied: ((cpuMs: number) => void) | undefined;
  settle: (outcome: Outcome | undefined) => void;
}

class Worker implements WorkerProcess {
  readonly #child: ChildProcess;
  readonly #options: WorkerOptions;
  readonly #gone: Promise<void>;
  #state: WorkerProcess["state"] = "starting";
  #wasReady = false;
  #order: Running | undefined;
  /** The job whose traces it removes, and the CPU time that was measured for it. */
  #answered: { cpuMs: number; onTidied: ((cpuMs: number) => void) | undefined } | undefined;
  /** The CPU time that it had used when it last became idle. */
  #cpuMsBefore: number | undefined;
  #timer: NodeJS.Timeout;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const [command, ...args] = [...SET_PRIVILEGES, process.execPath, ...toFlags(options), options.script, JSON.stringify(options.settings)];
    this.#child = spawn(command ?? process.execPath, args, {
      // Nothing from the environment of the server. The types require this variable, which has no effect.
      env: { NODE_ENV: "production" },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    this.#timer = setTimeout(() => this.#end("it did not start in time"), START_TIMEOUT_MS);
    this.#gone = new Promise((resolve) => {
      const onGone = (code: number | null = null, signal: NodeJS.Signals | null = null) => {
        if (this.#state === "gone") return;
        this.#leave({ code, signal });
        resolve();
      };
      // If the process cannot be started, there is no "exit" event, only "error".
      this.#child.on("error", (error) => {
        options.log.warn({ err: error }, "a sandbox worker failed");
        if (this.#child.pid === undefined) onGone();
      });
      this.#child.on("exit", onGone);
    });
    this.#child.on("message", (message: unknown) => this.#hear(message));
    void this.#yieldToOthers();
  }

  get state(): WorkerProcess["state"] {
    return this.#state;
  }

  run(job: Job, { onLong, onTidied }: JobEvents = {}): Promise<Outcome | undefined> {
    if (this.#state === "gone" || this.#state === "ended") return Promise.resolve(undefined);
    if (this.#state !== "idle") throw new Error(`A sandbox worker that is ${this.#state} takes no job.`);
    this.#state = "busy";
    return new Promise((resolve) => {
      const id = randomUUID();
      this.#order = { id, isBegun: false, startedAt: performance.now(), onLong, onTidied, settle: resolve };
      this.#timer = setTimeout(() => this.#watch(), Math.min(LONG_JOB_MS, this.#options.settings.timeoutMs));
      this.#child.send({ id, job } satisfies Order, (error) => {
        if (!error) return;
        this.#answer(undefined);
        this.#end("it could not be reached");
      });
    });
  }

  /** Ends a job that has used too much, or schedules the next look. */
  #watch(): void {
    const { timeoutMs } = this.#options.settings;
    const elapsedMs = this.#elapsedMs();
    const usedMs = this.#usedMs();
    const cpuMsLeft = usedMs === undefined ? Number.POSITIVE_INFINITY : timeoutMs * CPU_KILL_FACTOR - usedMs;
    const msLeft = timeoutMs * WAIT_FACTOR + WATCHDOG_GRACE_MS - elapsedMs;
    const msToLong = this.#noteIfLong(usedMs ?? elapsedMs);
    if (cpuMsLeft <= 0) this.#end("a job used too much CPU time");
    else if (msLeft > 0) this.#timer = setTimeout(() => this.#watch(), Math.max(WATCH_MS_MIN, Math.min(cpuMsLeft, msLeft, msToLong)));
    else this.#end("a job took too long", usedMs !== undefined && usedMs < timeoutMs ? { outcome: "starved" } : OVER_TIME);
  }

  /** How much more CPU time makes it a long job. */
  #noteIfLong(usedMs: number): number {
    const order = this.#order;
    if (!order?.onLong) return Number.POSITIVE_INFINITY;
    if (usedMs < LONG_JOB_MS) return LONG_JOB_MS - usedMs;
    order.onLong();
    order.onLong = undefined;
    return Number.POSITIVE_INFINITY;
  }

  #elapsedMs(): number {
    return this.#order === undefined ? 0 : performance.now() - this.#order.startedAt;
  }

  /** CPU time since the worker was idle. */
  #usedMs(): number | undefined {
    const now = this.#readCpuTime();
    return now === undefined || this.#cpuMsBefore === undefined ? undefined : now - this.#cpuMsBefore;
  }

  #readCpuTime(): number | undefined {
    const { readCpuTime = readCpuTimeMs } = this.#options;
    return this.#child.pid === undefined ? undefined : readCpuTime(this.#child.pid);
  }

  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.#gone;
  }

  #hear(message: unknown): void {
    if (this.#state === "ended" || this.#state === "gone") return;
    const { data: report } = reportSchema.safeParse(message);
    // A job may have taken over the process, so its messages and its answer are not used any more.
    if (!report || !this.#isExpected(report)) {
      this.#end("it sent an unknown message");
      return;
    }
    if (report.type === "begun") {
      if (this.#order) this.#order.isBegun = true;
      return;
    }
    clearTimeout(this.#timer);
    if (report.type === "answer") {
      this.#answer(report.answer);
      // The next job does not wait indefinitely until the traces of this one are removed.
      this.#timer = setTimeout(() => this.#end("it was not ready in time"), START_TIMEOUT_MS);
      return;
    }
    if (!this.#wasReady) {
      void this.#yieldToOthers();
      void this.#checkUser();
    }
    this.#wasReady = true;
    this.#noteTidied();
    this.#state = "idle";
    this.#options.onIdle();
  }

  #noteTidied(): void {
    const [answered, before, now] = [this.#answered, this.#cpuMsBefore, this.#readCpuTime()];
    this.#answered = undefined;
    this.#cpuMsBefore = now;
    if (answered && before !== undefined && now !== undefined) answered.onTidied?.(Math.max(0, now - before - answered.cpuMs));
  }

  #isExpected(report: Report): boolean {
    if (report.type === "ready") return this.#order === undefined && this.#state !== "idle";
    return report.id === this.#order?.id && !(report.type === "begun" && this.#order.isBegun);
  }

  #answer(answer: Answer | undefined): void {
    const order = this.#order;
    if (order === undefined) return;
    const elapsedMs = this.#elapsedMs();
    const cpuMs = elapsedMs < MEASURED_MS_MIN ? elapsedMs : (this.#usedMs() ?? elapsedMs);
    this.#order = undefined;
    this.#answered = { cpuMs, onTidied: order.onTidied };
    order.settle(answer && { answer, cpuMs });
  }

  /** Its job is answered at once; the process exits a moment later. */
  #end(why: string, answer: Answer = OVER_TIME): void {
    this.#options.log.warn({ pid: this.#child.pid, kind: this.#options.settings.kind, why }, "terminating a sandbox worker");
    clearTimeout(this.#timer);
    this.#answer(answer);
    this.#child.kill("SIGKILL");
    if (this.#state !== "gone") this.#state = "ended";
  }

  #leave(how: { code: number | null; signal: NodeJS.Signals | null }): void {
    clearTimeout(this.#timer);
    this.#state = "gone";
    const { isBegun = false } = this.#order ?? {};
    if (isBegun) this.#options.log.warn({ pid: this.#child.pid, ...how }, "a sandbox worker exited during a job");
    // Most likely it ran out of memory: every other limit ends a job without ending the process.
    this.#answer(isBegun ? { outcome: "limit", limit: "memory" } : undefined);
    this.#options.onGone({ wasReady: this.#wasReady });
  }

  /** If the server runs as root, its workers drop root's rights (worker.ts), unless the system does not allow it. */
  async #checkUser(): Promise<void> {
    const { pid } = this.#child;
    if (!IS_LINUX_ROOT || pid === undefined) return;
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    if (/^Uid:\s+0\s/m.test(status)) this.#options.log.warn({ pid }, "a sandbox worker runs as root: start the server as another user");
  }

  /** On Linux each thread has a priority of its own, which new threads inherit. V8 has started some before ours is set. */
  async #yieldToOthers(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const { niceness } = this.#options;
    const threads = process.platform === "linux" ? await readdir(`/proc/${pid}/task`).catch(() => []) : [];
    for (const id of new Set([pid, ...threads.map(Number)])) {
      try {
        os.setPriority(id, niceness);
      } catch {
        // The process has ended meanwhile, or the system does not allow it. Then only the limits apply.
      }
    }
  }
}

function toFlags({ script, settings }: WorkerOptions): string[] {
  const heapBytes = HEAP_BASE_BYTES + settings.memoryBytesMax;
  return [
    `--max-old-space-size=${Math.ceil(heapBytes / MIB)}`,
    `--stack-size=${STACK_KIB}`,
    "--expose-gc",
    "--no-warnings",
    ...toPermissionFlags(script),
  ];
}

/** Allows no files but the script, no processes, no threads and no addons. The flag's name depends on the version of Node.js. */
function toPermissionFlags(script: string): string[] {
  const flag = ["--permission", "--experimental-permission"].find((name) => process.allowedNodeEnvironmentFlags.has(name));
  // These characters have a special meaning in the flag's value, so a path with them cannot be used.
  return flag === undefined || /[,*]/.test(script) ? [] : [flag, `--allow-fs-read=${script}`];
}
