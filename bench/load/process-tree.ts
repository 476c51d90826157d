/** The CPU time and the memory of a process and all of its descendants, from Linux's /proc. Elsewhere both are unknown (NaN). */
import { execFileSync } from "node:child_process";
import fs from "node:fs";

const SAMPLE_MS = 500;
let ticksPerSecond: number | undefined;

export interface Usage {
  cpuSeconds: number;
  /** The largest resident memory of the whole tree; memory that several of its processes share counts once. */
  memoryBytes: number;
}

export interface UsageMeter {
  /** The usage since the start. */
  stop(): Usage;
}

export function startUsageMeter(pid: number): UsageMeter {
  const before = readCpuSeconds(pid);
  let peak = readMemoryBytes(pid);
  const timer = setInterval(() => {
    peak = Math.max(peak, readMemoryBytes(pid));
  }, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return { cpuSeconds: readCpuSeconds(pid) - before, memoryBytes: Math.max(peak, readMemoryBytes(pid)) };
    },
  };
}

interface Stat {
  parent: number;
  ticks: number;
}

function readStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  if (!fs.existsSync("/proc/self/stat")) return stats;
  for (const name of fs.readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The name, in parentheses, can contain anything. The fields after it are separated by spaces.
      const fields = fs
        .readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")
        .map(Number);
      const [, parent = 0] = fields;
      const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
      stats.set(Number(name), { parent, ticks: user + system + childUser + childSystem });
    } catch {
      // It has ended.
    }
  }
  return stats;
}

function findTree(root: number, stats: ReadonlyMap<number, Stat>): number[] {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of stats) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function readCpuSeconds(root: number): number {
  const stats = readStats();
  return stats.has(root) ? sumCpuSeconds(findTree(root, stats), stats) : Number.NaN;
}

/** The CPU time of these processes and of their children that have ended. Those that do not run here count as 0. */
export function readProcessesCpuSeconds(pids: readonly number[]): number {
  return sumCpuSeconds(pids, readStats());
}

function sumCpuSeconds(pids: readonly number[], stats: ReadonlyMap<number, Stat>): number {
  if (stats.size === 0) return 0;
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return pids.reduce((sum, pid) => sum + (stats.get(pid)?.ticks ?? 0), 0) / ticksPerSecond;
}

/** Proportional memory (PSS) where the kernel shows it, because PostgreSQL's processes share most of theirs. */
export function readMemoryBytes(root: number): number {
  const stats = readStats();
  if (!stats.has(root)) return Number.NaN;
  return findTree(root, stats).reduce((sum, pid) => sum + readProcessMemory(pid), 0);
}

function readProcessMemory(pid: number): number {
  for (const [file, pattern] of [
    [`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+)/m],
    [`/proc/${pid}/status`, /^VmRSS:\s+(\d+)/m],
  ] as const) {
    try {
      const found = pattern.exec(fs.readFileSync(file, "utf8"));
      if (found) return Number(found[1]) * 1024;
    } catch {
      // It has ended, or belongs to another user.
    }
  }
  return 0;
}
