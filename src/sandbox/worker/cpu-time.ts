/** Reads how much CPU time another process has used, native code and all of its threads included. */
import { readFileSync } from "node:fs";

/** The unit of times in /proc on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICK_MS = 10;
/** Of the fields after the process name, which may contain spaces and parentheses: utime and stime (proc_pid_stat(5)). */
const UTIME = 11;
const STIME = 12;

/**
 * Milliseconds of user and system time that a process has used so far, to the nearest 10. Undefined where that can't be read: the process has ended, or
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
