/**
 * Notifies the other servers of a deployment through Redis of commits and of changed definitions, so that they need not wait for their next poll. Messages carry
 * no data: each server reads the database. While Redis is unavailable, polls deliver everything.
 */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import type { Tokens } from "@/src/core/access/access-tokens";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { Log } from "@/src/core/log";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";

export interface ClusterBus {
  /** Ends the connections. */
  close(): void;
}

export interface ClusterBusOptions {
  /** `redis://…` or `rediss://…`. For a cluster, the URL of any node. */
  url: string;
  /** The name of the channel, unique to the deployment. */
  channel: string;
  notifications: ChangeNotifications;
  definitions: Pick<Definitions, "onInvalidate" | "checkRevisions">;
  tokens: Pick<Tokens, "onInvalidate" | "checkRevisions">;
  signIns: Pick<SignIns, "onInvalidate" | "check">;
  log: Pick<Log, "info" | "warn" | "debug">;
}

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS_MAX = 2_000;
/** Above this number of ids, the message only says `unknown`, and the receivers check everything. */
const IDS_MAX = 1_000;
const MESSAGE_LENGTH_MAX = 256 * 1024;

/** The message that one server publishes in one turn of its event loop. */
interface Message {
  from: string;
  /** The endpoints whose logs have grown. */
  endpoints: string[];
  /** The projects with a changed definition or token. */
  projects: string[];
  /** Whether sign-ins to the dashboard have ended. */
  signIns: boolean;
  /** Whether there is more than the message lists. */
  unknown: boolean;
}

/** Connects and reconnects by itself. After each connection it checks everything, because it may have missed messages. */
export function createClusterBus(options: ClusterBusOptions): ClusterBus {
  return new RedisBus(options);
}

class RedisBus implements ClusterBus {
  readonly #options: ClusterBusOptions;
  readonly #id = randomUUID();
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #stops: (() => void)[];
  #endpoints = new Set<string>();
  #projects = new Set<string>();
  #areSignInsEnded = false;
  #isUnknown = false;
  #isDue = false;
  /** Set while a notification of another server is delivered here, so that it is not published again. */
  #isRelaying = false;
  /** The projects that other servers reported, until their revisions have been checked. */
  readonly #reportedProjects = new Set<string>();
  /** The same for sign-ins. */
  #areSignInsReported = false;
  #checking: Promise<void> | undefined;
  #isCheckDue = false;
  #isUnavailable = false;
  #isClosed = false;

  constructor(options: ClusterBusOptions) {
    this.#options = options;
    this.#publisher = this.#connect();
    this.#subscriber = this.#connect();
    this.#subscriber.on("message", (_channel, text) => this.#receive(text));
    this.#subscriber.on("ready", () => void this.#join());
    const { notifications, definitions, tokens, signIns } = options;
    const onInvalidate = (projectId: string) => this.#publishProject(projectId);
    this.#stops = [
      notifications.subscribe((notification) => this.#publishNotification(notification)),
      definitions.onInvalidate(onInvalidate),
      tokens.onInvalidate(onInvalidate),
      signIns.onInvalidate(() => this.#publishSignIns()),
    ];
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
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

  async #join(): Promise<void> {
    try {
      await this.#subscriber.subscribe(this.#options.channel);
    } catch (error) {
      this.#onUnavailable(error);
      return;
    }
    if (this.#isUnavailable) this.#options.log.info({}, "Redis is available again; servers notify each other of changes at once");
    this.#isUnavailable = false;
    this.#relay({ kind: "unknown" });
    this.#checkRevisions();
  }

  #onUnavailable(error: unknown): void {
    if (this.#isUnavailable || this.#isClosed) return;
    this.#isUnavailable = true;
    // Only the message is logged, because the library's errors contain the command.
    const reason = error instanceof Error ? error.message : "unknown";
    this.#options.log.warn({ reason }, "Redis is unavailable; changes on other servers arrive with the next poll until it is back");
  }

  #publishNotification(notification: ChangeNotification): void {
    if (this.#isRelaying) return;
    switch (notification.kind) {
      case "changes":
        for (const change of notification.changes) this.#endpoints.add(change.endpointId);
        break;
      case "endpoint":
        this.#endpoints.add(notification.endpointId);
        break;
      case "unknown":
        this.#isUnknown = true;
        break;
      default:
        notification satisfies never;
    }
    this.#schedulePublish();
  }

  #publishProject(projectId: string): void {
    if (this.#reportedProjects.has(projectId)) return;
    this.#projects.add(projectId);
    this.#schedulePublish();
  }

  #publishSignIns(): void {
    if (this.#areSignInsReported) return;
    this.#areSignInsEnded = true;
    this.#schedulePublish();
  }

  /** Publishes everything of one turn of the event loop in one message. */
  #schedulePublish(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#publish());
  }

  #publish(): void {
    const isTooMuch = this.#endpoints.size > IDS_MAX || this.#projects.size > IDS_MAX;
    const message: Message = {
      from: this.#id,
      endpoints: isTooMuch ? [] : [...this.#endpoints],
      projects: isTooMuch ? [] : [...this.#projects],
      signIns: this.#areSignInsEnded,
      unknown: isTooMuch || this.#isUnknown,
    };
    this.#endpoints = new Set();
    this.#projects = new Set();
    this.#areSignInsEnded = false;
    this.#isUnknown = false;
    this.#isDue = false;
    if (this.#publisher.status !== "ready") return;
    this.#publisher.publish(this.#options.channel, JSON.stringify(message)).catch((error: unknown) => this.#onUnavailable(error));
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    if (message === undefined || message.from === this.#id) return;
    if (message.unknown) this.#relay({ kind: "unknown" });
    for (const endpointId of message.endpoints) this.#relay({ kind: "endpoint", endpointId });
    for (const projectId of message.projects) this.#reportedProjects.add(projectId);
    if (message.signIns) this.#areSignInsReported = true;
    if (message.unknown || message.signIns || message.projects.length > 0) this.#checkRevisions();
  }

  #relay(notification: ChangeNotification): void {
    this.#isRelaying = true;
    this.#options.notifications.publish(notification);
    this.#isRelaying = false;
  }

  /** Runs one check at a time. A message that arrives meanwhile causes another one. Polls repeat a check that fails. */
  #checkRevisions(): void {
    this.#isCheckDue = true;
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
  }

  async #check(): Promise<void> {
    const { definitions, tokens, signIns, log } = this.#options;
    while (this.#isCheckDue && !this.#isClosed) {
      this.#isCheckDue = false;
      const reported = [...this.#reportedProjects];
      const checks = await Promise.allSettled([definitions.checkRevisions(), tokens.checkRevisions(), signIns.check()]);
      for (const projectId of reported) this.#reportedProjects.delete(projectId);
      this.#areSignInsReported = false;
      for (const check of checks) if (check.status === "rejected") log.debug({ err: check.reason }, "definitions could not be checked");
    }
  }
}

/** Returns undefined if the text is not a message. Anyone who can write to Redis can publish any message; all it does is make the server read the database. */
function parseMessage(text: string): Message | undefined {
  if (text.length > MESSAGE_LENGTH_MAX) return undefined;
  try {
    const { from, endpoints, projects, signIns, unknown }: Record<keyof Message, unknown> = JSON.parse(text);
    if (typeof from !== "string" || !isIds(endpoints) || !isIds(projects) || typeof unknown !== "boolean") return undefined;
    // Servers of an earlier version do not send `signIns`.
    return { from, endpoints, projects, signIns: signIns === true, unknown };
  } catch {
    return undefined;
  }
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= IDS_MAX && value.every((id) => typeof id === "string");
}
