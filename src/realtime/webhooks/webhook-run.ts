/** Delivers one webhook while this node holds its lease: parked deliveries that are due first, then the logs, in waves of different records. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Clock } from "@/src/core/clock";
import type { Sandbox } from "@/src/core/sandbox";
import { SealedError, type SecretBox } from "@/src/core/secrets/secret-box";
import type { ChangeLog } from "@/src/core/streams/ports";
import { toChangeEvent, toGapEvent } from "@/src/core/webhooks/events";
import {
  type ActiveWebhook,
  type DeliveryOutcome,
  type LogMark,
  type OutboundPost,
  type ParkedDelivery,
  SECRET_UNREADABLE,
  type UnreadLog,
  type WebhookRound,
  type WebhookStore,
  type WebhookWork,
} from "@/src/core/webhooks/ports";
import { toSecretPurpose } from "@/src/core/webhooks/signature";
import { createRecordFilter } from "../filters/record-filter";
import { PAGE_LIMIT_FIRST } from "../log/page-size";
import { deliver, type Sending, type Tried, toWaiting } from "./deliver";
import { type JudgedChange, readUnread, toMark } from "./read-unread";
import type { RequestLanes } from "./request-lanes";

/** How many records of one webhook are delivered at once. */
const WAVE_EVENTS_MAX = 16;
/** A webhook with this many parked deliveries, or this many bytes in them, reads no further until one of them is done. */
const PARKED_MAX = 100;
const PARKED_BYTES_MAX = 16 * 1_048_576;
/** The pause after the sandbox was busy. */
const BUSY_MS = 2_000;

export interface WebhookRunOptions {
  nodeId: string;
  store: WebhookStore;
  changes: Pick<ChangeLog, "positions" | "read">;
  sandbox: Pick<Sandbox, "filter">;
  secrets: Pick<SecretBox, "open">;
  post: OutboundPost;
  /** Requests of all webhooks of this node, in a fair order of accounts. */
  requests: Pick<RequestLanes, "run">;
  retryFirstMs: number;
  clock: Clock;
}

/** Thrown when what was loaded is no longer right: the webhook was changed, paused or held, or belongs to another node. */
class OutdatedError extends Error {}

/**
 * Delivers until there is nothing to do for now, `mayGoOn` returns false between two rounds, or the node loses the lease. Throws errors of the database, and
 * the signal's reason. At any moment it can be killed: events whose result is not stored are sent again, with the same ids and in the same order.
 */
export async function runWebhook(
  webhookId: string,
  options: WebhookRunOptions & { signal: AbortSignal; mayGoOn: () => boolean },
): Promise<void> {
  const { store, nodeId, mayGoOn, signal } = options;
  const limits = new Map<string, number>();
  do {
    signal.throwIfAborted();
    const work = await store.load(nodeId, webhookId);
    if (!work || work.webhook.isHeld) return;
    const rounds = new WebhookRounds(work, limits, options);
    try {
      if (!(await rounds.deliverParked()) && !(await rounds.readLogs())) return;
    } catch (error) {
      if (!(error instanceof OutdatedError)) throw error;
    }
    await nextTurn();
  } while (mayGoOn());
}

class WebhookRounds {
  readonly #webhook: ActiveWebhook;
  readonly #unread: readonly UnreadLog[];
  readonly #parked: Map<string, ParkedDelivery>;
  readonly #limits: Map<string, number>;
  readonly #options: WebhookRunOptions & { signal: AbortSignal };
  #secrets: readonly string[] | undefined;

  constructor(work: WebhookWork, limits: Map<string, number>, options: WebhookRunOptions & { signal: AbortSignal }) {
    this.#webhook = work.webhook;
    this.#unread = work.unread;
    this.#parked = new Map(work.parked.map((delivery) => [delivery.eventId, delivery]));
    this.#limits = limits;
    this.#options = options;
  }

  /** Tries a wave of parked deliveries that are due. Returns false if none is. */
  async deliverParked(): Promise<boolean> {
    const chains = this.#toChains();
    // The first of a record is due when its time has come, or when it has none because what was before it is done.
    const due = [...chains.values()]
      .flatMap(([head]) => (head && (head.isDue || head.state === "waiting") ? [head] : []))
      .slice(0, WAVE_EVENTS_MAX);
    const demoted = [...chains.values()].flatMap(([, ...rest]) =>
      rest.filter(({ state }) => state === "retrying").map(({ eventId }) => eventId),
    );
    if (due.length === 0) {
      if (demoted.length > 0) await this.#save({ outcomes: [], demoted });
      return false;
    }
    const bodies = new Map(
      (
        await this.#options.store.readBodies(
          this.#webhook.id,
          due.map(({ eventId }) => eventId),
        )
      ).map((body) => [body.eventId, body]),
    );
    const sendings = due.flatMap(({ eventId, endpointId, recordId, seq }): Sending[] => {
      const body = bodies.get(eventId);
      return body ? [{ ...body, endpointId, recordId, seq }] : [];
    });
    const tried = await this.#send(sendings);
    const promoted = tried.flatMap(({ outcome }) => {
      if (outcome.state === "retrying") return [];
      const next = chains.get(toChainKey(outcome))?.[1];
      return next ? [next.eventId] : [];
    });
    await this.#finish(tried, { promoted, demoted: demoted.filter((id) => !promoted.includes(id)) });
    return true;
  }

  /** Reads a page of one log and delivers it. Returns false if no log can be read. */
  async readLogs(): Promise<boolean> {
    if (this.#isBlocked()) {
      await this.#save({ outcomes: [] });
      return false;
    }
    for (const log of this.#unread) if (await this.#readLog(log)) return true;
    return false;
  }

  async #readLog(log: UnreadLog): Promise<boolean> {
    const { changes, sandbox, signal, clock } = this.#options;
    const { endpointId, endpointName } = log;
    const { filter: expression, ownerId, projectId } = this.#webhook;
    const filter = expression === null ? undefined : createRecordFilter({ sandbox, expression, caller: toOwnerPath(ownerId, projectId) });
    const limit = this.#limits.get(endpointId) ?? PAGE_LIMIT_FIRST;
    const part = await readUnread({ log, changes, webhook: this.#webhook, filter, limit, signal });
    switch (part.kind) {
      case "nothing":
        return false;
      case "gap": {
        const { from, to, reason } = part;
        const { id: eventId, body } = toGapEvent({ endpointId, endpointName, from, to, reason, at: clock.now() });
        const place = { eventId, endpointId, recordId: null, epoch: to.epoch, seq: to.seq };
        const tried = await this.#send([{ ...place, type: "GAP", body, attempts: 0, ageMs: 0 }]);
        await this.#finish(tried, { move: { endpointId, from: log.position, to } });
        return true;
      }
      case "changes": {
        this.#limits.set(endpointId, part.nextLimit);
        const { epoch, from, failed } = part;
        const isRead = await this.#deliverPage(part.changes, { endpointId, endpointName, epoch, from });
        if (!failed || !isRead) return true;
        if (!failed.entry.retryable) await this.#pause("filter_failed", failed.message);
        else await this.#save({ outcomes: [], holdMs: BUSY_MS });
        throw new OutdatedError();
      }
    }
  }

  /** Delivers in waves, each stored with the position after it. Returns false if the webhook became blocked before the end. */
  async #deliverPage(
    page: readonly JudgedChange[],
    place: { endpointId: string; endpointName: string; epoch: string; from: LogMark | undefined },
  ): Promise<boolean> {
    const { endpointId, epoch } = place;
    let from = place.from;
    for (let index = 0; index < page.length; ) {
      if (this.#isBlocked()) return false;
      const wave = this.#takeWave(page, index, place);
      const tried = await this.#send(wave.sendings);
      const last = page[wave.end - 1];
      if (!last) return true;
      const to = toMark(last.change, epoch);
      for (const sending of wave.waiting) this.#park(toWaiting(sending));
      await this.#finish(tried, { move: { endpointId, from, to }, waiting: wave.waiting.map(toWaiting) });
      from = to;
      index = wave.end;
    }
    return true;
  }

  /** The changes from `start` on that can be delivered at once: at most one of each record, and none of a record that has parked deliveries. */
  #takeWave(
    page: readonly JudgedChange[],
    start: number,
    place: { endpointName: string; epoch: string },
  ): { sendings: Sending[]; waiting: Sending[]; end: number } {
    const sendings: Sending[] = [];
    const waiting: Sending[] = [];
    const records = new Set<string>();
    const parked = new Set([...this.#parked.values()].map(({ recordId }) => recordId));
    let end = start;
    for (; end < page.length && sendings.length < WAVE_EVENTS_MAX; end += 1) {
      const judged = page[end];
      if (!judged?.isSent) continue;
      const { change } = judged;
      const { endpointId, seq, type, record } = change;
      if (records.has(record.id) || this.#parked.size + waiting.length > PARKED_MAX) break;
      const { id: eventId, body } = toChangeEvent(change, place);
      const sending = { eventId, endpointId, recordId: record.id, epoch: place.epoch, seq, type, body, attempts: 0, ageMs: 0 };
      if (parked.has(record.id)) {
        waiting.push(sending);
        continue;
      }
      records.add(record.id);
      sendings.push(sending);
    }
    return { sendings, waiting, end };
  }

  async #send(sendings: readonly Sending[]): Promise<Tried[]> {
    const { requests, post, clock, retryFirstMs, signal } = this.#options;
    if (sendings.length === 0) return [];
    const secrets = await this.#openSecrets();
    const { ownerId, id, url } = this.#webhook;
    return Promise.all(
      sendings.map((sending) =>
        requests.run([ownerId, id], () => deliver(sending, { post, clock, url, secrets, retryFirstMs, signal }), signal),
      ),
    );
  }

  async #openSecrets(): Promise<readonly string[]> {
    const purpose = toSecretPurpose(this.#webhook.id);
    try {
      this.#secrets ??= this.#webhook.sealedSecrets.map((sealed) => this.#options.secrets.open(purpose, sealed));
      return this.#secrets;
    } catch (error) {
      if (!(error instanceof SealedError)) throw error;
      await this.#pause("secret_unreadable", SECRET_UNREADABLE);
      throw new OutdatedError();
    }
  }

  /** Stores a wave. Throws OutdatedError if the webhook must not go on with what was loaded. */
  async #finish(
    tried: readonly Tried[],
    rest: Pick<WebhookRound, "move"> & { promoted?: readonly string[]; demoted?: readonly string[]; waiting?: readonly DeliveryOutcome[] },
  ): Promise<void> {
    const outcomes = tried.map(({ outcome }) => outcome);
    for (const outcome of outcomes) this.#park(outcome);
    const holds = tried.flatMap(({ holdMs }) => (holdMs === undefined ? [] : [holdMs]));
    const holdMs = holds.length > 0 ? Math.max(...holds) : undefined;
    const { move, promoted = [], demoted = [], waiting = [] } = rest;
    await this.#save({ outcomes: [...outcomes, ...waiting], move, promoted, demoted, holdMs });
    if (tried.some(({ isGone }) => isGone)) {
      await this.#pause("gone", "The receiver responded with 410 Gone.");
      throw new OutdatedError();
    }
    if (holdMs !== undefined) throw new OutdatedError();
  }

  async #save(round: Partial<WebhookRound> & Pick<WebhookRound, "outcomes">): Promise<void> {
    const { store, nodeId } = this.#options;
    const { promoted = [], demoted = [], ...rest } = round;
    const revision = await store.save(nodeId, this.#webhook.id, { ...rest, promoted, demoted, isBlocked: this.#isBlocked() });
    // The owner has changed, paused or deleted it, or another node delivers it.
    if (revision !== this.#webhook.revision) throw new OutdatedError();
  }

  async #pause(reason: "gone" | "filter_failed" | "secret_unreadable", detail: string): Promise<void> {
    await this.#options.store.pause(this.#options.nodeId, this.#webhook.id, reason, detail);
  }

  #park({ eventId, endpointId, recordId, seq, state, body }: DeliveryOutcome): void {
    if (state === "delivered" || state === "failed") {
      this.#parked.delete(eventId);
      return;
    }
    const { bytes = Buffer.byteLength(body ?? ""), isOfDeleted = false } = this.#parked.get(eventId) ?? {};
    this.#parked.set(eventId, { eventId, endpointId, recordId, seq, state, isDue: false, isOfDeleted, bytes });
  }

  /** A parked GAP blocks too: changes after it must not arrive before it. */
  #isBlocked(): boolean {
    const parked = [...this.#parked.values()];
    const bytes = parked.reduce((sum, delivery) => sum + delivery.bytes, 0);
    return (
      parked.length >= PARKED_MAX ||
      bytes >= PARKED_BYTES_MAX ||
      parked.some(({ recordId, isOfDeleted }) => recordId === null && !isOfDeleted)
    );
  }

  /** Parked deliveries by record, in the order of the log. */
  #toChains(): Map<string, ParkedDelivery[]> {
    const chains = new Map<string, ParkedDelivery[]>();
    for (const delivery of this.#parked.values()) {
      const key = toChainKey(delivery);
      chains.set(key, [...(chains.get(key) ?? []), delivery]);
    }
    return chains;
  }
}

function toChainKey({ endpointId, recordId }: { endpointId: string; recordId: string | null }): string {
  return `${endpointId} ${recordId ?? ""}`;
}
