/** Runs one import worker: starts it at low priority on a file, asks it for batches, and kills it when it overruns or is no longer needed. */
import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import os from "node:os";
import type { Log } from "@/src/core/log";
import { AppError } from "@/src/shared/errors";
import { IMPORT_BYTES_MAX } from "@/src/shared/record-limits";
import type { FoundCharset } from "./charset";
import { type ImportReport, type ImportSettings, importReportSchema, NEXT } from "./messages";
import type { ImportedItem } from "./read-items";

const MIB = 1024 * 1024;
/** The worker holds a record in several forms, a batch, and V8 itself. */
const HEAP_BASE_MIB = 128;
const HEAP_PER_RECORD_BYTE = 16;
/** The server's requests go first. */
const NICE = 10;
/** For one batch, by the clock. The worker itself counts the computing for the whole file, but a machine may be too busy to give it any. */
const REPORT_MS_MAX = 300_000;
const RETRY_AFTER_SECONDS = 60;

export interface WorkerOptions {
  /** The bundled worker. */
  script: string;
  file: string;
  settings: ImportSettings;
  log: Pick<Log, "warn">;
  /** Ends the worker. */
  signal: AbortSignal;
  /** Called after the last batch. */
  onFound?: ((found: FoundCharset) => void) | undefined;
  reportMsMax?: number;
}

/**
 * The records of a file, in order and in batches; the next batch is asked for when the consumer asks. Throws what readItems throws, `server_busy` when
 * the worker takes too long, `body_too_large` when it runs out of memory, and the signal's reason. The worker is gone when this settles or is ended.
 */
export async function* readInWorker({ script, file, settings, log, signal, onFound, reportMsMax = REPORT_MS_MAX }: WorkerOptions) {
  signal.throwIfAborted();
  const handle = await open(file);
  const worker = new Worker(spawnWorker(script, settings, handle.fd));
  await handle.close();
  const end = () => void worker.kill();
  signal.addEventListener("abort", end, { once: true });
  try {
    for (;;) {
      const report = await worker.next(reportMsMax);
      signal.throwIfAborted();
      if (report === "late") throw tooSlow();
      if (report === undefined) {
        log.warn({ pid: worker.pid, ...worker.exit }, "an import worker exited before it finished its file");
        throw new AppError("body_too_large", {
          detail: "Reading the file takes too much memory. Split the file.",
          internal: "the worker died",
        });
      }
      if (report.type === "end") {
        onFound?.({ name: report.name, isGuess: report.isGuess });
        return;
      }
      yield toItems(report);
    }
  } finally {
    signal.removeEventListener("abort", end);
    await worker.kill();
  }
}

function spawnWorker(script: string, settings: ImportSettings, fd: number): ChildProcess {
  const recordMib = Math.min(settings.recordBytesMax, IMPORT_BYTES_MAX) / MIB;
  const heapMib = Math.ceil(HEAP_BASE_MIB + recordMib * HEAP_PER_RECORD_BYTE);
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMib}`, "--no-warnings", script, JSON.stringify(settings)], {
    // Nothing of the server's. Types want this one, which says nothing.
    env: { NODE_ENV: "production" },
    stdio: [fd, "ignore", "ignore", "ipc"],
    serialization: "advanced",
  });
  try {
    // Before it starts threads, which inherit the priority.
    if (child.pid !== undefined) os.setPriority(child.pid, NICE);
  } catch {
    // It has ended already, or the system does not allow it.
  }
  return child;
}

class Worker {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #isGone = false;
  #waiting: ((report: ImportReport | undefined) => void) | undefined;
  exit: { code: number | null; signal: NodeJS.Signals | null; err?: Error } = { code: null, signal: null };

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#gone = new Promise((resolve) => {
      const onGone = () => {
        this.#isGone = true;
        this.#settle(undefined);
        resolve();
      };
      child.on("exit", (code, signal) => {
        this.exit = { code, signal };
        onGone();
      });
      child.on("error", (error) => {
        this.exit.err = error;
        // Without a process there is no "exit", only "error".
        if (child.pid === undefined) onGone();
      });
    });
    child.on("message", (message) => {
      const report = importReportSchema.safeParse(message);
      if (report.success) this.#settle(report.data);
      else void this.kill();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Undefined: the process is gone. `late`: no report came in time. */
  next(msMax: number): Promise<ImportReport | undefined | "late"> {
    if (this.#isGone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve("late"), msMax);
      this.#waiting = (report) => {
        clearTimeout(timer);
        resolve(report);
      };
      this.#child.send(NEXT, (error) => {
        if (error) this.#settle(undefined);
      });
    });
  }

  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.#gone;
  }

  #settle(report: ImportReport | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(report);
  }
}

function toItems(report: Exclude<ImportReport, { type: "end" }>): ImportedItem[] {
  switch (report.type) {
    case "batch":
      return report.data.map((data, index) => ({ data, line: report.lines[index] ?? 0 }));
    case "refused":
      throw new AppError(report.code, { detail: report.detail });
    case "failed":
      throw new AppError("internal_error", { internal: `the import worker failed: ${report.message}` });
  }
}

function tooSlow(): AppError {
  return new AppError("server_busy", {
    detail: "The server is too busy to read the file. Try again later.",
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
