/** Limits the management API, sign-in and the dashboard's pages: requests per minute and concurrent requests, by account and by client network. */
import { createHash } from "node:crypto";
import type { RequestHeaders } from "@/src/core/access/access-request";
import { toClientAddress, toNetwork } from "@/src/core/access/client-network";
import { toRateError } from "@/src/core/access/rate-limit-policy";
import { createFairSemaphore, type FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

/**
 * Kinds of load with separate limits, by account or, if there is none, by network. `identify`: finding out who sends a request. `heavy`: reading many
 * records. `export`, `download`, `import` and `upload` count as long as their bytes are transferred.
 */
export type LoadKind = "identify" | "sign_in" | "page" | "request" | "heavy" | "export" | "download" | "import" | "upload";

/**
 * Concurrent requests: in total, and for one account or network. Transfers hold no database connection while they wait for bytes, so only their
 * number per account is limited.
 */
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
/** Queued requests of one kind: in total, and for one account or network. */
const WAITING_MAX = 2_000;
const WAITING_EACH_MAX = 100;
const WAIT_MS_MAX = 10_000;
const RETRY_AFTER_SECONDS = 2;
/** The maximum number of barred senders, and of networks whose bursts are tracked. */
const BARS_MAX = 10_000;
/** A network without a sign-in may send 1/15 of its requests per minute at once, but at least 20. */
const BURST_PART = 15;
const BURST_MIN = 20;
/** A network without a sign-in may send 1/4 of what an account may send. */
const ANONYMOUS_PART = 4;

/** The account that sends a request or, while it is unknown, the client's address (null: unknown), which counts as its network. */
export type ManagementCaller = { account: string } | { address: string | null };

/** The part of an IncomingMessage that is read. */
export interface SentRequest {
  headers: RequestHeaders;
  socket: { remoteAddress?: string | undefined };
}

export interface CountOptions {
  /** Receives the caller's current allowance, unless there is no limit. */
  onVerdict?: (verdict: RateVerdict) => void;
  /**
   * The headers of the request. When its caller exceeds the rate, further requests with the same sign-in are barred; without a sign-in, its network
   * is.
   */
  headers?: Pick<Headers, "get">;
}

export interface ManagementLimits {
  /** Counts a request, for all servers together if they share a Redis. Throws `rate_limited`. */
  count(caller: ManagementCaller, options?: CountOptions): Promise<void>;
  /**
   * Returns the sender's allowance if its request must be refused before any lookup, so that a flood of refused requests stays cheap. This is the
   * case for the rest of the minute in which this server refused the sender for its rate, and for a burst of requests without a sign-in.
   */
  refuseEarly(request: SentRequest): RateVerdict | undefined;
  /**
   * Waits until the request may run, and returns a function that ends it. Throws `server_busy` if too many requests are queued or it waited for 10 s,
   * and the signal's reason if it aborts.
   */
  enter(kind: LoadKind, caller: ManagementCaller, signal?: AbortSignal): Promise<() => void>;
}

/** `perMinute`: requests of one account. 0: no rate limit. */
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
      // Other clients behind the same address may be signed in and have a rate of their own.
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

/** Allows each group a rate of `perMinute` with short bursts (the generic cell rate algorithm). */
function createBursts(perMinute: number, now: () => number) {
  const burst = Math.max(BURST_MIN, Math.floor(perMinute / BURST_PART));
  const intervalMs = 60_000 / perMinute;
  /** When a group that sends nothing more has its whole burst again. */
  const fullAt = new Map<string, number>();
  return {
    /** Counts a request. Returns the group's allowance if the request is one too many. */
    take(group: string): RateVerdict | undefined {
      const at = now();
      const next = Math.max(at, fullAt.get(group) ?? 0) + intervalMs;
      const waitMs = next - at - burst * intervalMs;
      if (waitMs > 0) return { allowed: false, limit: perMinute, remaining: 0, resetSeconds: Math.ceil(waitMs / 1000) };
      // The oldest first: groups that sent something recently are at the end.
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

/** Identifies the sign-in that a request contains, valid or not. Undefined if there is none. */
function toSignIn(authorization: RequestHeaders[string] | null, cookie: RequestHeaders[string] | null): string | undefined {
  const sent = authorization ?? cookie;
  return sent ? createHash("sha256").update(String(sent)).digest("base64") : undefined;
}

const NAMES: Readonly<Record<LoadKind, string>> = {
  identify: "requests from this address",
  sign_in: "sign-ins from this address",
  page: "pages for this address",
  request: "requests of this account",
  heavy: "reads of records of this account",
  export: "exports of this account",
  download: "downloads of this account",
  import: "imports of this account",
  upload: "uploads of this account",
};

function createBusyError(kind: LoadKind, each: number): AppError {
  return new AppError("server_busy", {
    detail: `Too many ${NAMES[kind]} at once: the limit is ${each}. Try again shortly.`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
