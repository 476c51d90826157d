/** Counts the CPU time that callers use in the sandbox, to limit it per minute and to recognize heavy callers. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { CountExchange } from "@/src/core/limits/ports";

/** The share of an account, as a multiple of the share of one caller. */
const ACCOUNT_FACTOR = 2;
/** The maximum number of callers, and of accounts, in memory. The least recently charged ones are dropped. */
const KEPT_MAX = 20_000;
/** The recent CPU time above which a caller is heavy. */
const HEAVY_MS = 500;
/** An account is heavy above this multiple of HEAVY_MS. */
const HEAVY_ACCOUNT_FACTOR = 4;
/** The recent CPU time that is added for a job as soon as it is long, because its CPU time is charged only when it ends. */
const LONG_MS = 1_000;
/** Recent use decays by half in this time. */
const HALF_LIFE_MS = 60_000;

export interface CpuBudget {
  /** The time until the caller, and its account, may use CPU time again, in milliseconds. 0 means now. */
  waitMs(caller: CallerPath): number;
  /** True if the caller or its account has recently used much CPU time. */
  isHeavy(caller: CallerPath): boolean;
  /** Subtracts the CPU time from the shares of the caller and its account. */
  charge(caller: CallerPath, cpuMs: number): void;
  /** Records that a job of the caller is long, so that the caller is heavy before the job is charged. */
  noteLong(caller: CallerPath): void;
}

export interface CpuBudgetOptions {
  /** The maximum CPU time of one caller (a key from one network) per minute; it can be used at once. An account may use twice as much. 0 means no limit. */
  msPerMinute: number;
  /** Monotonic, in milliseconds. */
  now?: () => number;
  /** Counts together with the other workers of this server. */
  exchange?: CountExchange | undefined;
}

interface Usage {
  /** The remaining share, in milliseconds. Can be negative, because a job is charged after it has ended. */
  left: number;
  /** The recent CPU time, which decays by half in HALF_LIFE_MS. */
  recent: number;
  /** The time for which `left` and `recent` are correct. */
  at: number;
}

export function createCpuBudget({ msPerMinute, now = () => performance.now(), exchange }: CpuBudgetOptions): CpuBudget {
  const callers = createUsages(msPerMinute, now);
  const accounts = createUsages(msPerMinute * ACCOUNT_FACTOR, now);
  const callersAtWorkers = exchange?.tally("cpu by caller", (key, cpuMs) => callers.charge(key, cpuMs));
  const accountsAtWorkers = exchange?.tally("cpu by account", (key, cpuMs) => accounts.charge(key, cpuMs));
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
      callersAtWorkers?.add(toKey(caller), cpuMs);
      accountsAtWorkers?.add(caller[0], cpuMs);
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
  /** Adds to the recent CPU time only. */
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
    if (usages.size > KEPT_MAX && oldest !== undefined) usages.delete(oldest);
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
