/** Counts requests a minute (U8): in this process, or in Redis for all servers together. It must not know who is counted, nor why. */
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import { createWindowCounts, type WindowCount } from "./window-counts";

const WINDOW_SECONDS = 60;
/** About 20 MB. */
const IDS_MAX = 100_000;
/** A request waits this long for Redis at most, and then only the first one of each pause does. */
const COMMAND_TIMEOUT_MS = 250;
/** After a failure Redis is left alone for so long. */
const PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS_MAX = 2_000;
/** A connection that says nothing for so long after a command is given up, so that a new one is made. */
const SILENCE_MS_MAX = 5_000;

export interface OwnedRateLimiter extends RateLimiter {
  /** Ends the connection. */
  close(): void;
}

/** Counts in this process alone. `now` is monotonic, in ms. */
export function createProcessRateLimiter(options: { now?: () => number; idsMax?: number } = {}): OwnedRateLimiter {
  const { idsMax = IDS_MAX, ...rest } = options;
  const counts = createWindowCounts({ windowMs: WINDOW_SECONDS * 1000, idsMax, ...rest });
  return {
    take: async (id, limit) => toVerdict(counts.add(id), limit),
    close: () => undefined,
  };
}

/**
 * Counts in the Redis at `url`, and in this process while it is away: a request is neither refused nor held up for that. Connects, and
 * connects again, by itself. Several servers that share it count together.
 */
export function createSharedRateLimiter({ url, log }: { url: string; log: Pick<Log, "info" | "warn"> }): OwnedRateLimiter {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
    // Counting late is worse than counting here.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  });
  // The limit is the caller's, and differs by project: the library only counts.
  const shared = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: "rested:rate",
    points: Number.MAX_SAFE_INTEGER,
    duration: WINDOW_SECONDS,
    rejectIfRedisNotReady: true,
  });
  const own = createProcessRateLimiter();
  let isAway = false;
  let retryAt = 0;

  const noteAway = (error: unknown): void => {
    retryAt = performance.now() + PAUSE_MS;
    if (isAway) return;
    isAway = true;
    // The message alone: the library's errors hold the command, and so the password of a log-in that failed.
    log.warn(
      { reason: error instanceof Error ? error.message : "unknown" },
      "Redis is unavailable; this server counts requests alone until it is back",
    );
  };
  redis.on("error", noteAway);

  return {
    async take(id, limit) {
      if (isAway) {
        if (redis.status !== "ready" || performance.now() < retryAt) return own.take(id, limit);
        // One request finds out whether it is back; the others don't wait for that.
        retryAt = performance.now() + PAUSE_MS;
      }
      try {
        const { consumedPoints, msBeforeNext } = await shared.consume(id);
        if (isAway) log.info({}, "Redis is available again; servers count requests together");
        isAway = false;
        return toVerdict({ count: consumedPoints, endsInMs: msBeforeNext }, limit);
      } catch (error) {
        noteAway(error);
        return own.take(id, limit);
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
