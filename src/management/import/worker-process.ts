/** Runs one import worker: starts it on a file at low priority, requests batches, and kills it if it exceeds a limit or is no longer needed. */
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
/** Enough for a record in several forms, a batch, and V8 itself. */
const HEAP_BASE_MIB = 128;
const HEAP_PER_RECORD_BYTE = 16;
/** Low priority: requests to the server go first. */
const NICE = 10;
/** The elapsed time for one batch. The worker counts its CPU time for the whole file itself, but a busy machine may give it none. */
const REPORT_MS_MAX = 300_000;
const RETRY_AFTER_SECONDS = 60;

export interface WorkerOptions {
  /** The path of the bundled worker. */
  script: string;
  file: string;
  settings: ImportSettings;
  log: Pick<Log, "warn">;
  /** Ends the worker. */
  signal: AbortSignal;
  /** Called with the encoding, after the last batch. */
  onFound?: ((found: FoundCharset) => void) | undefined;
  reportMsMax?: number;
}

/**
 * Yields the records of a file, in order and in batches. Requests a batch when the consumer does. Throws what readItems throws, `server_busy` if the
 * worker takes too long, `body_too_large` if it runs out of memory, and the signal's reason. The worker has ended when the iteration ends.
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
    // The worker gets nothing of the server's environment. The types require this variable, which is harmless.
    env: { NODE_ENV: "production" },
    stdio: [fd, "ignore", "ignore", "ipc"],
    serialization: "advanced",
  });
  try {
    // Set before the worker starts threads, which inherit the priority.
    if (child.pid !== undefined) os.setPriority(child.pid, NICE);
  } catch {
    // The process has already ended, or the system does not allow it.
  }
  return child;
}

class Worker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #hasEnded = false;
  #waiting: ((report: ImportReport | undefined) => void) | undefined;
  exit: { code: number | null; signal: NodeJS.Signals | null; err?: Error } = { code: null, signal: null };

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const onEnd = () => {
        this.#hasEnded = true;
        this.#settle(undefined);
        resolve();
      };
      child.on("exit", (code, signal) => {
        this.exit = { code, signal };
        onEnd();
      });
      child.on("error", (error) => {
        this.exit.err = error;
        // If the process cannot start, there is an "error" event but no "exit".
        if (child.pid === undefined) onEnd();
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

  /** Undefined: the process has ended. `late`: no report arrived in time. */
  next(msMax: number): Promise<ImportReport | undefined | "late"> {
    if (this.#hasEnded) return Promise.resolve(undefined);
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
    return this.#ended;
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
