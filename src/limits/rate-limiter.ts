/** Counts requests per minute (U8), in this process or in Redis for all servers together. */
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import type { CountExchange, RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import { createWindowCounts, type WindowCount } from "./window-counts";

const WINDOW_SECONDS = 60;
/** The maximum number of ids in memory, which take about 20 MB. */
const IDS_MAX = 100_000;
/** The longest time that a request waits for Redis. After a failure, only the first request of each pause waits. */
const COMMAND_TIMEOUT_MS = 250;
/** The time after a failure in which Redis is not used. */
const PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS_MAX = 2_000;
/** The time without a response to a command after which the connection is replaced. */
const SILENCE_MS_MAX = 5_000;

export interface OwnedRateLimiter extends RateLimiter {
  /** Closes the connection. */
  close(): void;
}

/** Counts in this process, and with `exchange` together with the other workers of this server. `now` is monotonic, in milliseconds. */
export function createProcessRateLimiter(
  options: { now?: () => number; idsMax?: number; exchange?: CountExchange | undefined } = {},
): OwnedRateLimiter {
  const { idsMax = IDS_MAX, exchange, ...rest } = options;
  const counts = createWindowCounts({ windowMs: WINDOW_SECONDS * 1000, idsMax, ...rest });
  // A negative amount is what another process takes back.
  const tally = exchange?.tally("requests", (id, amount) => (amount < 0 ? counts.takeBack(id, -amount) : void counts.add(id, amount)));
  return {
    take: (id, limit, amount = 1) => {
      tally?.add(id, amount);
      return toVerdict(counts.add(id, amount), limit);
    },
    giveBack: (id, amount) => {
      tally?.add(id, -amount);
      counts.takeBack(id, amount);
    },
    close: () => undefined,
  };
}

/**
 * Counts in the Redis at `url`, together with all servers that use it. While Redis is unavailable, it counts in this server, so that no request is refused or
 * delayed. It connects, and reconnects, by itself.
 */
export function createSharedRateLimiter({
  url,
  log,
  exchange,
}: {
  url: string;
  log: Pick<Log, "info" | "warn">;
  exchange?: CountExchange | undefined;
}): OwnedRateLimiter {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
    // If Redis is not available, a request is counted in this process, not later in Redis.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  });
  // The library only counts, because limits differ by project.
  const shared = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: "rested:rate",
    points: Number.MAX_SAFE_INTEGER,
    duration: WINDOW_SECONDS,
    rejectIfRedisNotReady: true,
  });
  const own = createProcessRateLimiter({ exchange });
  let isUnavailable = false;
  let retryAt = 0;

  const noteFailure = (error: unknown): void => {
    retryAt = performance.now() + PAUSE_MS;
    if (isUnavailable) return;
    isUnavailable = true;
    // Only the message, because the library's errors contain the command, which can include the password of a failed login.
    log.warn(
      { reason: error instanceof Error ? error.message : "unknown" },
      "Redis is unavailable; this server counts requests alone until it is back",
    );
  };
  redis.on("error", noteFailure);

  return {
    async take(id, limit, amount = 1) {
      if (isUnavailable) {
        if (redis.status !== "ready" || performance.now() < retryAt) return own.take(id, limit, amount);
        // This request tests whether Redis is available again. The others do not wait for it.
        retryAt = performance.now() + PAUSE_MS;
      }
      try {
        const { consumedPoints, msBeforeNext } = await shared.consume(id, amount);
        if (isUnavailable) log.info({}, "Redis is available again; servers count requests together");
        isUnavailable = false;
        return toVerdict({ count: consumedPoints, endsInMs: msBeforeNext }, limit);
      } catch (error) {
        noteFailure(error);
        return own.take(id, limit, amount);
      }
    },
    async giveBack(id, amount) {
      if (isUnavailable) return own.giveBack(id, amount);
      try {
        // A window that has ended is not started again. If Redis has counted less, this server has counted it alone.
        const counted = (await shared.get(id))?.consumedPoints ?? 0;
        if (counted >= amount) await shared.reward(id, amount);
      } catch (error) {
        noteFailure(error);
      }
    },
    close: () => redis.disconnect(),
  };
}

function toVerdict({ count, endsInMs }: WindowCount, limit: number): RateVerdict {
  return {
    allowed: count <= limit,
    limit,
    remaining: Math.max(0, limit - count),
    resetSeconds: Math.max(1, Math.ceil(endsInMs / 1000)),
  };
}
