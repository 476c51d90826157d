/** One sandbox worker, a process of its own: starts it without rights, gives it one job at a time, and kills it when it overruns. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import os from "node:os";
import type { Log } from "@/src/core/ports";
import { WAIT_FACTOR, WATCHDOG_GRACE_MS } from "./limits";
import { type Answer, type Job, type Order, type Report, reportSchema, type WorkerSettings } from "./messages";

/** A process that has not reported by then never will. */
const START_TIMEOUT_MS = 30_000;
const MIB = 1024 * 1024;
/** V8 needs so much besides what a job takes. */
const HEAP_BASE_BYTES = 64 * MIB;
/** Of the main thread, in KiB: what QuickJS and the parsers of JSON and schemas recurse on. Systems give 8 MiB. */
const STACK_KIB = 3900;
/** Plain requests go first: JSONata gets what they leave. Schema checks are a part of writes that wait for them. */
const NICE = { jsonata: 19, schema: 10 } as const;

export interface WorkerProcess {
  /** `idle`: it takes a job. `busy`: it has one, or removes the traces of the last. `ended`: it will be gone. */
  readonly state: "starting" | "idle" | "busy" | "ended" | "gone";
  /** Gives an idle worker its next job. Settles with its answer: a limit when it overran or died; undefined when it was gone before it began the job. */
  run(job: Job): Promise<Answer | undefined>;
  /** Settles when the process is gone. */
  kill(): Promise<void>;
}

export interface WorkerOptions {
  script: string;
  settings: WorkerSettings;
  log: Pick<Log, "warn">;
  onIdle: () => void;
  /** `wasReady`: it had reported at least once. */
  onGone: (gone: { wasReady: boolean }) => void;
}

export function startWorker(options: WorkerOptions): WorkerProcess {
  return new Worker(options);
}

class Worker implements WorkerProcess {
  readonly #child: ChildProcess;
  readonly #options: WorkerOptions;
  readonly #gone: Promise<void>;
  #state: WorkerProcess["state"] = "starting";
  #wasReady = false;
  #order: { id: string; isBegun: boolean; settle: (answer: Answer | undefined) => void } | undefined;
  #timer: NodeJS.Timeout;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#child = spawn(process.execPath, [...toFlags(options), options.script, JSON.stringify(options.settings)], {
      // Nothing of the server's. Types want this one, which says nothing.
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
      // Without a process there is no "exit", only "error".
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

  run(job: Job): Promise<Answer | undefined> {
    if (this.#state === "gone" || this.#state === "ended") return Promise.resolve(undefined);
    if (this.#state !== "idle") throw new Error(`A sandbox worker that is ${this.#state} takes no job.`);
    this.#state = "busy";
    return new Promise((resolve) => {
      const id = randomUUID();
      this.#order = { id, isBegun: false, settle: resolve };
      this.#timer = setTimeout(() => this.#end("a job overran"), this.#options.settings.timeoutMs * WAIT_FACTOR + WATCHDOG_GRACE_MS);
      this.#child.send({ id, job } satisfies Order, (error) => {
        if (!error) return;
        this.#answer(undefined);
        this.#end("it could not be reached");
      });
    });
  }

  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.#gone;
  }

  #hear(message: unknown): void {
    if (this.#state === "ended" || this.#state === "gone") return;
    const { data: report } = reportSchema.safeParse(message);
    // A job may have taken over the process: what it says from now on is worth nothing, and neither is its answer.
    if (!report || !this.#isExpected(report)) {
      this.#end("it said what no worker says");
      return;
    }
    if (report.type === "begun") {
      if (this.#order) this.#order.isBegun = true;
      return;
    }
    clearTimeout(this.#timer);
    if (report.type === "answer") {
      this.#answer(report.answer);
      // The next job does not wait for ever for this one's traces to be removed.
      this.#timer = setTimeout(() => this.#end("it did not get ready in time"), START_TIMEOUT_MS);
      return;
    }
    if (!this.#wasReady) void this.#yieldToOthers();
    this.#wasReady = true;
    this.#state = "idle";
    this.#options.onIdle();
  }

  #isExpected(report: Report): boolean {
    if (report.type === "ready") return this.#order === undefined && this.#state !== "idle";
    return report.id === this.#order?.id && !(report.type === "begun" && this.#order.isBegun);
  }

  #answer(answer: Answer | undefined): void {
    const order = this.#order;
    this.#order = undefined;
    order?.settle(answer);
  }

  /** Its job is answered at once; it is gone a moment later. */
  #end(why: string): void {
    this.#options.log.warn({ pid: this.#child.pid, kind: this.#options.settings.kind, why }, "a sandbox worker is ended");
    clearTimeout(this.#timer);
    this.#answer({ outcome: "limit", limit: "time" });
    this.#child.kill("SIGKILL");
    if (this.#state !== "gone") this.#state = "ended";
  }

  #leave(how: { code: number | null; signal: NodeJS.Signals | null }): void {
    clearTimeout(this.#timer);
    this.#state = "gone";
    const { isBegun = false } = this.#order ?? {};
    if (isBegun) this.#options.log.warn({ pid: this.#child.pid, ...how }, "a sandbox worker ended in the middle of a job");
    // Most likely it ran out of memory: everything else ends a job without ending the process.
    this.#answer(isBegun ? { outcome: "limit", limit: "memory" } : undefined);
    this.#options.onGone({ wasReady: this.#wasReady });
  }

  /** On Linux each thread has a priority of its own, which those that it starts inherit: V8 has some before ours is set. */
  async #yieldToOthers(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const nice = NICE[this.#options.settings.kind];
    const threads = process.platform === "linux" ? await readdir(`/proc/${pid}/task`).catch(() => []) : [];
    for (const id of new Set([pid, ...threads.map(Number)])) {
      try {
        os.setPriority(id, nice);
      } catch {
        // It has ended meanwhile; or the system does not let us, and limits alone must do.
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

/** No files but the script, no processes, no threads, no addons. The flag's name depends on Node's version. */
function toPermissionFlags(script: string): string[] {
  const flag = ["--permission", "--experimental-permission"].find((name) => process.allowedNodeEnvironmentFlags.has(name));
  // In the flag's value these mean something else: such a path can't be named.
  return flag === undefined || /[,*]/.test(script) ? [] : [flag, `--allow-fs-read=${script}`];
}
