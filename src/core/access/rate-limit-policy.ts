/** The rule of U8: which requests are counted, as whose, and against which limit. It must not count itself, nor know transports. */
import type { Access, Grant } from "@/src/core/access/access";
import type { AccessRequest } from "@/src/core/access/access-request";
import { toNetwork } from "@/src/core/access/client-network";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import { AppError, type ErrorCode, isAppError } from "@/src/shared/errors";

export interface CountedRequest {
  accessRequest: AccessRequest;
  /** The client's. */
  address: string;
  /** Called at most once, before anything is raised, with how the client stands; not called where there is no limit. */
  onVerdict?: (verdict: RateVerdict) => void;
}

export interface RateGate {
  /**
   * Calls `locate` and counts the request: by key and network against the project's limit, or, where it names nothing, by network against the
   * server's. Raises `rate_limited`, or what `locate` raises. Who names too much that does not exist is not even looked up for the rest of the
   * window, unless that is free (see {@link Access.isKnown}).
   */
  count(request: CountedRequest, locate: () => Promise<ResolvedEndpoint>): Promise<ResolvedEndpoint>;
  /** {@link Access.decide}, counted. */
  decide(accessRequest: AccessRequest, address: string): Promise<Grant>;
}

/** Errors that say that a request names nothing that exists. */
const UNLOCATED: ReadonlySet<ErrorCode> = new Set([
  "api_version_unknown",
  "key_missing",
  "endpoint_or_key_invalid",
  "ticket_invalid",
  "parameter_invalid",
]);

/** Networks that are remembered for having named too much that does not exist. */
const BARRED_MAX = 10_000;

/** `limit`: requests a minute where the project has no limit of its own; 0: none. */
export function createRateGate(options: {
  access: Pick<Access, "resolve" | "authorize" | "isKnown">;
  limiter: RateLimiter;
  limit: number;
  /** Monotonic, in ms. */
  now?: () => number;
}): RateGate {
  const { access, limiter, limit: defaultLimit, now = () => performance.now() } = options;
  const barred = new Map<string, { verdict: RateVerdict; endsAt: number }>();

  async function take(id: string, limit: number): Promise<RateVerdict | undefined> {
    return limit > 0 ? limiter.take(id, limit) : undefined;
  }

  function settle(verdict: RateVerdict | undefined, { onVerdict }: CountedRequest): void {
    if (!verdict) return;
    onVerdict?.(verdict);
    if (!verdict.allowed) throw toRateError(verdict);
  }

  function findBar(network: string): RateVerdict | undefined {
    const bar = barred.get(network);
    if (!bar) return undefined;
    const leftMs = bar.endsAt - now();
    if (leftMs > 0) return { ...bar.verdict, resetSeconds: Math.ceil(leftMs / 1000) };
    barred.delete(network);
    return undefined;
  }

  function bar(network: string, verdict: RateVerdict): void {
    const first = barred.size >= BARRED_MAX ? barred.keys().next().value : undefined;
    if (first !== undefined) barred.delete(first);
    barred.set(network, { verdict, endsAt: now() + verdict.resetSeconds * 1000 });
  }

  const gate: RateGate = {
    async count(request, locate) {
      const network = toNetwork(request.address);
      if (barred.size > 0 && !access.isKnown(request.accessRequest)) settle(findBar(network), request);
      let resolved: ResolvedEndpoint;
      try {
        resolved = await locate();
      } catch (error) {
        if (!isAppError(error) || !UNLOCATED.has(error.code)) throw error;
        const verdict = await take(`? ${network}`, defaultLimit);
        if (verdict && !verdict.allowed) bar(network, verdict);
        settle(verdict, request);
        throw error;
      }
      // A ticket has no key: the dashboard's streams count for the project.
      const limit = resolved.project.rateLimit ?? defaultLimit;
      settle(await take(`${resolved.key?.id ?? resolved.project.id} ${network}`, limit), request);
      return resolved;
    },
    async decide(accessRequest, address) {
      const resolved = await gate.count({ accessRequest, address }, () => access.resolve(accessRequest));
      return access.authorize(resolved, accessRequest);
    },
  };
  return gate;
}

/** The error of a request over the limit: it says which one, and when to try again. */
export function toRateError({ limit, resetSeconds }: RateVerdict): AppError {
  const seconds = resetSeconds === 1 ? "1 second" : `${resetSeconds} seconds`;
  return new AppError("rate_limited", {
    detail: `Too many requests: ${limit} a minute are taken. Try again in ${seconds}.`,
    retryAfterSeconds: resetSeconds,
  });
}
