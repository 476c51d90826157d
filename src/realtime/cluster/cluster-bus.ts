/**
 * Notifies the other processes of a deployment of commits and of changed definitions, so that they need not wait for their next poll: other servers through
 * Redis, the other workers of the server through their parent process. Messages carry no data: each process reads the database. If messages are lost, polls
 * deliver everything.
 */
import type { Tokens } from "@/src/core/access/access-tokens";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { Quotas } from "@/src/core/limits/quotas";
import type { Log } from "@/src/core/log";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";

export interface ClusterBus {
  /**
   * Resolves when the other workers of this server have dropped everything that was invalidated here before the call, or after a second at the latest.
   * Undefined: there is nothing to wait for.
   */
  settle(): Promise<void> | undefined;
  /** Closes the links. */
  close(): void;
}

export interface BusReceiver {
  receive(text: string): void;
  /** From now on messages arrive. Earlier ones may have been missed. */
  joined(): void;
}

/** Carries messages to other processes. Messages may be lost. */
export interface BusLink {
  /** True if only processes of this server can send messages, which arrive in order, and never those of this process. */
  readonly isTrusted: boolean;
  open(receiver: BusReceiver): void;
  /** `isHint`: the message only says that logs have grown, which concerns no process without streams. */
  send(text: string, isHint: boolean): void;
  /** Resolves when the receivers have processed everything that was sent before, or after a second at the latest. */
  fence?(): Promise<void>;
  close(): void;
}

export interface ClusterBusOptions {
  /** An id of the server. Its workers share it. */
  serverId: string;
  links: readonly BusLink[];
  notifications: ChangeNotifications;
  definitions: Pick<Definitions, "onInvalidate" | "checkRevisions" | "invalidate">;
  tokens: Pick<Tokens, "onInvalidate" | "checkRevisions" | "invalidate">;
  quotas: Pick<Quotas, "invalidate">;
  signIns: Pick<SignIns, "onInvalidate" | "check">;
  log: Pick<Log, "debug">;
}

/** Above this number of ids, the message only says `unknown`, and the receivers check everything. */
const IDS_MAX = 1_000;
const MESSAGE_LENGTH_MAX = 256 * 1024;

/** The message that one process publishes in one turn of its event loop. */
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

/** Opens the links. Whenever one of them joins, it checks everything, because it may have missed messages. */
export function createClusterBus(options: ClusterBusOptions): ClusterBus {
  return new LinkedBus(options);
}

class LinkedBus implements ClusterBus {
  readonly #options: ClusterBusOptions;
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
  /** Reported projects that were invalidated here. `settle` publishes them. */
  readonly #suppressed = new Set<string>();
  /** The same as `#reportedProjects` for sign-ins. */
  #areSignInsReported = false;
  #checking: Promise<void> | undefined;
  #isCheckDue = false;
  /** Set while a fence is under way. */
  #fencing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ClusterBusOptions) {
    this.#options = options;
    const { notifications, definitions, tokens, signIns } = options;
    const onInvalidate = (projectId: string) => this.#publishProject(projectId);
    this.#stops = [
      notifications.subscribe((notification) => this.#publishNotification(notification)),
      definitions.onInvalidate(onInvalidate),
      tokens.onInvalidate(onInvalidate),
      signIns.onInvalidate(() => this.#publishSignIns()),
    ];
    for (const link of options.links) link.open({ receive: (text) => this.#receive(text, link), joined: () => this.#onJoined() });
  }

  settle(): Promise<void> | undefined {
    const fenced = this.#options.links.filter((link) => link.fence !== undefined);
    if (fenced.length === 0) return undefined;
    for (const projectId of this.#suppressed) this.#projects.add(projectId);
    this.#suppressed.clear();
    if (this.#projects.size > 0 || this.#areSignInsEnded) {
      this.#isDue = true;
      this.#publish();
      this.#fence(fenced.flatMap((link) => link.fence?.() ?? []));
    }
    return this.#fencing;
  }

  /** A request whose invalidation was already sent waits for the fence of the request that sent it. */
  #fence(fences: readonly Promise<void>[]): void {
    const all = Promise.all([this.#fencing, ...fences]).then(() => {
      if (this.#fencing === all) this.#fencing = undefined;
    });
    this.#fencing = all;
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    for (const link of this.#options.links) link.close();
  }

  #onJoined(): void {
    this.#relay({ kind: "unknown" });
    this.#checkRevisions();
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
    if (this.#isRelaying) return;
    if (this.#reportedProjects.has(projectId)) {
      // Nearly always the check of the reported project, but it can also be a change that was made here at the same time.
      if (this.#suppressed.size < IDS_MAX) this.#suppressed.add(projectId);
      return;
    }
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

  /** Does nothing if {@link settle} has published everything. */
  #publish(): void {
    if (!this.#isDue || this.#isClosed) return;
    const isTooMuch = this.#endpoints.size > IDS_MAX || this.#projects.size > IDS_MAX;
    const message: Message = {
      from: this.#options.serverId,
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
    const text = JSON.stringify(message);
    const isHint = message.projects.length === 0 && !message.signIns && !message.unknown;
    for (const link of this.#options.links) link.send(text, isHint);
  }

  #receive(text: string, { isTrusted }: BusLink): void {
    const message = parseMessage(text);
    // The workers of this server have a link of their own.
    if (message === undefined || (!isTrusted && message.from === this.#options.serverId)) return;
    if (message.unknown) this.#relay({ kind: "unknown" });
    for (const endpointId of message.endpoints) this.#relay({ kind: "endpoint", endpointId });
    for (const projectId of message.projects) {
      this.#reportedProjects.add(projectId);
      if (isTrusted) this.#drop(projectId);
    }
    if (message.signIns) this.#areSignInsReported = true;
    if (message.unknown || message.signIns || message.projects.length > 0) this.#checkRevisions();
  }

  #relay(notification: ChangeNotification): void {
    this.#isRelaying = true;
    this.#options.notifications.publish(notification);
    this.#isRelaying = false;
  }

  /** At once, so that nothing that was revoked on another worker is accepted here after its response (U7). The check then reads the new revision. */
  #drop(projectId: string): void {
    const { definitions, tokens, quotas } = this.#options;
    this.#isRelaying = true;
    definitions.invalidate(projectId);
    tokens.invalidate(projectId);
    quotas.invalidate(projectId);
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
