/** Implements U8: which requests are counted, for which client, and against which limit. */
import type { Access, Grant } from "@/src/core/access/access";
import type { AccessRequest } from "@/src/core/access/access-request";
import { toNetwork } from "@/src/core/access/client-network";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import { andThen, isPending, type MaybePromise } from "@/src/core/maybe-promise";
import { AppError, type ErrorCode, isAppError } from "@/src/shared/errors";

export interface CountedRequest {
  accessRequest: AccessRequest;
  /** The client's address. */
  address: string;
  /** Receives the client's current allowance. Called at most once, before anything is thrown; not called if there is no limit. */
  onVerdict?: (verdict: RateVerdict) => void;
}

export interface RateLimitPolicy {
  /**
   * Calls `resolve` at once and counts the request: by key and network against the project's limit or, if the request names nothing that exists, by network
   * against the server's limit. Throws `rate_limited`, or what `resolve` throws. A network that exceeds the limit with unknown names gets no further
   * lookups for the rest of the window, except for cached definitions (see {@link Access.isKnown}).
   */
  count(request: CountedRequest, resolve: () => MaybePromise<ResolvedEndpoint>): MaybePromise<ResolvedEndpoint>;
  /** Resolves the endpoint, counts the request and authorizes it. Throws `rate_limited`, and the errors of {@link Access.decide}. */
  countAndAuthorize(accessRequest: AccessRequest, address: string): Promise<Grant>;
}

/** Errors of requests that name nothing that exists. */
const UNRESOLVED: ReadonlySet<ErrorCode> = new Set([
  "api_version_unknown",
  "key_missing",
  "endpoint_or_key_invalid",
  "ticket_invalid",
  "parameter_invalid",
]);

/** The maximum number of barred networks that are kept. */
const BARRED_MAX = 10_000;

/** `limit`: requests per minute for projects without a limit of their own. 0: no limit. */
export function createRateLimitPolicy(options: {
  access: Pick<Access, "resolve" | "authorize" | "isKnown">;
  limiter: RateLimiter;
  limit: number;
  /** Monotonic, in ms. */
  now?: () => number;
}): RateLimitPolicy {
  const { access, limiter, limit: defaultLimit, now = () => performance.now() } = options;
  const barred = new Map<string, { verdict: RateVerdict; endsAt: number }>();

  function take(id: string, limit: number): MaybePromise<RateVerdict | undefined> {
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

  function countResolved(resolved: ResolvedEndpoint, network: string, request: CountedRequest): MaybePromise<ResolvedEndpoint> {
    // A ticket has no key. The console's streams are counted by project.
    const limit = resolved.project.rateLimit ?? defaultLimit;
    return andThen(take(`${resolved.key?.id ?? resolved.project.id} ${network}`, limit), (verdict) => {
      settle(verdict, request);
      return resolved;
    });
  }

  /** Throws the error of a request that names nothing that exists, after it was counted. */
  function countUnresolved(error: unknown, network: string, request: CountedRequest): MaybePromise<never> {
    if (!isAppError(error) || !UNRESOLVED.has(error.code)) throw error;
    return andThen(take(`? ${network}`, defaultLimit), (verdict) => {
      if (verdict && !verdict.allowed) bar(network, verdict);
      settle(verdict, request);
      throw error;
    });
  }

  const policy: RateLimitPolicy = {
    count(request, resolve) {
      const network = toNetwork(request.address);
      if (barred.size > 0 && !access.isKnown(request.accessRequest)) settle(findBar(network), request);
      let resolved: MaybePromise<ResolvedEndpoint>;
      try {
        resolved = resolve();
      } catch (error) {
        return countUnresolved(error, network, request);
      }
      if (!isPending(resolved)) return countResolved(resolved, network, request);
      return resolved.then(
        (found) => countResolved(found, network, request),
        (error: unknown) => countUnresolved(error, network, request),
      );
    },
    async countAndAuthorize(accessRequest, address) {
      const resolved = await policy.count({ accessRequest, address }, () => access.resolve(accessRequest));
      return access.authorize(resolved, accessRequest);
    },
  };
  return policy;
}

/** The error of a request over the limit, with the limit and the time after which to try again. */
export function toRateError({ limit, resetSeconds }: RateVerdict): AppError {
  const seconds = resetSeconds === 1 ? "1 second" : `${resetSeconds} seconds`;
  return new AppError("rate_limited", {
    detail: `Too many requests: the limit is ${limit} per minute. Try again in ${seconds}.`,
    retryAfterSeconds: resetSeconds,
  });
}
