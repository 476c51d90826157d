/** Runs one sandbox worker process: starts it without privileges, gives it one job at a time, and kills it when it exceeds its limits. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import os from "node:os";
import type { Log } from "@/src/core/log";
import { CPU_KILL_FACTOR, LONG_JOB_MS, WAIT_FACTOR, WATCHDOG_GRACE_MS } from "../limits";
import { type Answer, type Job, type JobMessage, type Report, reportSchema, type WorkerSettings } from "../messages";
import { readCpuTimeMs } from "./cpu-time";

/** The time after which a process that has not reported `ready` is killed. */
const START_TIMEOUT_MS = 30_000;
const MIB = 1024 * 1024;
/** The memory that V8 needs in addition to a job's memory. */
const HEAP_BASE_BYTES = 64 * MIB;
/** The stack of the main thread, in KiB. QuickJS and the parsers of JSON and schemas recurse on it. Operating systems provide 8 MiB. */
const STACK_KIB = 3900;
/** The minimum interval of reading the CPU time. */
const WATCH_MS_MIN = 20;
/** The elapsed time below which a job's CPU time is not measured. The elapsed time is charged instead. */
const MEASURED_MS_MIN = 20;

/** The answer to a job, and the CPU time that it used, in milliseconds. If CPU times cannot be read, `cpuMs` is the elapsed time. */
export interface Outcome {
  answer: Answer;
  cpuMs: number;
}

const IS_LINUX_ROOT = process.platform === "linux" && process.getuid?.() === 0;
/** The start of the command line that prevents the worker from gaining privileges. setpriv is part of util-linux and BusyBox. */
const SET_PRIVILEGES: readonly string[] =
  IS_LINUX_ROOT && existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--no-new-privs", "--"] : [];

export interface JobEvents {
  /** Called when the job has used LONG_JOB_MS of CPU time. */
  onLong?: () => void;
  /** Called when the worker is idle again, with the CPU time of removing the job's traces, in milliseconds. Not called if CPU times cannot be read. */
  onTidied?: (cpuMs: number) => void;
}

export interface WorkerProcess {
  /** `idle`: can take a job. `busy`: has a job, or removes the traces of the last one. `ended`: has been killed and exits soon. */
  readonly state: "starting" | "idle" | "busy" | "ended" | "exited";
  /**
   * Gives an idle worker its next job and returns its answer: a limit if the job exceeded it or the worker died. Returns undefined if the worker ended before
   * it began the job. The worker is killed when it has used CPU_KILL_FACTOR × the limit of CPU time, or has not answered after WAIT_FACTOR × the limit. The answer
   * is then `starved` if the job had not used the CPU time of its limit. If CPU times cannot be read, only the elapsed time stops native code.
   */
  run(job: Job, events?: JobEvents): Promise<Outcome | undefined>;
  /** Kills the process. Settles when it has exited. */
  kill(): Promise<void>;
}

const OVER_TIME: Answer = { outcome: "limit", limit: "time" };

export interface WorkerOptions {
  script: string;
  settings: WorkerSettings;
  /** The niceness of the process, from 0 to 19. Plain requests have a higher priority. */
  niceness: number;
  log: Pick<Log, "warn">;
  /** The CPU time of a process so far, in milliseconds; undefined if it cannot be read. Default: {@link readCpuTimeMs}. */
  readCpuTime?: ((pid: number) => number | undefined) | undefined;
  onIdle: () => void;
  /** `wasReady`: the worker had reported `ready` at least once. */
  onExit: (exited: { wasReady: boolean }) => void;
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
  readonly #exited: Promise<void>;
  #state: WorkerProcess["state"] = "starting";
  #wasReady = false;
  #currentJob: Running | undefined;
  /** The job whose traces the worker removes, and the CPU time that was measured for it. */
  #answered: { cpuMs: number; onTidied: ((cpuMs: number) => void) | undefined } | undefined;
  /** The CPU time that the worker had used when it last became idle. */
  #cpuMsBefore: number | undefined;
  #timer: NodeJS.Timeout;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const [command, ...args] = [...SET_PRIVILEGES, process.execPath, ...toFlags(options), options.script, JSON.stringify(options.settings)];
    this.#child = spawn(command ?? process.execPath, args, {
      // The environment of the server is not passed on. The types require this variable, which has no effect.
      // Access functions must not depend on the time zone of the server.
      env: { NODE_ENV: "production", TZ: "UTC" },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    this.#timer = setTimeout(() => this.#end("it did not start in time"), START_TIMEOUT_MS);
    this.#exited = new Promise((resolve) => {
      const onExit = (code: number | null = null, signal: NodeJS.Signals | null = null) => {
        if (this.#state === "exited") return;
        this.#onExit({ code, signal });
        resolve();
      };
      // If the process cannot be started, there is no "exit" event, only "error".
      this.#child.on("error", (error) => {
        options.log.warn({ err: error }, "a sandbox worker failed");
        if (this.#child.pid === undefined) onExit();
      });
      this.#child.on("exit", onExit);
    });
    this.#child.on("message", (message: unknown) => this.#onMessage(message));
    void this.#lowerPriority();
  }

  get state(): WorkerProcess["state"] {
    return this.#state;
  }

  run(job: Job, { onLong, onTidied }: JobEvents = {}): Promise<Outcome | undefined> {
    if (this.#state === "exited" || this.#state === "ended") return Promise.resolve(undefined);
    if (this.#state !== "idle") throw new Error(`A sandbox worker that is ${this.#state} cannot take a job.`);
    this.#state = "busy";
    return new Promise((resolve) => {
      const id = randomUUID();
      this.#currentJob = { id, isBegun: false, startedAt: performance.now(), onLong, onTidied, settle: resolve };
      this.#timer = setTimeout(() => this.#watch(), Math.min(LONG_JOB_MS, this.#options.settings.timeoutMs));
      this.#child.send({ id, job } satisfies JobMessage, (error) => {
        if (!error) return;
        this.#answer(undefined);
        this.#end("it could not be reached");
      });
    });
  }

  /** Kills the worker if its job has exceeded a limit. Otherwise schedules the next check. */
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

  /** Calls `onLong` if the job is long. Returns the CPU time until it is long, or infinity if that has been reported. */
  #noteIfLong(usedMs: number): number {
    const current = this.#currentJob;
    if (!current?.onLong) return Number.POSITIVE_INFINITY;
    if (usedMs < LONG_JOB_MS) return LONG_JOB_MS - usedMs;
    current.onLong();
    current.onLong = undefined;
    return Number.POSITIVE_INFINITY;
  }

  #elapsedMs(): number {
    return this.#currentJob === undefined ? 0 : performance.now() - this.#currentJob.startedAt;
  }

  /** The CPU time since the worker was last idle. Undefined if it cannot be read. */
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
    return this.#exited;
  }

  #onMessage(message: unknown): void {
    if (this.#state === "ended" || this.#state === "exited") return;
    const { data: report } = reportSchema.safeParse(message);
    // A job may have taken over the process, so its messages and its answer cannot be trusted.
    if (!report || !this.#isExpected(report)) {
      this.#end("it sent an unknown message");
      return;
    }
    if (report.type === "begun") {
      if (this.#currentJob) this.#currentJob.isBegun = true;
      return;
    }
    clearTimeout(this.#timer);
    if (report.type === "answer") {
      this.#answer(report.answer);
      // The next job must not wait indefinitely for the traces of this one to be removed.
      this.#timer = setTimeout(() => this.#end("it was not ready in time"), START_TIMEOUT_MS);
      return;
    }
    if (!this.#wasReady) {
      void this.#lowerPriority();
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
    if (report.type === "ready") return this.#currentJob === undefined && this.#state !== "idle";
    return report.id === this.#currentJob?.id && !(report.type === "begun" && this.#currentJob.isBegun);
  }

  #answer(answer: Answer | undefined): void {
    const current = this.#currentJob;
    if (current === undefined) return;
    const elapsedMs = this.#elapsedMs();
    const cpuMs = elapsedMs < MEASURED_MS_MIN ? elapsedMs : (this.#usedMs() ?? elapsedMs);
    this.#currentJob = undefined;
    this.#answered = { cpuMs, onTidied: current.onTidied };
    current.settle(answer && { answer, cpuMs });
  }

  /** Kills the worker. Its job settles with `answer` immediately; the process exits later. */
  #end(why: string, answer: Answer = OVER_TIME): void {
    this.#options.log.warn({ pid: this.#child.pid, kind: this.#options.settings.kind, why }, "terminating a sandbox worker");
    clearTimeout(this.#timer);
    this.#answer(answer);
    this.#child.kill("SIGKILL");
    if (this.#state !== "exited") this.#state = "ended";
  }

  #onExit(how: { code: number | null; signal: NodeJS.Signals | null }): void {
    clearTimeout(this.#timer);
    this.#state = "exited";
    const { isBegun = false } = this.#currentJob ?? {};
    if (isBegun) this.#options.log.warn({ pid: this.#child.pid, ...how }, "a sandbox worker exited during a job");
    // The process most likely ran out of memory, because every other limit ends a job without ending the process.
    this.#answer(isBegun ? { outcome: "limit", limit: "memory" } : undefined);
    this.#options.onExit({ wasReady: this.#wasReady });
  }

  /** Logs a warning if the worker still runs as root. A worker drops root's privileges (worker.ts) unless the system does not allow it. */
  async #checkUser(): Promise<void> {
    const { pid } = this.#child;
    if (!IS_LINUX_ROOT || pid === undefined) return;
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    if (/^Uid:\s+0\s/m.test(status)) this.#options.log.warn({ pid }, "a sandbox worker runs as root: start the server as another user");
  }

  /** Sets the niceness of every thread. On Linux each thread has its own, and V8 may have started threads before it is set. */
  async #lowerPriority(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const { niceness } = this.#options;
    const threads = process.platform === "linux" ? await readdir(`/proc/${pid}/task`).catch(() => []) : [];
    for (const id of new Set([pid, ...threads.map(Number)])) {
      try {
        os.setPriority(id, niceness);
      } catch {
        // The process has exited, or the system does not allow it. Only the limits apply.
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

/** The flags that allow reading the script and nothing else: no other files, no processes, no threads, no addons. The name depends on the Node.js version. */
function toPermissionFlags(script: string): string[] {
  const flag = ["--permission", "--experimental-permission"].find((name) => process.allowedNodeEnvironmentFlags.has(name));
  // These characters have a special meaning in the flag's value, so a path with them cannot be used.
  return flag === undefined || /[,*]/.test(script) ? [] : [flag, `--allow-fs-read=${script}`];
}
