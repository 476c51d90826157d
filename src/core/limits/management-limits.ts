/** What the management API, sign-in and the dashboard's pages may take: requests a minute and at once, by account and by client network. */
import { createHash } from "node:crypto";
import type { RequestHeaders } from "@/src/core/access/access-request";
import { toClientAddress, toNetwork } from "@/src/core/access/client-network";
import { toRateError } from "@/src/core/access/rate-limit-policy";
import { createFairSemaphore, type FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
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
/** Senders that are remembered for being over their rate, and networks for their bursts. */
const BARS_MAX = 10_000;
/** A network without a sign-in may send this part of its minute at once, but 20 requests in any case. */
const BURST_PART = 15;
const BURST_MIN = 20;
/** A network without a sign-in may send this part of what an account may. */
const ANONYMOUS_PART = 4;

/** The account that sends a request, or, while none is known, the client's address (null: unknown), which counts as its network. */
export type ManagementCaller = { account: string } | { address: string | null };

/** What an IncomingMessage has. */
export interface SentRequest {
  headers: RequestHeaders;
  socket: { remoteAddress?: string | undefined };
}

export interface CountOptions {
  /** Called with how the caller stands, unless there is no limit. */
  onVerdict?: (verdict: RateVerdict) => void;
  /** Of the request. Once its caller is over the rate, whoever sends the same sign-in is barred; without a sign-in, its network. */
  headers?: Pick<Headers, "get">;
}

export interface ManagementLimits {
  /** Counts a request, for all servers together where they share a Redis. Throws `rate_limited`. */
  count(caller: ManagementCaller, options?: CountOptions): Promise<void>;
  /**
   * Returns how the sender stands if its request is refused before anything is looked up: a flood that is refused anyway must not cost what requests
   * cost. That is so for the rest of the minute in which this server refused it for its rate, and for a burst of requests without a sign-in.
   */
  refuseEarly(request: SentRequest): RateVerdict | undefined;
  /**
   * Waits for a turn and returns how to end it. Throws `server_busy` when too much waits or the turn does not come within 10 s, and the signal's
   * reason.
   */
  enter(kind: LoadKind, caller: ManagementCaller, signal?: AbortSignal): Promise<() => void>;
}

/** `perMinute`: requests of one account; 0: no limit of rate. */
export function createManagementLimits({
  limiter,
  perMinute,
  now = () => performance.now(),
}: {
  limiter: RateLimiter;
  perMinute: number;
  /** Monotonic, in ms. */
  now?: () => number;
}): ManagementLimits {
  const semaphores = new Map<LoadKind, FairSemaphore>();
  const anonymousPerMinute = Math.max(1, Math.floor(perMinute / ANONYMOUS_PART));
  const bursts = createBursts(anonymousPerMinute, now);
  const bars = new Map<string, { verdict: RateVerdict; endsAt: number }>();

  function bar(sender: string, verdict: RateVerdict): void {
    const [oldest] = bars.size >= BARS_MAX ? bars.keys() : [];
    if (oldest !== undefined) bars.delete(oldest);
    bars.set(sender, { verdict, endsAt: now() + verdict.resetSeconds * 1000 });
  }

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
    count: async (caller, { onVerdict, headers } = {}) => {
      if (perMinute === 0) return;
      const limit = "account" in caller ? perMinute : anonymousPerMinute;
      const verdict = await limiter.take(`management ${toGroup(caller)}`, limit);
      onVerdict?.(verdict);
      if (verdict.allowed) return;
      const signIn = headers && toSignIn(headers.get("authorization"), headers.get("cookie"));
      // Others behind the same address may be signed in, and have a rate of their own.
      const sender = "account" in caller ? signIn : signIn === undefined && headers ? toGroup(caller) : undefined;
      if (sender !== undefined) bar(sender, verdict);
      throw toRateError(verdict);
    },
    refuseEarly: (request) => {
      if (perMinute === 0) return undefined;
      const { authorization, cookie } = request.headers;
      const signIn = toSignIn(authorization, cookie);
      const sender = signIn ?? toGroup({ address: toClientAddress(request) });
      const found = bars.get(sender);
      if (!found) return signIn === undefined ? bursts.take(sender) : undefined;
      const leftMs = found.endsAt - now();
      if (leftMs > 0) return { ...found.verdict, resetSeconds: Math.ceil(leftMs / 1000) };
      bars.delete(sender);
      return undefined;
    },
    enter: (kind, caller, signal) =>
      new Promise((resolve, reject) => {
        find(kind)
          .run([toGroup(caller)], () => new Promise<void>((leave) => resolve(leave)), signal)
          .catch(reject);
      }),
  };
}

/** Lets a group's requests pass at the rate of `perMinute`, and some of them at once (the generic cell rate algorithm). */
function createBursts(perMinute: number, now: () => number) {
  const burst = Math.max(BURST_MIN, Math.floor(perMinute / BURST_PART));
  const intervalMs = 60_000 / perMinute;
  /** When a group that sends nothing more has its whole burst again. */
  const fullAt = new Map<string, number>();
  return {
    /** How the group stands when this request is one too many. */
    take(group: string): RateVerdict | undefined {
      const at = now();
      const next = Math.max(at, fullAt.get(group) ?? 0) + intervalMs;
      const waitMs = next - at - burst * intervalMs;
      if (waitMs > 0) return { allowed: false, limit: perMinute, remaining: 0, resetSeconds: Math.ceil(waitMs / 1000) };
      // The oldest first: those that sent something lately are at the end.
      fullAt.delete(group);
      fullAt.set(group, next);
      const [oldest] = fullAt.size > BARS_MAX ? fullAt.keys() : [];
      if (oldest !== undefined) fullAt.delete(oldest);
      return undefined;
    },
  };
}

function toGroup(caller: ManagementCaller): string {
  return "account" in caller ? caller.account : `? ${toNetwork(caller.address ?? "unknown")}`;
}

/** Stands for the sign-in that a request sends, valid or not; undefined: none. */
function toSignIn(authorization: RequestHeaders[string] | null, cookie: RequestHeaders[string] | null): string | undefined {
  const sent = authorization ?? cookie;
  return sent ? createHash("sha256").update(String(sent)).digest("base64") : undefined;
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
