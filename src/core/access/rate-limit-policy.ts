/** Implements U8: which requests are counted, for which client, and against which limit. */
import type { Access, Grant } from "@/src/core/access/access";
import type { AccessRequest } from "@/src/core/access/access-request";
import { toNetwork } from "@/src/core/access/client-network";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import { andThen, type MaybePromise } from "@/src/core/maybe-promise";
import { AppError, isAppError } from "@/src/shared/errors";

export interface CountedRequest {
  accessRequest: AccessRequest;
  /** The client's address. */
  address: string;
  /** Receives the client's current allowance. Called at most once; not called if there is no limit. */
  onVerdict?: (verdict: RateVerdict) => void;
}

export interface RateLimitPolicy {
  /**
   * Calls `resolve` at once and counts the request: by key and network against the project's limit or, if the request names nothing that exists, by network
   * against the server's limit. Returns the error `rate_limited`, or what `resolve` returns; throws what `resolve` throws, and does not count then. A
   * network that exceeds the limit with unknown names gets no further lookups for the rest of the window, except for cached definitions (see
   * {@link Access.isKnown}).
   */
  count(request: CountedRequest, resolve: () => MaybePromise<ResolvedEndpoint | AppError>): MaybePromise<ResolvedEndpoint | AppError>;
  /**
   * Resolves the endpoint, counts the request and authorizes it. `onResolved` is called with the endpoint as soon as it is known. Throws `rate_limited`, and the
   * errors of {@link Access.decide}.
   */
  countAndAuthorize(accessRequest: AccessRequest, address: string, onResolved?: (resolved: ResolvedEndpoint) => void): Promise<Grant>;
}

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

  /** The error of a client over its limit. */
  function settle(verdict: RateVerdict | undefined, { onVerdict }: CountedRequest): AppError | undefined {
    if (!verdict) return undefined;
    onVerdict?.(verdict);
    return verdict.allowed ? undefined : toRateError(verdict);
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

  function countFound(
    found: ResolvedEndpoint | AppError,
    network: string,
    request: CountedRequest,
  ): MaybePromise<ResolvedEndpoint | AppError> {
    const isUnknown = isAppError(found);
    const limit = isUnknown ? defaultLimit : (found.project.rateLimit ?? defaultLimit);
    // A ticket has no key. The console's streams are counted by project.
    const id = isUnknown ? `? ${network}` : `${found.key?.id ?? found.project.id} ${network}`;
    return andThen(take(id, limit), (verdict) => {
      if (isUnknown && verdict && !verdict.allowed) bar(network, verdict);
      return settle(verdict, request) ?? found;
    });
  }

  const policy: RateLimitPolicy = {
    count(request, resolve) {
      const network = toNetwork(request.address);
      const refusal = barred.size > 0 && !access.isKnown(request.accessRequest) ? settle(findBar(network), request) : undefined;
      return refusal ?? andThen(resolve(), (found) => countFound(found, network, request));
    },
    async countAndAuthorize(accessRequest, address, onResolved) {
      const resolve = () =>
        andThen(access.resolve(accessRequest), (found) => {
          if (!isAppError(found)) onResolved?.(found);
          return found;
        });
      const resolved = await policy.count({ accessRequest, address }, resolve);
      if (isAppError(resolved)) throw resolved;
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
