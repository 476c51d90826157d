/** The registry of open streams: brings hints and polls to the pumps, and ends the streams that lost access. It must not know transports. */
import { randomUUID } from "node:crypto";
import type { Access, Grant } from "@/src/core/access";
import type { Definitions } from "@/src/core/definitions";
import type { ChangeLog, Clock, Hint, Hints, Log, LogPosition } from "@/src/core/ports";
import type { SnapshotReader } from "@/src/core/snapshot-ports";
import type { Tokens } from "@/src/core/tokens";
import { toEpoch } from "@/src/shared/cursor";
import { AppError } from "@/src/shared/errors";
import { type ChangePump, createChangePump } from "./change-pump";
import { createFlusher, type Flusher } from "./flusher";
import { groupByEndpoint } from "./hints";
import { createPositionReader, type PositionReader } from "./position-reader";
import { createRecheckQueue, type RecheckQueue } from "./recheck-queue";
import { createSession, type Session, type Start } from "./session";
import { CURSOR_FRAMES, PLAIN_FRAMES, type StreamFormat } from "./stream-format";
import type { StreamLimits } from "./stream-limits";
import { createSubscriber, type Sink, type Subscriber } from "./subscriber";

export type Transport = "ws" | "sse";

/** An open stream, for whoever holds its transport. */
export interface Subscription {
  /** In resumable mode, sends a sign of life (W9). Call it every 25 s. */
  beat(): void;
  /** Ends the stream with the error's close code and message. */
  end(error: AppError): void;
  /** The transport has gone; call it once it closed, for whatever reason. */
  closed(): void;
}

/** An open stream, for whoever looks at the server. */
export interface Connection {
  /** A UUID. */
  id: string;
  transport: Transport;
  endpointId: string;
  endpointName: string;
  projectId: string;
  /** Null: opened by a ticket. */
  keyId: string | null;
  /** The application's user whose access token was sent; null: none was needed. */
  userId: string | null;
  /** It hears of this user's records alone; undefined: of everybody's. */
  onlyOwner: string | undefined;
  origin: string | undefined;
  openedAt: Date;
  /** Where the log stood then. */
  openedSeq: number;
  resumable: boolean;
  /** Up to which seq it has been sent the log; undefined: it is live. */
  replayedTo: number | undefined;
  /** What waits to be sent. */
  backlogBytes: number;
}

export interface Hub {
  /**
   * Opens a stream. Once the log's position is known, `connect` is called to open the transport, and in the same turn the stream is registered:
   * no change that is committed after the client can know of its connection is missed. Undefined when `connect` answers undefined (the client
   * has gone meanwhile). `address`: the client's; `format`: default WebSocket frames. Raises `endpoint_or_key_invalid`, `too_many_streams`,
   * `database_unavailable`, `server_shutdown`.
   */
  subscribe(request: {
    grant: Grant;
    start: Start;
    transport: Transport;
    address: string;
    format?: StreamFormat;
    connect: () => Sink | undefined;
  }): Promise<Subscription | undefined>;
  /** How many streams of the endpoint are open. */
  subscriberCount(endpointId: string): number;
  /** Every open stream. */
  connections(): Connection[];
  /** Ends the stream with the error's close code and message; false: there is none of this id. */
  end(id: string, error: AppError): boolean;
  /**
   * Ends expired streams, repeats what failed before, and reads where the logs of all endpoints with subscribers stand, in one query: what hints have
   * not told is delivered. Settles when it was; rejects when the database is away (streams stay open, the next call tries again).
   */
  poll(): Promise<void>;
  /** Looks again whether the project's open streams are allowed, and ends those that are not (W6). Never rejects: what can't be known now is asked again by `poll`. */
  recheck(projectId: string): Promise<void>;
  /** Ends every stream with the error's close code, and refuses new ones with the same error. Hints are no longer heard. */
  closeAll(error: AppError): void;
}

export interface HubOptions {
  changes: Pick<ChangeLog, "positions" | "read" | "readFor">;
  snapshots: SnapshotReader;
  hints: Pick<Hints, "subscribe">;
  access: Pick<Access, "recheck">;
  definitions: Pick<Definitions, "watch">;
  tokens: Pick<Tokens, "watch" | "generation">;
  limits: StreamLimits;
  clock: Clock;
  log: Pick<Log, "debug">;
  /** What one subscriber may have waiting (W7). */
  queueBytesMax: number;
}

/** Listens to hints at once. `poll` is the caller's to call each second, `recheck` after each invalidation of a project. */
export function createHub(options: HubOptions): Hub {
  return new StreamHub(options);
}

interface OpenStream {
  id: string;
  session: Session;
  subscriber: Subscriber;
  transport: Transport;
  openedAt: Date;
  openedSeq: number;
  unwatch: () => void;
  /** Gives its place to another stream. */
  release: () => void;
}

class StreamHub implements Hub {
  readonly #options: HubOptions;
  readonly #positions: PositionReader;
  readonly #flusher: Flusher = createFlusher();
  readonly #pumps = new Map<string, ChangePump>();
  /** Streams that are being opened, by endpoint: their pump must stay. */
  readonly #opening = new Map<string, number>();
  readonly #streams = new Map<Session, OpenStream>();
  readonly #rechecks: RecheckQueue;
  /** Projects whose recheck failed. */
  readonly #uncheckedProjectIds = new Set<string>();
  readonly #unsubscribe: () => void;
  #closedBy: AppError | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#positions = createPositionReader(options);
    this.#rechecks = createRecheckQueue((projectId) => this.#recheckProject(projectId));
    this.#unsubscribe = options.hints.subscribe((hint) => this.#onHint(hint));
  }

  async subscribe(request: Parameters<Hub["subscribe"]>[0]): Promise<Subscription | undefined> {
    const { grant, address } = request;
    const endpointId = grant.endpoint.id;
    if (this.#closedBy) throw this.#closedBy;
    // The dashboard's streams have no key: they count for their project.
    const release = this.#options.limits.take({ keyId: grant.keyId ?? grant.projectId, address });
    const pump = this.#hold(endpointId);
    let subscription: Subscription | undefined;
    try {
      const found = await this.#locate(endpointId, pump);
      if (this.#closedBy) throw this.#closedBy;
      if (found === undefined) throw new AppError("endpoint_or_key_invalid", { internal: `endpoint=${endpointId} was deleted` });
      const sink = request.connect();
      subscription = sink && this.#open({ ...request, sink, pump, tip: toTip(found, pump), release });
      return subscription;
    } finally {
      if (!subscription) release();
      this.#release(endpointId);
    }
  }

  subscriberCount(endpointId: string): number {
    return this.#pumps.get(endpointId)?.listenerCount() ?? 0;
  }

  connections(): Connection[] {
    return [...this.#streams.values()].map(({ id, session, subscriber, transport, openedAt, openedSeq }) => {
      const { endpoint, projectId, keyId, user, onlyOwner, origin } = session.grant;
      const current = session.state();
      return {
        id,
        transport,
        endpointId: endpoint.id,
        endpointName: endpoint.name,
        projectId,
        keyId,
        userId: user?.id ?? null,
        onlyOwner,
        origin,
        openedAt,
        openedSeq,
        resumable: session.resumable,
        replayedTo: current.state === "replaying" ? current.at.seq : undefined,
        backlogBytes: subscriber.backlogBytes(),
      };
    });
  }

  end(id: string, error: AppError): boolean {
    for (const stream of this.#streams.values()) {
      if (stream.id !== id) continue;
      stream.session.end(error);
      return true;
    }
    return false;
  }

  async poll(): Promise<void> {
    this.#endExpired();
    for (const projectId of [...this.#uncheckedProjectIds]) void this.recheck(projectId);
    const pumps = [...this.#pumps];
    if (pumps.length === 0) return;
    const seqsBefore = pumps.map(([, pump]) => pump.position()?.seq ?? 0);
    const positions = await this.#positions.read(pumps.map(([endpointId]) => endpointId));
    const deliveries = pumps.map(([endpointId, pump], index) => {
      const found = positions.get(endpointId);
      return found && pump.observe(found, seqsBefore[index] ?? 0);
    });
    const gone = new Set(pumps.map(([endpointId]) => endpointId).filter((endpointId) => !positions.has(endpointId)));
    for (const session of [...this.#streams.keys()]) {
      if (gone.has(session.grant.endpoint.id)) session.end(new AppError("endpoint_deleted"));
      else session.resume();
    }
    for (const outcome of await Promise.allSettled([...deliveries, this.#rechecks.idle()]))
      if (outcome.status === "rejected") throw outcome.reason;
  }

  recheck(projectId: string): Promise<void> {
    return this.#rechecks.add(projectId);
  }

  closeAll(error: AppError): void {
    this.#closedBy = error;
    this.#unsubscribe();
    for (const session of [...this.#streams.keys()]) session.end(error);
  }

  async #locate(endpointId: string, pump: ChangePump): Promise<LogPosition | undefined> {
    const seqBefore = pump.position()?.seq ?? 0;
    const found = (await this.#positions.read([endpointId])).get(endpointId);
    if (found) this.#deliver(pump.observe(found, seqBefore));
    return found;
  }

  #open(
    request: Omit<Parameters<Hub["subscribe"]>[0], "connect"> & { sink: Sink; pump: ChangePump; tip: LogPosition; release: () => void },
  ): Subscription {
    const { grant, start, transport, sink, pump, tip, release } = request;
    const format = request.format ?? (start.mode === "plain" ? PLAIN_FRAMES : CURSOR_FRAMES);
    const { changes, snapshots, clock, queueBytesMax } = this.#options;
    const subscriber = createSubscriber({ sink, flusher: this.#flusher, queueBytesMax, onSlow: (error) => session.end(error) });
    const session: Session = createSession({
      grant,
      start,
      format,
      tip,
      pumpPosition: () => pump.position(),
      changes,
      snapshots,
      subscriber,
      onEnd: () => this.#forget(session),
      onReadError: (error) => this.#onReadError(error),
    });
    this.#streams.set(session, {
      id: randomUUID(),
      session,
      subscriber,
      transport,
      openedAt: clock.now(),
      openedSeq: tip.seq,
      unwatch: this.#watch(grant),
      release,
    });
    pump.add(session);
    // What ended a token while the stream was being opened has been told already.
    if (grant.user && grant.evidence.tokenGeneration !== this.#options.tokens.generation()) void this.#recheckSession(session);
    return { beat: () => session.beat(), end: (error) => session.end(error), closed: () => session.end() };
  }

  #watch({ projectId, user, evidence }: Grant): () => void {
    const { definitions, tokens } = this.#options;
    const unwatchDefinitions = definitions.watch({ id: projectId, revision: evidence.revision });
    const unwatchTokens = user ? tokens.watch(projectId) : undefined;
    return () => {
      unwatchDefinitions();
      unwatchTokens?.();
    };
  }

  async #recheckProject(projectId: string): Promise<void> {
    this.#uncheckedProjectIds.delete(projectId);
    const sessions = [...this.#streams.keys()].filter(({ grant }) => grant.projectId === projectId);
    await Promise.all(sessions.map((session) => this.#recheckSession(session)));
  }

  async #recheckSession(session: Session): Promise<void> {
    try {
      const problem = await this.#options.access.recheck(session.grant);
      if (problem) session.end(problem);
    } catch (error) {
      this.#uncheckedProjectIds.add(session.grant.projectId);
      this.#options.log.debug({ err: error }, "the access of open streams can't be checked now");
    }
  }

  #forget(session: Session): void {
    const endpointId = session.grant.endpoint.id;
    const stream = this.#streams.get(session);
    stream?.unwatch();
    stream?.release();
    this.#streams.delete(session);
    this.#pumps.get(endpointId)?.remove(session);
    this.#dropIfUnused(endpointId);
  }

  #hold(endpointId: string): ChangePump {
    this.#opening.set(endpointId, (this.#opening.get(endpointId) ?? 0) + 1);
    const { changes, queueBytesMax } = this.#options;
    const pump = this.#pumps.get(endpointId) ?? createChangePump({ endpointId, changes, sliceBytes: queueBytesMax / 4 });
    this.#pumps.set(endpointId, pump);
    return pump;
  }

  #release(endpointId: string): void {
    const opening = (this.#opening.get(endpointId) ?? 0) - 1;
    if (opening > 0) this.#opening.set(endpointId, opening);
    else this.#opening.delete(endpointId);
    this.#dropIfUnused(endpointId);
  }

  #dropIfUnused(endpointId: string): void {
    const pump = this.#pumps.get(endpointId);
    if (!pump || pump.listenerCount() > 0 || this.#opening.has(endpointId)) return;
    pump.close();
    this.#pumps.delete(endpointId);
  }

  #onHint(hint: Hint): void {
    switch (hint.kind) {
      case "changes":
        for (const [endpointId, changes] of groupByEndpoint(hint.changes)) {
          const pump = this.#pumps.get(endpointId);
          if (pump) this.#deliver(pump.offer(changes));
        }
        return;
      case "endpoint": {
        const pump = this.#pumps.get(hint.endpointId);
        if (pump) this.#deliver(this.#locate(hint.endpointId, pump));
        return;
      }
      case "unknown":
        this.#deliver(this.poll());
        return;
      default:
        hint satisfies never;
    }
  }

  #deliver(delivery: Promise<unknown>): void {
    delivery.catch((error: unknown) => this.#onReadError(error));
  }

  /** No more than a note: the next poll repeats what failed, and reports that the database is away. */
  #onReadError(error: unknown): void {
    this.#options.log.debug({ err: error }, "the change log can't be read now");
  }

  #endExpired(): void {
    const now = this.#options.clock.now();
    for (const session of [...this.#streams.keys()]) {
      const { keyExpiresAt, user } = session.grant;
      if (keyExpiresAt !== null && keyExpiresAt <= now) session.end(new AppError("key_expired"));
      else if (user && user.tokenExpiresAt <= now) session.end(new AppError("token_expired"));
    }
  }
}

/** Where the log stands at least: the pump may have delivered more than a query saw. */
function toTip(found: LogPosition, pump: ChangePump): LogPosition {
  const position = pump.position();
  const tip = { epoch: toEpoch(found.epoch), seq: found.seq };
  return position?.epoch === tip.epoch && position.seq > tip.seq ? position : tip;
}
