/** Reads how much CPU time another process has used, including native code and all threads. */
import { readFileSync } from "node:fs";

/** The unit of times in /proc on every Linux that Node.js supports (`getconf CLK_TCK`). */
const TICK_MS = 10;
/** The positions of utime and stime among the fields after the process name, which can contain spaces and parentheses (proc_pid_stat(5)). */
const UTIME = 11;
const STIME = 12;

/**
 * The user and system time that a process has used so far, in milliseconds, to the nearest 10. Undefined if it cannot be read: the process has ended, or
 * the system has no /proc (macOS, Windows).
 */
export function readCpuTimeMs(pid: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    return Number.isFinite(ticks) ? ticks * TICK_MS : undefined;
  } catch {
    return undefined;
  }
}
