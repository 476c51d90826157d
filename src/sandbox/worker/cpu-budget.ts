/** Counts the CPU time that callers use in the sandbox: which callers have used up their share, and which have recently used much. */
import type { CallerPath } from "@/src/core/access/caller-path";

/** An account may use this many times the share of one of its callers. */
const ACCOUNT_FACTOR = 2;
/** The number of callers and accounts that are kept. Those that were charged least recently are dropped. */
const REMEMBERED_MAX = 20_000;
/** A caller that has recently used this much is heavy. For an account, the factor above applies. */
const HEAVY_MS = 500;
const HEAVY_ACCOUNT_FACTOR = 4;
/** A job that occupies a worker for long counts as this much immediately, until its CPU time is known. */
const LONG_MS = 1_000;
/** Recent use decays by half in this time. */
const HALF_LIFE_MS = 60_000;

export interface CpuBudget {
  /** Milliseconds until the caller may use CPU time again; 0: now. The share of its account counts too. */
  waitMs(caller: CallerPath): number;
  /** True if the caller or its account has recently used much. Such callers leave a worker to the others. */
  isHeavy(caller: CallerPath): boolean;
  charge(caller: CallerPath, cpuMs: number): void;
  /** Records that a job of the caller occupies a worker for long. The caller is heavy from now on, before the job is charged. */
  noteLong(caller: CallerPath): void;
}

export interface CpuBudgetOptions {
  /** The CPU time that one caller (a key from one network) may use in a minute, all at once if it wants. An account may use twice as much. 0: no limit. */
  msPerMinute: number;
  /** Monotonic, in milliseconds. */
  now?: () => number;
}

interface Usage {
  /** The rest of the share, in milliseconds. Can be negative, because a job is charged after it has ended. */
  left: number;
  /** Decays by half in HALF_LIFE_MS. */
  recent: number;
  at: number;
}

export function createCpuBudget({ msPerMinute, now = () => performance.now() }: CpuBudgetOptions): CpuBudget {
  const callers = createUsages(msPerMinute, now);
  const accounts = createUsages(msPerMinute * ACCOUNT_FACTOR, now);
  return {
    waitMs(caller) {
      if (msPerMinute === 0) return 0;
      return Math.max(callers.waitMs(toKey(caller)), accounts.waitMs(caller[0]));
    },
    isHeavy: (caller) => callers.recent(toKey(caller)) > HEAVY_MS || accounts.recent(caller[0]) > HEAVY_MS * HEAVY_ACCOUNT_FACTOR,
    charge(caller, cpuMs) {
      if (cpuMs <= 0) return;
      callers.charge(toKey(caller), cpuMs);
      accounts.charge(caller[0], cpuMs);
    },
    noteLong(caller) {
      callers.note(toKey(caller), LONG_MS);
      accounts.note(caller[0], LONG_MS);
    },
  };
}

interface Usages {
  waitMs(key: string): number;
  recent(key: string): number;
  charge(key: string, cpuMs: number): void;
  /** Counts as recent use only. */
  note(key: string, cpuMs: number): void;
}

function createUsages(msPerMinute: number, now: () => number): Usages {
  /** The caller that was charged least recently is first. */
  const usages = new Map<string, Usage>();
  const perMs = msPerMinute / 60_000;

  const find = (key: string): Usage | undefined => {
    const usage = usages.get(key);
    if (!usage) return undefined;
    const passed = now() - usage.at;
    usage.left = Math.min(msPerMinute, usage.left + passed * perMs);
    usage.recent *= 0.5 ** (passed / HALF_LIFE_MS);
    usage.at += passed;
    return usage;
  };

  const add = (key: string, recentMs: number): Usage => {
    const usage = find(key) ?? { left: msPerMinute, recent: 0, at: now() };
    usage.recent += recentMs;
    usages.delete(key);
    usages.set(key, usage);
    const [oldest] = usages.keys();
    if (usages.size > REMEMBERED_MAX && oldest !== undefined) usages.delete(oldest);
    return usage;
  };

  return {
    waitMs(key) {
      const left = find(key)?.left ?? msPerMinute;
      return left > 0 ? 0 : Math.max(1, -left / perMs);
    },
    recent: (key) => find(key)?.recent ?? 0,
    charge(key, cpuMs) {
      add(key, cpuMs).left -= cpuMs;
    },
    note(key, cpuMs) {
      add(key, cpuMs);
    },
  };
}

function toKey(caller: CallerPath): string {
  return caller.join("\n");
}
