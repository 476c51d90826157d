/** Looks at processes of this machine and ends those of the built-in PostgreSQL. Knows nothing of how one is started. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@/src/core/log";

/** The name of the setting in which a PostgreSQL carries the pid of the process that started it. */
export const OWNER_SETTING = "rested.owner";

const STOP_POLL_MS = 25;
const FAST_STOP_MS = 30_000;
const IMMEDIATE_STOP_MS = 10_000;

interface ProcessInfo {
  parentPid: number;
  commandLine: string;
}

/** Who uses a data folder. `orphan`: a PostgreSQL whose server is gone. */
export type DataFolderUse = { use: "free" } | { use: "taken"; pid: number; ownerPid: number } | { use: "orphan"; pid: number };

/** Says who uses the data folder, going by its postmaster.pid, and removes that file when it names a process that is not its PostgreSQL. */
export function inspectDataFolder(dataDir: string): DataFolderUse {
  const file = path.join(dataDir, "postmaster.pid");
  const pid = readPostmasterPid(dataDir)?.pid;
  if (pid === undefined) return { use: "free" };
  const running = inspectProcess(pid);
  if (!running?.commandLine.includes(` -D ${dataDir} `)) {
    // The pid was given to another process (a restarted container, a reboot), which PostgreSQL would take for itself running.
    // A pid that nobody has is left to PostgreSQL: it then also looks for processes of its own that are still there.
    if (isAlive(pid)) fs.rmSync(file, { force: true });
    return { use: "free" };
  }
  const ownerPid = Number(new RegExp(`${OWNER_SETTING}=(\\d+)`).exec(running.commandLine)?.[1] ?? Number.NaN);
  // A process whose parent ended gets another parent, so this can't be fooled by a pid that is in use again.
  return running.parentPid === ownerPid ? { use: "taken", pid, ownerPid } : { use: "orphan", pid };
}

/** The first line of postmaster.pid, and whether its last says that connections are accepted. */
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

/** Stops a PostgreSQL that nobody waits for: transactions in progress are rolled back, all that was committed stays. */
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

/** What runs under the pid; undefined when nothing does, or only a zombie. */
function inspectProcess(pid: number): ProcessInfo | undefined {
  const found = process.platform === "linux" ? readProc(pid) : askPs(pid);
  return found && !/^[ZX]/.test(found.state) ? { parentPid: found.parentPid, commandLine: `${found.commandLine} ` } : undefined;
}

function readProc(pid: number): (ProcessInfo & { state: string }) | undefined {
  try {
    // "pid (name) state parent …"; the name may hold anything, also parentheses.
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

/** Whether any process has the pid. */
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
    // Gone in the meantime.
  }
}
