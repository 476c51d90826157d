/** The registry of open streams: it passes notifications and polls to the log tailers, and ends streams that lose access. */
import { randomUUID } from "node:crypto";
import type { Access, Grant } from "@/src/core/access/access";
import type { Tokens } from "@/src/core/access/access-tokens";
import { toCallerPath } from "@/src/core/access/caller-path";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { SharedGauge } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import type { Sandbox } from "@/src/core/sandbox";
import type {
  ChangeLog,
  ChangeNotification,
  ChangeNotifications,
  FoundPosition,
  LogPlace,
  LogPosition,
  SnapshotReader,
} from "@/src/core/streams/ports";
import type { Traffic } from "@/src/core/traffic/traffic";
import { AppError } from "@/src/shared/errors";
import { groupByEndpoint } from "../cluster/notifications";
import { createFilterChecks, type FilterChecks } from "../filters/filter-checks";
import { createRecordFilter } from "../filters/record-filter";
import type { LogTailer } from "../log/log-tailer";
import { createPositionReader, type PositionReader } from "../log/position-reader";
import { createReplayReads, type ReplayReads } from "../log/replay-reads";
import { createWriteBatcher, type WriteBatcher } from "../transports/write-batcher";
import { encodeChange } from "../wire/encode";
import { createSealCursor } from "../wire/sealed-cursors";
import type { StreamFormat } from "../wire/stream-format";
import { type Channel, type Channels, createChannels } from "./channels";
import { type Connection, type OpenStream, type Subscription, type Transport, toConnection } from "./connection";
import { createJudgeWatch, type JudgeWatch, toStreamDependencies } from "./judge-watch";
import { createQueuePressure, type QueueHolder, type QueuePressure } from "./queue-pressure";
import { createSession, type Session, type Start } from "./session";
import { createStreamChecks, type StreamChecks } from "./stream-checks";
import { createStreamCursors, type StreamCursors, toTip } from "./stream-cursors";
import type { StreamLimits } from "./stream-limits";
import { createSubscriber, type Sink } from "./subscriber";

export interface Hub {
  /**
   * Opens a stream. When the log's position is known, it calls `connect` to open the transport and registers the stream in the same turn of the event loop, so
   * the stream misses no change that is committed after the client sees the connection. Returns undefined if `connect` does, because the client has
   * disconnected. `address` is the client's address. `format` defaults to WebSocket frames. `messageBytesMax` is the largest message that the client accepts
   * (W27); the default is no limit. `filter` is a JSONata expression: the stream gets the changes for which it is true (W13). Throws
   * `endpoint_or_key_invalid`, `too_many_streams`, `jsonata_invalid`, `jsonata_limit`, `server_busy`, `database_unavailable` and `server_shutdown`.
   */
  subscribe(request: {
    grant: Grant;
    start: Start;
    transport: Transport;
    address: string;
    format?: StreamFormat;
    messageBytesMax?: number | undefined;
    filter?: string | undefined;
    connect: () => Sink | undefined;
  }): Promise<Subscription | undefined>;
  /** The number of open streams of the endpoint. */
  subscriberCount(endpointId: string): number;
  /** Every open stream, as it is when the iteration reaches it. Streams can open and end meanwhile. */
  connections(): Iterable<Connection>;
  /** Ends the stream with the error's close code and message. Returns false if no stream has this id. */
  end(id: string, error: AppError): boolean;
  /**
   * Ends expired streams, retries what failed before, and reads the log positions of all endpoints with subscribers in one query. Settles when they are
   * known. Changes that no notification reported are then delivered in the background, as fast as each log can be read. Rejects if the database is
   * unavailable; streams stay open, and the next call tries again.
   */
  poll(): Promise<void>;
  /** Authorizes the open streams of the project again, and ends those that have lost access (W6). Never rejects: `poll` retries what fails. */
  recheck(projectId: string): Promise<void>;
  /** The same for the dashboard streams that the account opened. Call it when sign-ins of the account may have ended. */
  recheckAccount(userId: string): Promise<void>;
  /** The same for the streams whose judge reads a record of the endpoint; without `recordId`, any record. Call it when a cache of such records was emptied. */
  recheckDependents(endpointId: string, recordId?: string): void;
  /** Ends every stream with the error's close code, refuses new ones with the same error, and unsubscribes from notifications. */
  closeAll(error: AppError): void;
}

export interface HubOptions extends Pick<Parameters<typeof createChannels>[0], "now"> {
  changes: Pick<ChangeLog, "positions" | "read" | "readFor" | "findChanged">;
  snapshots: SnapshotReader;
  notifications: Pick<ChangeNotifications, "subscribe">;
  access: Pick<Access, "recheck">;
  definitions: Pick<Definitions, "watch">;
  tokens: Pick<Tokens, "watch" | "generation">;
  signIns: Pick<SignIns, "watch">;
  limits: StreamLimits;
  /** Called with the changes of records that judges depend on, before their streams are checked. It must not throw. */
  onDependencyChange?: ((notification: ChangeNotification) => void) | undefined;
  /** The secret of the deployment. It seals the cursors of streams with a judge. */
  secret: string;
  /** Evaluates the filters of streams. */
  sandbox: Pick<Sandbox, "filter">;
  clock: Clock;
  log: Pick<Log, "debug">;
  /** The limit of one subscriber's queue (W7). */
  queueBytesMax: number;
  /** The limit of all queues together (W24). */
  queuesBytesMax: number;
  /** Counts the streams by endpoint together with the other workers of this server. */
  openStreams?: SharedGauge | undefined;
  /** Counts the streams and what they are sent (G31). */
  traffic: Pick<Traffic, "entryOf">;
  /** The memory that the buffers of this process take. The default reads it from the process. */
  readHeldBytes?: () => number;
}

/** The most time between two polls that counts against a client. Polls come each second; in a longer pause the process stood still. */
const POLL_MS_MAX = 2_000;

/** Subscribes to notifications at once. The caller calls `poll` each second, and `recheck` after each invalidation of a project. */
export function createHub(options: HubOptions): Hub {
  return new StreamHub(options);
}

class StreamHub implements Hub {
  readonly #options: HubOptions;
  readonly #cursors: StreamCursors;
  readonly #positions: PositionReader;
  readonly #batcher: WriteBatcher = createWriteBatcher();
  readonly #channels: Channels;
  readonly #replays: ReplayReads;
  readonly #pressure: QueuePressure;
  readonly #onPiling = (bytes: number) => this.#pressure.note(bytes);
  readonly #filterChecks: FilterChecks;
  readonly #streams = new Map<Session, OpenStream>();
  readonly #checks: StreamChecks;
  readonly #judgeWatch: JudgeWatch;
  readonly #unsubscribe: () => void;
  #polledAt: Date | undefined;
  #closedBy: AppError | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    const seal = createSealCursor(options.secret);
    this.#cursors = createStreamCursors(seal);
    this.#positions = createPositionReader(options);
    this.#channels = createChannels({ ...options, seal, onReadError: (error) => this.#onReadError(error) });
    this.#replays = createReplayReads(options);
    this.#pressure = createQueuePressure({
      bytesMax: options.queuesBytesMax,
      list: () => this.#listQueues(),
      readHeldBytes: options.readHeldBytes ?? (() => process.memoryUsage().external),
    });
    this.#filterChecks = createFilterChecks(options);
    this.#checks = createStreamChecks({ ...options, sessions: () => this.#streams.keys() });
    this.#judgeWatch = createJudgeWatch({
      channels: this.#channels,
      locate: (endpointId, tailer) => this.#locate(endpointId, tailer),
      findChanged: (places) => options.changes.findChanged(places),
      onChange: (notification) => options.onDependencyChange?.(notification),
      check: (session) => this.#checks.recheckSoon(session),
      end: (session) => session.end(new AppError("access_changed")),
    });
    this.#unsubscribe = options.notifications.subscribe((notification) => this.#onNotification(notification));
  }

  async subscribe(request: Parameters<Hub["subscribe"]>[0]): Promise<Subscription | undefined> {
    const { grant, address } = request;
    const endpointId = grant.endpoint.id;
    if (this.#closedBy) throw this.#closedBy;
    // Streams of the dashboard have no key. They count towards their project.
    const release = this.#options.limits.take({ ownerId: grant.ownerId, keyId: grant.keyId ?? grant.projectId, address });
    const channel = this.#channels.hold(endpointId);
    let subscription: Subscription | undefined;
    try {
      if (request.filter !== undefined && !channel.hasFilter(request.filter))
        await this.#filterChecks.check(request.filter, toCallerPath(grant, address));
      const found = await this.#locate(endpointId, channel.tailer, request.start);
      if (this.#closedBy) throw this.#closedBy;
      if (found === undefined) throw new AppError("endpoint_or_key_invalid", { internal: `endpoint=${endpointId} was deleted` });
      if (request.filter !== undefined) channel.requireRoom({ onlyOwner: grant.onlyOwner, expression: request.filter });
      const sink = request.connect();
      subscription = sink && this.#open({ ...request, sink, channel, found, release });
      return subscription;
    } finally {
      if (!subscription) release();
      this.#channels.release(endpointId);
    }
  }

  subscriberCount(endpointId: string): number {
    return (this.#channels.get(endpointId)?.listenerCount() ?? 0) + (this.#options.openStreams?.others(endpointId) ?? 0);
  }

  *connections(): Iterable<Connection> {
    for (const stream of this.#streams.values()) yield toConnection(stream);
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
    this.#pressure.check();
    const elapsedMs = this.#measureElapsedMs();
    this.#checks.retry();
    const channels = this.#channels.entries();
    if (channels.length === 0) return;
    const before = channels.map(([, { tailer }]) => tailer.position());
    const places = channels.flatMap(([endpointId], index) => toPlaces(endpointId, before[index]));
    const positions = await this.#positions.read(
      channels.map(([endpointId]) => endpointId),
      places,
    );
    for (const [index, [endpointId, { tailer }]] of channels.entries()) {
      const found = positions.get(endpointId);
      if (found) this.#deliver(tailer.observe(found, before[index]));
    }
    for (const [, channel] of channels) channel.resume();
    const deleted = new Set(channels.map(([endpointId]) => endpointId).filter((endpointId) => !positions.has(endpointId)));
    this.#judgeWatch.refresh(deleted);
    for (const session of [...this.#streams.keys()]) {
      if (deleted.has(session.grant.endpoint.id)) session.end(new AppError("endpoint_deleted"));
      else {
        session.passTime(elapsedMs);
        session.resume();
      }
    }
  }

  recheck(projectId: string): Promise<void> {
    return this.#checks.recheckAll(projectId);
  }

  recheckAccount(userId: string): Promise<void> {
    return this.#checks.recheckAll(userId);
  }

  recheckDependents(endpointId: string, recordId?: string): void {
    this.#judgeWatch.recheck(endpointId, recordId);
  }

  closeAll(error: AppError): void {
    this.#closedBy = error;
    this.#unsubscribe();
    for (const session of [...this.#streams.keys()]) session.end(error);
  }

  async #locate(endpointId: string, tailer: LogTailer, start?: Start): Promise<FoundPosition | undefined> {
    const before = tailer.position();
    const places = toPlaces(endpointId, before, start?.mode === "after" ? start.cursor : undefined);
    const found = (await this.#positions.read([endpointId], places)).get(endpointId);
    if (found) this.#deliver(tailer.observe(found, before));
    return found;
  }

  #open(
    request: Omit<Parameters<Hub["subscribe"]>[0], "connect"> & { sink: Sink; channel: Channel; found: FoundPosition; release: () => void },
  ): Subscription {
    const { grant, transport, filter: expression, sink, channel, found, release } = request;
    const { judge } = grant;
    // Rules that allow only a user's own records need not be asked about those of others.
    const onlyOwner = grant.onlyOwner ?? judge?.condition?.owner;
    const { start, known } = this.#cursors.toStart(request, found);
    const format = this.#cursors.toFormat(request);
    const { clock, queueBytesMax, sandbox, traffic } = this.#options;
    const counts = traffic.entryOf(grant);
    const lane = { ownerId: grant.ownerId, endpointId: grant.endpoint.id };
    const subscriber = createSubscriber({ sink, batcher: this.#batcher, lane, queueBytesMax, counts, onPiling: this.#onPiling });
    const caller = toCallerPath(grant, request.address);
    const filter = expression === undefined ? undefined : createRecordFilter({ sandbox, expression, caller });
    const reads = this.#replays.of({ onlyOwner, caller });
    const source = channel.source({ onlyOwner, judge: judge && { judge, caller }, filter, reads });
    const tip = toTip(found, source, format);
    const session: Session = createSession({
      grant,
      onlyOwner,
      resumable: start.mode !== "plain",
      format,
      encode: judge ? channel.encodeSealed : encodeChange,
      tip,
      tailerPosition: () => source.position(),
      reads: source.reads ?? reads,
      subscriber,
      onEnd: () => this.#forget(session),
      onReadError: (error) => this.#onReadError(error),
    });
    const unwatch = this.#watch(grant);
    this.#streams.set(session, {
      id: randomUUID(),
      session,
      subscriber,
      transport,
      filter: expression,
      openedAt: clock.now(),
      openedSeq: tip.seq,
      release: () => {
        unwatch();
        this.#judgeWatch.remove(session);
        release();
        source.remove(session);
        this.#options.openStreams?.add(grant.endpoint.id, -1);
        counts.closeStream();
      },
    });
    source.add(session);
    if (judge) this.#judgeWatch.add(session, toStreamDependencies(judge, source.dependencies));
    this.#options.openStreams?.add(grant.endpoint.id, 1);
    counts.openStream();
    // The stream is registered before it begins, so that it can be ended at once.
    session.begin(start, known);
    // A token that was revoked while the stream was being opened is not reported again.
    if (grant.user && grant.evidence.tokenGeneration !== this.#options.tokens.generation()) this.#checks.recheckSoon(session);
    return { sendHeartbeat: () => session.sendHeartbeat(), end: (error) => session.end(error), closed: () => session.end() };
  }

  #watch({ projectId, user, signIn, evidence }: Grant): () => void {
    const { definitions, tokens, signIns } = this.#options;
    const unwatchDefinitions = definitions.watch({ id: projectId, revision: evidence.revision });
    const unwatchTokens = user ? tokens.watch(projectId) : undefined;
    const unwatchSignIn = signIn && signIns.watch(signIn);
    return () => {
      unwatchDefinitions();
      unwatchTokens?.();
      unwatchSignIn?.();
    };
  }

  #forget(session: Session): void {
    this.#streams.get(session)?.release();
    this.#streams.delete(session);
    this.#channels.dropIfUnused(session.grant.endpoint.id);
  }

  #onNotification(notification: ChangeNotification): void {
    switch (notification.kind) {
      case "changes":
        for (const [endpointId, changes] of groupByEndpoint(notification.changes)) {
          const channel = this.#channels.get(endpointId);
          if (channel) this.#deliver(channel.tailer.offer(changes));
        }
        return;
      case "endpoint": {
        const channel = this.#channels.get(notification.endpointId);
        if (channel) this.#deliver(this.#locate(notification.endpointId, channel.tailer));
        return;
      }
      case "unknown":
        this.#deliver(this.poll());
        return;
      default:
        notification satisfies never;
    }
  }

  #deliver(delivery: Promise<unknown>): void {
    delivery.catch((error: unknown) => this.#onReadError(error));
  }

  /** Only logs: the next poll retries, and reports that the database is unavailable. */
  #onReadError(error: unknown): void {
    this.#options.log.debug({ err: error }, "the change log could not be read");
  }

  *#listQueues(): Iterable<QueueHolder> {
    for (const { session, subscriber } of this.#streams.values()) {
      const cutOff = () => {
        session.end();
        subscriber.cutOff();
      };
      yield { ownerId: session.grant.ownerId, backlogBytes: subscriber.pilingBytes(), cutOff };
    }
  }

  /** The time since the last poll, but at most `POLL_MS_MAX`: while the process stands still, clients cannot show that they read. */
  #measureElapsedMs(): number {
    const now = this.#options.clock.now();
    const elapsedMs = now.getTime() - (this.#polledAt ?? now).getTime();
    this.#polledAt = now;
    return Math.min(Math.max(elapsedMs, 0), POLL_MS_MAX);
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

/** The places whose changes are compared with those of the log. Place 0 has no change. */
function toPlaces(endpointId: string, ...positions: (LogPosition | undefined)[]): LogPlace[] {
  return positions.flatMap((position) => (position && position.seq > 0 ? [{ endpointId, seq: position.seq }] : []));
}
