/** Carries the messages of the cluster bus through Redis. While Redis is unavailable, messages are lost. */
import { Redis } from "ioredis";
import type { Log } from "@/src/core/log";
import type { BusLink, BusReceiver } from "./cluster-bus";

export interface RedisLinkOptions {
  /** `redis://…` or `rediss://…`. For a cluster, the URL of any node. */
  url: string;
  /** The name of the channel, unique to the deployment. */
  channel: string;
  log: Pick<Log, "info" | "warn">;
}

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS_MAX = 2_000;

/** Connects when it is opened, and reconnects by itself. */
export function createRedisLink(options: RedisLinkOptions): BusLink {
  return new RedisLink(options);
}

class RedisLink implements BusLink {
  readonly isTrusted = false;
  readonly #options: RedisLinkOptions;
  #publisher: Redis | undefined;
  #subscriber: Redis | undefined;
  #isUnavailable = false;
  #isClosed = false;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  open({ receive, joined }: BusReceiver): void {
    this.#publisher = this.#connect();
    const subscriber = this.#connect();
    this.#subscriber = subscriber;
    subscriber.on("message", (_channel, text) => receive(text));
    subscriber.on("ready", () => void this.#join(subscriber, joined));
  }

  send(text: string): void {
    if (this.#publisher?.status !== "ready") return;
    this.#publisher.publish(this.#options.channel, text).catch((error: unknown) => this.#onUnavailable(error));
  }

  close(): void {
    this.#isClosed = true;
    this.#publisher?.disconnect();
    this.#subscriber?.disconnect();
  }

  #connect(): Redis {
    const redis = new Redis(this.#options.url, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
      // Late messages are useless: a server that reconnects checks everything.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // `#join` subscribes, to know when that is done.
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
    });
    redis.on("error", (error) => this.#onUnavailable(error));
    // The library does not report an orderly shutdown of Redis as an error.
    redis.on("close", () => this.#onUnavailable(new Error("the connection was closed")));
    return redis;
  }

  async #join(subscriber: Redis, joined: () => void): Promise<void> {
    try {
      await subscriber.subscribe(this.#options.channel);
    } catch (error) {
      this.#onUnavailable(error);
      return;
    }
    if (this.#isUnavailable) this.#options.log.info({}, "Redis is available again; servers notify each other of changes at once");
    this.#isUnavailable = false;
    joined();
  }

  #onUnavailable(error: unknown): void {
    if (this.#isUnavailable || this.#isClosed) return;
    this.#isUnavailable = true;
    // Only the message is logged, because the library's errors contain the command.
    const reason = error instanceof Error ? error.message : "unknown";
    this.#options.log.warn({ reason }, "Redis is unavailable; changes on other servers arrive with the next poll until it is back");
  }
}
