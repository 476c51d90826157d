/** Starts one PostgreSQL server process and waits until it accepts connections. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@/src/core/log";
import type { PostgresBinaries } from "@/src/db/embedded/binaries";
import { OWNER_SETTING, readPostmasterPid } from "@/src/db/embedded/process";
import type { PostgresUser } from "@/src/db/embedded/user";

const READY_POLL_MS = 20;
const STILL_STARTING_MS = 10_000;
const STOP_TIMEOUT_MS = 30_000;
const LOG_TAIL_LINES = 15;
/** Long enough for the processes of a killed PostgreSQL to exit. */
const LOCK_TIMEOUT_SECONDS = 3;
const LOCKED_EXIT_CODE = 75;

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Settles with the reason when the process has exited. */
  readonly ended: Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Rolls back open transactions and waits until the process has exited. After 30 s it is stopped immediately and recovers at its next start. */
  stop(): Promise<void>;
}

/** `locked`: processes of another PostgreSQL, possibly in another container, hold the folder's lock. */
export type LaunchOutcome =
  | { state: "ready"; postmaster: Postmaster }
  | { state: "port_taken" }
  | { state: "locked" }
  | { state: "failed"; reason: string; logTail: string };

export interface LaunchOptions {
  dataDir: string;
  logFile: string;
  lockFile: string;
  binaries: PostgresBinaries;
  user: PostgresUser;
  host: string;
  port: number;
  durable: boolean;
  log: Log;
}

/** Starts the server process. Recovery after a crash may take long, so this waits as long as the process lives. */
export async function launchPostmaster(options: LaunchOptions): Promise<LaunchOutcome> {
  const { dataDir, logFile, port, log } = options;
  const logOffset = fs.statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const child = spawnPostgres(options);
  let end: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  }).then((reason) => {
    end = reason;
    return reason;
  });
  for (let waitedMs = 0; end === undefined; waitedMs += READY_POLL_MS) {
    const seen = readPostmasterPid(dataDir);
    if (seen && seen.pid === child.pid && seen.ready) {
      child.unref();
      return { state: "ready", postmaster: toPostmaster({ child, pid: seen.pid, port, ended, log }) };
    }
    if (waitedMs > 0 && waitedMs % STILL_STARTING_MS === 0)
      log.info({ seconds: waitedMs / 1000 }, "PostgreSQL is still starting (recovering)");
    await delay(READY_POLL_MS);
  }
  if (child.exitCode === LOCKED_EXIT_CODE) return { state: "locked" };
  const written = readFrom(logFile, logOffset);
  if (written.includes("could not bind")) return { state: "port_taken" };
  return { state: "failed", reason: end, logTail: written.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n") };
}

function spawnPostgres(options: LaunchOptions): ChildProcess {
  const { binaries, user, dataDir, logFile, lockFile, host, port, durable } = options;
  const settings: Record<string, string> = {
    listen_addresses: host,
    unix_socket_directories: "",
    [OWNER_SETTING]: String(process.pid),
    // The log must not contain applications' data.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    ...(durable
      ? { fsync: "on", synchronous_commit: "on", full_page_writes: "on" }
      : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const command = [
    binaries.postgres,
    "-D",
    dataDir,
    "-p",
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  // The lock is held until the last process of this PostgreSQL has exited. It also works between containers that share a folder, where pids are
  // meaningless. PostgreSQL replaces the flock process, so pid and parent are the same as without it.
  const lock = [
    "flock",
    "--timeout",
    String(LOCK_TIMEOUT_SECONDS),
    "--conflict-exit-code",
    String(LOCKED_EXIT_CODE),
    "--no-fork",
    lockFile,
  ];
  const [program = "", ...rest] = hasFlock() ? [...lock, ...command] : command;
  const { file, args, ...identity } = user.launch(program, rest, { endsWithUs: true });
  const out = fs.openSync(logFile, "a", 0o600);
  try {
    // A separate process group: Ctrl-C in a terminal must reach only the server, which then stops PostgreSQL.
    return spawn(file, args, { stdio: ["ignore", out, out], detached: true, cwd: dataDir, ...identity });
  } finally {
    fs.closeSync(out);
  }
}

function toPostmaster(options: { child: ChildProcess; pid: number; port: number; ended: Promise<string>; log: Log }): Postmaster {
  const { child, pid, port, ended, log } = options;
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    port,
    ended,
    signal: (name) => {
      if (!hasEnded()) child.kill(name);
    },
    stop: async () => {
      if (hasEnded()) return;
      child.ref();
      child.kill("SIGINT");
      const giveUp = new AbortController();
      const late = delay(STOP_TIMEOUT_MS, "late" as const, { signal: giveUp.signal }).catch(() => undefined);
      if ((await Promise.race([ended, late])) === "late") {
        log.warn({ pid }, "PostgreSQL did not stop in time; stopping it immediately, so that it recovers at the next start");
        child.kill("SIGQUIT");
      }
      giveUp.abort();
      await ended;
    },
  };
}

/** The port of the last run, from PostgreSQL's own notes. */
export function readLastPort(dataDir: string): number | undefined {
  try {
    const options = fs.readFileSync(path.join(dataDir, "postmaster.opts"), "utf8");
    const port = Number(/"-p" "(\d+)"/.exec(options)?.[1]);
    return port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** The wanted port if it is free on the host, otherwise another free one. */
export async function findFreePort(host: string, wanted: number | undefined): Promise<number> {
  return (
    (wanted === undefined ? undefined : await probe(host, wanted)) ??
    (await probe(host, 0)) ??
    Promise.reject(new Error(`${host} has no free port.`))
  );
}

async function probe(host: string, port: number): Promise<number | undefined> {
  const server = net.createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : undefined));
    });
  });
}

function readFrom(file: string, offset: number): string {
  try {
    return fs.readFileSync(file).subarray(offset).toString("utf8");
  } catch {
    return "";
  }
}

function hasFlock(): boolean {
  if (process.platform !== "linux") return false;
  try {
    return execFileSync("flock", ["--help"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).includes("--no-fork");
  } catch {
    return false;
  }
}
