/** What the management API, sign-in and the dashboard's pages may take: requests a minute and at once, by account and by client network. */
import { toNetwork } from "@/src/core/client-network";
import { createFairSemaphore, type FairSemaphore } from "@/src/core/fair-semaphore";
import type { RateLimiter, RateVerdict } from "@/src/core/ports";
import { toRateError } from "@/src/core/rate-gate";
import { AppError } from "@/src/shared/errors";

/**
 * Kinds of load, each with a limit of its own: by account, or by network where there is none. `identify`: finding out who sends a request. `heavy`: reads of many records. `export`, `download`, `import`, `upload`: as long as their bytes are on their way.
 */
export type LoadKind = "identify" | "sign_in" | "page" | "request" | "heavy" | "export" | "download" | "import" | "upload";

/** At once: in all, and of one account or network. Transfers hold no connection while they wait for bytes, so only an account's own are bounded. */
const AT_ONCE: Readonly<Record<LoadKind, { total: number; each: number }>> = {
  identify: { total: 64, each: 16 },
  sign_in: { total: 64, each: 16 },
  page: { total: 64, each: 16 },
  request: { total: 64, each: 8 },
  heavy: { total: 16, each: 2 },
  export: { total: 1_000, each: 2 },
  download: { total: 1_000, each: 8 },
  import: { total: 1_000, each: 2 },
  upload: { total: 1_000, each: 4 },
};
/** What may wait for a turn: of one kind in all, and of one account or network. */
const WAITING_MAX = 2_000;
const WAITING_EACH_MAX = 100;
const WAIT_MS_MAX = 10_000;
const RETRY_AFTER_SECONDS = 2;
/** A network without a sign-in may send this part of what an account may. */
const ANONYMOUS_PART = 4;

/** The account that sends a request, or, while none is known, the client's address (null: unknown), which counts as its network. */
export type ManagementCaller = { account: string } | { address: string | null };

export interface ManagementLimits {
  /**
   * Counts a request, for all servers together where they share a Redis. `onVerdict` is called with how the caller stands, unless there is no limit.
   * Throws `rate_limited`.
   */
  count(caller: ManagementCaller, onVerdict?: (verdict: RateVerdict) => void): Promise<void>;
  /**
   * Waits for a turn and returns how to end it. Throws `server_busy` when too much waits or the turn does not come within 10 s, and the signal's
   * reason.
   */
  enter(kind: LoadKind, caller: ManagementCaller, signal?: AbortSignal): Promise<() => void>;
}

/** `perMinute`: requests of one account; 0: no limit of rate. */
export function createManagementLimits({ limiter, perMinute }: { limiter: RateLimiter; perMinute: number }): ManagementLimits {
  const semaphores = new Map<LoadKind, FairSemaphore>();

  function find(kind: LoadKind): FairSemaphore {
    let semaphore = semaphores.get(kind);
    if (!semaphore) {
      const { total, each } = AT_ONCE[kind];
      semaphore = createFairSemaphore({
        permits: total,
        groupPermits: each,
        waiting: { max: WAITING_MAX, groupMax: [WAITING_EACH_MAX] },
        waitMsMax: WAIT_MS_MAX,
        createBusyError: () => createBusyError(kind, each),
      });
      semaphores.set(kind, semaphore);
    }
    return semaphore;
  }

  return {
    count: async (caller, onVerdict) => {
      if (perMinute === 0) return;
      const limit = "account" in caller ? perMinute : Math.max(1, Math.floor(perMinute / ANONYMOUS_PART));
      const verdict = await limiter.take(`management ${toGroup(caller)}`, limit);
      onVerdict?.(verdict);
      if (!verdict.allowed) throw toRateError(verdict);
    },
    enter: (kind, caller, signal) =>
      new Promise((resolve, reject) => {
        find(kind)
          .run([toGroup(caller)], () => new Promise<void>((leave) => resolve(leave)), signal)
          .catch(reject);
      }),
  };
}

function toGroup(caller: ManagementCaller): string {
  return "account" in caller ? caller.account : `? ${toNetwork(caller.address ?? "unknown")}`;
}

const NAMES: Readonly<Record<LoadKind, string>> = {
  identify: "requests of this address",
  sign_in: "sign-ins of this address",
  page: "pages of this address",
  request: "requests of this account",
  heavy: "reads of records of this account",
  export: "exports of this account",
  download: "downloads of this account",
  import: "imports of this account",
  upload: "uploads of this account",
};

function createBusyError(kind: LoadKind, each: number): AppError {
  return new AppError("server_busy", {
    detail: `Too many ${NAMES[kind]} are under way: ${each} are carried out at once. Try again shortly.`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
