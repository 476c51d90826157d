/** Delivers the webhooks of a deployment (H): leases those that have something to do, one node for each, and runs them. */
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Log } from "@/src/core/log";
import type { ChangeNotification, ChangeNotifications } from "@/src/core/streams/ports";
import type { SendTestEvent, TestedWebhook } from "@/src/core/webhooks/ports";
import { createRequestLanes, type RequestLanes } from "./request-lanes";
import { createRunPlaces, type RunPlaces } from "./run-places";
import { sendTestEvent } from "./test-event";
import { runWebhook, type WebhookRunOptions } from "./webhook-run";

/** The endpoints of active webhooks are read once in this number of polls. Changes of a new webhook are found by the next poll at the latest. */
const WATCH_EVERY = 5;
/** The pause after a claim: at least this long, and this many times as long as the claim took. */
const CLAIM_PAUSE_MS = 10;
const CLAIM_PAUSE_FACTOR = 5;
/** A lease counts here for less time than in the database, so that no two nodes deliver at once. */
const LEASE_MARGIN_MS = 1_000;
/** At shutdown, requests in progress have this long. */
const STOP_MS = 5_000;

export interface Webhooks {
  /** Starts what has something to do. Call it about once a second, one call at a time. */
  poll(): Promise<void>;
  /** Extends the leases of the webhooks that run here. Call it three times in the time of a lease. */
  renew(): Promise<void>;
  /** Deletes old deliveries. */
  sweep(): Promise<void>;
  /** Starts what has something to do soon, after the owner has changed a webhook. */
  wake(): void;
  /** Sends a test event to the receiver of a webhook (H8). */
  test: SendTestEvent;
  /** Lets requests in progress finish, and ends the leases. */
  stop(): Promise<void>;
}

export interface WebhooksOptions extends Omit<WebhookRunOptions, "nodeId" | "requests"> {
  notifications: Pick<ChangeNotifications, "subscribe">;
  /** A node that is killed is replaced after this time. */
  leaseMs: number;
  /** A request that takes longer is slow. */
  slowMs: number;
  log: Log;
}

interface Run {
  abort: AbortController;
  /** Aborts the run when its lease ends. */
  expiry: NodeJS.Timeout | undefined;
  ended: Promise<void> | undefined;
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  return new WebhookDeliverer(options);
}

class WebhookDeliverer implements Webhooks {
  readonly #options: WebhooksOptions;
  readonly #nodeId = randomUUID();
  readonly #runs = new Map<string, Run>();
  readonly #requests: RequestLanes;
  readonly #places: RunPlaces;
  /** The endpoints whose changes somebody waits for. */
  #watched: ReadonlySet<string> = new Set();
  #unsubscribe: (() => void) | undefined;
  /** Counts the notifications of watched endpoints. */
  #notified = 0;
  #polls = 0;
  #claiming: Promise<void> | undefined;
  #isClaimDue = false;
  #nextClaimAt = 0;
  #pause: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#requests = createRequestLanes({ slowMs: options.slowMs });
    this.#places = createRunPlaces(this.#requests);
  }

  async poll(): Promise<void> {
    if (this.#polls % WATCH_EVERY === 0) await this.#watch();
    this.#polls += 1;
    // The claim under way can have missed what this one finds.
    if (this.#claiming) this.#isClaimDue = true;
    await this.#claim();
  }

  test(webhook: TestedWebhook, signal: AbortSignal): ReturnType<SendTestEvent> {
    const { secrets, post, clock } = this.#options;
    return sendTestEvent({ webhook, requests: this.#requests, secrets, post, clock, signal });
  }

  async renew(): Promise<void> {
    if (this.#runs.size === 0) return;
    const { store, leaseMs } = this.#options;
    const runs = [...this.#runs];
    // From before the statement, because the database begins the new lease after that.
    const startedAt = performance.now();
    const kept = new Set(
      await store.renew(
        this.#nodeId,
        runs.map(([id]) => id),
        leaseMs,
      ),
    );
    for (const [id, run] of runs) {
      // It has ended meanwhile, and its lease with it.
      if (this.#runs.get(id) !== run) continue;
      if (kept.has(id)) this.#extend(run, startedAt);
      else run.abort.abort(new Error("the lease was lost"));
    }
  }

  sweep(): Promise<void> {
    return this.#options.store.sweep();
  }

  wake(): void {
    this.#polls = 0;
    this.#claimSoon();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unsubscribe?.();
    clearTimeout(this.#pause);
    await this.#claiming?.catch(() => undefined);
    const runs = [...this.#runs.values()];
    const timer = setTimeout(() => {
      for (const { abort } of runs) abort.abort(new Error("the server is stopping"));
    }, STOP_MS);
    await Promise.all(runs.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  async #watch(): Promise<void> {
    const watched = new Set(await this.#options.store.findWatched());
    if (this.#isStopped) return;
    this.#watched = watched;
    // A server without webhooks has no listener, so its writes do nothing more than before.
    if (watched.size > 0) this.#unsubscribe ??= this.#options.notifications.subscribe((notification) => this.#onNotification(notification));
    else {
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
    }
  }

  #onNotification(notification: ChangeNotification): void {
    if (!this.#isWatched(notification)) return;
    this.#notified += 1;
    this.#claimSoon();
  }

  #isWatched(notification: ChangeNotification): boolean {
    if (notification.kind === "unknown") return true;
    if (notification.kind === "endpoint") return this.#watched.has(notification.endpointId);
    return notification.changes.some(({ endpointId }) => this.#watched.has(endpointId));
  }

  /** Claims now, or after a pause if the last claim was a moment ago: a busy endpoint has thousands of notifications a second. */
  #claimSoon(): void {
    if (this.#isStopped || this.#pause) return;
    if (this.#claiming) {
      this.#isClaimDue = true;
      return;
    }
    // A failure is repeated and logged by the next poll.
    const claim = () => void this.#claim().catch(() => undefined);
    const pauseMs = this.#nextClaimAt - performance.now();
    if (pauseMs <= 0) {
      claim();
      return;
    }
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      claim();
    }, pauseMs);
    this.#pause.unref();
  }

  /** One claim at a time. A notification meanwhile causes another one. */
  #claim(): Promise<void> {
    this.#claiming ??= this.#claimOnce().finally(() => {
      this.#claiming = undefined;
      if (this.#isClaimDue) this.#claimSoon();
    });
    return this.#claiming;
  }

  async #claimOnce(): Promise<void> {
    this.#isClaimDue = false;
    const room = this.#places.findRoom();
    if (!room || this.#isStopped) return;
    const { store, leaseMs } = this.#options;
    const startedAt = performance.now();
    const claimed = await store.claim({ nodeId: this.#nodeId, leaseMs, ...room });
    const now = performance.now();
    this.#nextClaimAt = now + Math.max(CLAIM_PAUSE_MS, CLAIM_PAUSE_FACTOR * (now - startedAt));
    for (const { id, ownerId } of claimed) this.#start(id, ownerId, startedAt);
  }

  #start(id: string, ownerId: string, claimedAt: number): void {
    const run: Run = { abort: new AbortController(), expiry: undefined, ended: undefined };
    // Each request of a wave listens, which is more than Node.js expects.
    setMaxListeners(0, run.abort.signal);
    this.#runs.set(id, run);
    this.#extend(run, claimedAt);
    run.ended = this.#run(id, ownerId, run);
  }

  /** The lease counts from `startedAt`. */
  #extend(run: Run, startedAt: number): void {
    clearTimeout(run.expiry);
    const left = startedAt + this.#options.leaseMs - LEASE_MARGIN_MS - performance.now();
    run.expiry = setTimeout(() => run.abort.abort(new Error("the lease has ended")), left);
    run.expiry.unref();
  }

  async #run(id: string, ownerId: string, run: Run): Promise<void> {
    const { store, log } = this.#options;
    const { signal } = run.abort;
    const leave = this.#places.take(ownerId);
    let seen = this.#notified;
    let failed = false;
    // Called before each round.
    const mayGoOn = () => {
      seen = this.#notified;
      return !this.#isStopped && this.#places.mayGoOn(ownerId);
    };
    try {
      await runWebhook(id, { ...this.#options, nodeId: this.#nodeId, requests: this.#requests, signal, mayGoOn });
    } catch (error) {
      failed = true;
      log.warn({ webhookId: id, err: error }, "a webhook could not be delivered for now");
    }
    clearTimeout(run.expiry);
    const wasFull = leave();
    this.#runs.delete(id);
    // After a failure the lease ends by itself, so that the webhook is not tried in a loop.
    if (!failed) await store.release(this.#nodeId, [id]).catch(() => undefined);
    // A change that was committed after the last read is found now and not with the next poll.
    if (wasFull || seen !== this.#notified) this.#claimSoon();
  }
}
