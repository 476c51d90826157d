/** Inspects processes of this machine and stops those of the built-in PostgreSQL. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@/src/core/log";

/** The setting with which a PostgreSQL stores the pid of the process that started it. */
export const OWNER_SETTING = "rested.owner";

const STOP_POLL_MS = 25;
const FAST_STOP_MS = 30_000;
const IMMEDIATE_STOP_MS = 10_000;

interface ProcessInfo {
  parentPid: number;
  commandLine: string;
}

/** The use of a data folder. `orphan`: by a PostgreSQL whose server has exited. */
export type DataFolderUse = { use: "free" } | { use: "taken"; pid: number; ownerPid: number } | { use: "orphan"; pid: number };

/** Determines the use of the data folder from its postmaster.pid, and removes that file if it names a process that is not its PostgreSQL. */
export function inspectDataFolder(dataDir: string): DataFolderUse {
  const file = path.join(dataDir, "postmaster.pid");
  const pid = readPostmasterPid(dataDir)?.pid;
  if (pid === undefined) return { use: "free" };
  const running = inspectProcess(pid);
  if (!running?.commandLine.includes(` -D ${dataDir} `)) {
    // The pid now belongs to another process (after a restart of the container or a reboot), which PostgreSQL would mistake for itself. An unused pid
    // is left to PostgreSQL, which then also checks for remaining processes of its own.
    if (isAlive(pid)) fs.rmSync(file, { force: true });
    return { use: "free" };
  }
  const ownerPid = Number(new RegExp(`${OWNER_SETTING}=(\\d+)`).exec(running.commandLine)?.[1] ?? Number.NaN);
  // A process whose parent exited gets another parent, so a reused pid does not matter.
  return running.parentPid === ownerPid ? { use: "taken", pid, ownerPid } : { use: "orphan", pid };
}

/** The pid in the first line of postmaster.pid, and whether the status line says that connections are accepted. */
export function readPostmasterPid(dataDir: string): { pid: number; ready: boolean } | undefined {
  let lines: string[];
  try {
    lines = fs.readFileSync(path.join(dataDir, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : undefined;
}

/** Stops an orphaned PostgreSQL: open transactions are rolled back, committed data stays. */
export async function stopOrphan(options: { pid: number; log: Log }): Promise<void> {
  const { pid, log } = options;
  log.warn({ pid }, "stopping a PostgreSQL that an earlier server left running");
  signal(pid, "SIGINT");
  if (await isGoneWithin(pid, FAST_STOP_MS)) return;
  log.warn({ pid }, "PostgreSQL did not stop in time; stopping it immediately, so that it recovers from its log");
  signal(pid, "SIGQUIT");
  if (await isGoneWithin(pid, IMMEDIATE_STOP_MS)) return;
  throw new Error(`The PostgreSQL with pid ${pid}, which an earlier server left running, does not stop. End it, then start Rested again.`);
}

async function isGoneWithin(pid: number, timeoutMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += STOP_POLL_MS) {
    if (!inspectProcess(pid)) return true;
    await delay(STOP_POLL_MS);
  }
  return false;
}

/** The process with this pid. Undefined if there is none, or only a zombie. */
function inspectProcess(pid: number): ProcessInfo | undefined {
  const found = process.platform === "linux" ? readProc(pid) : askPs(pid);
  return found && !/^[ZX]/.test(found.state) ? { parentPid: found.parentPid, commandLine: `${found.commandLine} ` } : undefined;
}

function readProc(pid: number): (ProcessInfo & { state: string }) | undefined {
  try {
    // "pid (name) state parent …". The name can contain anything, including parentheses.
    const [state = "", parent] = fs
      .readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    const commandLine = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return { state, parentPid: Number(parent), commandLine };
  } catch {
    return undefined;
  }
}

function askPs(pid: number): (ProcessInfo & { state: string }) | undefined {
  try {
    const line = execFileSync("ps", ["-ww", "-o", "stat=,ppid=,args=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [, state = "", parent, commandLine = ""] = /^\s*(\S+)\s+(\d+)\s+(.*?)\s*$/s.exec(line) ?? [];
    return { state, parentPid: Number(parent), commandLine };
  } catch {
    return undefined;
  }
}

/** True if a process has this pid. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has exited in the meantime.
  }
}
