/**
 * Tells the other servers of a deployment through Redis what was committed and what was redefined, so that they need not wait for their next poll. What it says
 * are notifications: each server reads the database. It must not carry data, nor be needed: while Redis is away the polls deliver everything.
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
  /** `redis://…` or `rediss://…`; of a cluster, any of its nodes. */
  url: string;
  /** The same for all servers of a deployment, and for no others. */
  channel: string;
  notifications: ChangeNotifications;
  definitions: Pick<Definitions, "onInvalidate" | "checkRevisions">;
  tokens: Pick<Tokens, "onInvalidate" | "checkRevisions">;
  signIns: Pick<SignIns, "onInvalidate" | "check">;
  log: Pick<Log, "info" | "warn" | "debug">;
}

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS_MAX = 2_000;
/** More than this is said in one word: look at everything. */
const IDS_MAX = 1_000;
const MESSAGE_LENGTH_MAX = 256 * 1024;

/** What one server has to say to the others, in one turn of its event loop. */
interface Message {
  from: string;
  /** Endpoints whose logs have grown. */
  endpoints: string[];
  /** Projects of which a definition or a token has changed. */
  projects: string[];
  /** Sign-ins to the dashboard have ended. */
  signIns: boolean;
  /** There is more than that. */
  unknown: boolean;
}

/** Connects, and connects again, by itself. Once it is back after it was away, everything is looked at: something may have been said meanwhile. */
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
  /** While a notification of another server goes round here, it is not said again. */
  #isRelaying = false;
  /** Projects that another server spoke of, until it is known what has changed there. */
  readonly #heardOf = new Set<string>();
  /** The same of sign-ins. */
  #isHeardOfSignIns = false;
  #checking: Promise<void> | undefined;
  #isCheckDue = false;
  #isAway = false;
  #isClosed = false;

  constructor(options: ClusterBusOptions) {
    this.#options = options;
    this.#publisher = this.#connect();
    this.#subscriber = this.#connect();
    this.#subscriber.on("message", (_channel, text) => this.#hear(text));
    this.#subscriber.on("ready", () => void this.#join());
    const { notifications, definitions, tokens, signIns } = options;
    const onInvalidate = (projectId: string) => this.#sayProject(projectId);
    this.#stops = [
      notifications.subscribe((notification) => this.#publishNotification(notification)),
      definitions.onInvalidate(onInvalidate),
      tokens.onInvalidate(onInvalidate),
      signIns.onInvalidate(() => this.#saySignIns()),
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
      // What is said late is of no use: whoever comes back looks at everything.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // By hand, to know when it is done.
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
    });
    redis.on("error", (error) => this.#noteAway(error));
    // A server that goes in order is no error to the library.
    redis.on("close", () => this.#noteAway(new Error("the connection was closed")));
    return redis;
  }

  async #join(): Promise<void> {
    try {
      await this.#subscriber.subscribe(this.#options.channel);
    } catch (error) {
      this.#noteAway(error);
      return;
    }
    if (this.#isAway) this.#options.log.info({}, "Redis is available again; servers notify each other of changes at once");
    this.#isAway = false;
    this.#relay({ kind: "unknown" });
    this.#checkRevisions();
  }

  #noteAway(error: unknown): void {
    if (this.#isAway || this.#isClosed) return;
    this.#isAway = true;
    // The message alone: the library's errors hold the command.
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
    this.#sayLater();
  }

  #sayProject(projectId: string): void {
    if (this.#heardOf.has(projectId)) return;
    this.#projects.add(projectId);
    this.#sayLater();
  }

  #saySignIns(): void {
    if (this.#isHeardOfSignIns) return;
    this.#areSignInsEnded = true;
    this.#sayLater();
  }

  /** What comes up in one turn goes in one message. */
  #sayLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#say());
  }

  #say(): void {
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
    this.#publisher.publish(this.#options.channel, JSON.stringify(message)).catch((error: unknown) => this.#noteAway(error));
  }

  #hear(text: string): void {
    const message = parseMessage(text);
    if (message === undefined || message.from === this.#id) return;
    if (message.unknown) this.#relay({ kind: "unknown" });
    for (const endpointId of message.endpoints) this.#relay({ kind: "endpoint", endpointId });
    for (const projectId of message.projects) this.#heardOf.add(projectId);
    if (message.signIns) this.#isHeardOfSignIns = true;
    if (message.unknown || message.signIns || message.projects.length > 0) this.#checkRevisions();
  }

  #relay(notification: ChangeNotification): void {
    this.#isRelaying = true;
    this.#options.notifications.publish(notification);
    this.#isRelaying = false;
  }

  /** One check at a time; what is heard of meanwhile is looked at by the next one. A check that fails is the poll's to repeat. */
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
      const heardOf = [...this.#heardOf];
      const checks = await Promise.allSettled([definitions.checkRevisions(), tokens.checkRevisions(), signIns.check()]);
      for (const projectId of heardOf) this.#heardOf.delete(projectId);
      this.#isHeardOfSignIns = false;
      for (const check of checks) if (check.status === "rejected") log.debug({ err: check.reason }, "definitions could not be checked");
    }
  }
}

/** Undefined: it is none. Whoever can write to Redis can say anything; all that it does is that the database is read. */
function parseMessage(text: string): Message | undefined {
  if (text.length > MESSAGE_LENGTH_MAX) return undefined;
  try {
    const { from, endpoints, projects, signIns, unknown }: Record<keyof Message, unknown> = JSON.parse(text);
    if (typeof from !== "string" || !isIds(endpoints) || !isIds(projects) || typeof unknown !== "boolean") return undefined;
    // Servers of an earlier version do not send it.
    return { from, endpoints, projects, signIns: signIns === true, unknown };
  } catch {
    return undefined;
  }
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= IDS_MAX && value.every((id) => typeof id === "string");
}
