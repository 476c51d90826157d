/** The registry of open streams: brings notifications and polls to the tailers, and ends the streams that lost access. It must not know transports. */
import { randomUUID } from "node:crypto";
import type { Access, Grant } from "@/src/core/access/access";
import type { Tokens } from "@/src/core/access/access-tokens";
import { toCallerPath } from "@/src/core/access/caller-path";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
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
import { AppError } from "@/src/shared/errors";
import { toEpoch } from "@/src/shared/streams/cursor";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import { groupByEndpoint } from "../cluster/notifications";
import { createFilterChecks, type FilterChecks } from "../filters/filter-checks";
import { createRecordFilter } from "../filters/record-filter";
import { toUploadBoundary } from "../log/delivered-position";
import type { LogTailer } from "../log/log-tailer";
import { createPositionReader, type PositionReader } from "../log/position-reader";
import { createReplayReads, type ReplayReads } from "../log/replay-reads";
import { createWriteBatcher, type WriteBatcher } from "../transports/write-batcher";
import { limitFormat } from "../wire/message-limit";
import { CURSOR_FRAMES, PLAIN_FRAMES, type StreamFormat } from "../wire/stream-format";
import { type ChangeSource, type Channel, type Channels, createChannels } from "./channels";
import { type Connection, type OpenStream, type Subscription, type Transport, toConnection } from "./connection";
import { createQueuePressure, type QueueHolder, type QueuePressure } from "./queue-pressure";
import { createRecheckQueue, type RecheckQueue } from "./recheck-queue";
import { createSession, type Session, type Start } from "./session";
import type { StreamLimits } from "./stream-limits";
import { createSubscriber, type Sink } from "./subscriber";

export interface Hub {
  /**
   * Opens a stream. Once the log's position is known, `connect` is called to open the transport, and in the same turn the stream is registered:
   * no change that is committed after the client can know of its connection is missed. Undefined when `connect` answers undefined (the client
   * has gone meanwhile). `address`: the client's; `format`: default WebSocket frames; `messageBytesMax`: what the client takes in one message (W27), default anything; `filter`: the JSONata expression that must be true of what it
   * hears (W13). Raises `endpoint_or_key_invalid`, `too_many_streams`, `jsonata_invalid`, `jsonata_limit`, `server_busy`, `database_unavailable`,
   * `server_shutdown`.
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
  /** How many streams of the endpoint are open. */
  subscriberCount(endpointId: string): number;
  /** Every open stream, as it is when it is its turn: streams may open and end while the list is read. */
  connections(): Iterable<Connection>;
  /** Ends the stream with the error's close code and message; false: there is none of this id. */
  end(id: string, error: AppError): boolean;
  /**
   * Ends expired streams, repeats what failed before, and reads where the logs of all endpoints with subscribers stand, in one query. Settles when that
   * is known; what notifications have not told is then delivered as fast as each endpoint's log can be read, and nothing waits for it. Rejects when the database
   * is away (streams stay open, the next call tries again).
   */
  poll(): Promise<void>;
  /** Looks again whether the project's open streams are allowed, and ends those that are not (W6). Never rejects: what can't be known now is asked again by `poll`. */
  recheck(projectId: string): Promise<void>;
  /** The same for the streams of the dashboard that an account opened, after sign-ins of it may have ended. */
  recheckAccount(userId: string): Promise<void>;
  /** Ends every stream with the error's close code, and refuses new ones with the same error. ChangeNotifications are no longer heard. */
  closeAll(error: AppError): void;
}

export interface HubOptions {
  changes: Pick<ChangeLog, "positions" | "read" | "readFor">;
  snapshots: SnapshotReader;
  notifications: Pick<ChangeNotifications, "subscribe">;
  access: Pick<Access, "recheck">;
  definitions: Pick<Definitions, "watch">;
  tokens: Pick<Tokens, "watch" | "generation">;
  signIns: Pick<SignIns, "watch">;
  limits: StreamLimits;
  /** Judges what streams with a filter hear. */
  sandbox: Pick<Sandbox, "filter">;
  clock: Clock;
  log: Pick<Log, "debug">;
  /** What one subscriber may have waiting (W7). */
  queueBytesMax: number;
  /** What all of them together may have waiting (W24). */
  queuesBytesMax: number;
  /** The memory that buffers take in this process; tests have their own. */
  readHeldBytes?: () => number;
}

/** Polls come each second; what is between two of them beyond this is no time in which clients could have read. */
const POLL_MS_MAX = 2_000;

/** Listens to notifications at once. `poll` is the caller's to call each second, `recheck` after each invalidation of a project. */
export function createHub(options: HubOptions): Hub {
  return new StreamHub(options);
}

class StreamHub implements Hub {
  readonly #options: HubOptions;
  readonly #positions: PositionReader;
  readonly #batcher: WriteBatcher = createWriteBatcher();
  readonly #channels: Channels;
  readonly #replays: ReplayReads;
  readonly #pressure: QueuePressure;
  readonly #onPiling = (bytes: number) => this.#pressure.note(bytes);
  readonly #filterChecks: FilterChecks;
  readonly #streams = new Map<Session, OpenStream>();
  readonly #rechecks: RecheckQueue;
  /** Projects whose recheck failed. */
  readonly #uncheckedProjectIds = new Set<string>();
  readonly #unsubscribe: () => void;
  #polledAt: Date | undefined;
  #closedBy: AppError | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#positions = createPositionReader(options);
    this.#channels = createChannels({ ...options, onReadError: (error) => this.#onReadError(error) });
    this.#replays = createReplayReads(options);
    this.#pressure = createQueuePressure({
      bytesMax: options.queuesBytesMax,
      list: () => this.#listQueues(),
      readHeldBytes: options.readHeldBytes ?? (() => process.memoryUsage().external),
    });
    this.#filterChecks = createFilterChecks(options);
    this.#rechecks = createRecheckQueue((id) => this.#recheckAll(id));
    this.#unsubscribe = options.notifications.subscribe((notification) => this.#onNotification(notification));
  }

  async subscribe(request: Parameters<Hub["subscribe"]>[0]): Promise<Subscription | undefined> {
    const { grant, address } = request;
    const endpointId = grant.endpoint.id;
    if (this.#closedBy) throw this.#closedBy;
    // The dashboard's streams have no key: they count for their project.
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
    return this.#channels.get(endpointId)?.listenerCount() ?? 0;
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
    for (const projectId of [...this.#uncheckedProjectIds]) void this.recheck(projectId);
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
    const gone = new Set(channels.map(([endpointId]) => endpointId).filter((endpointId) => !positions.has(endpointId)));
    for (const session of [...this.#streams.keys()]) {
      if (gone.has(session.grant.endpoint.id)) session.end(new AppError("endpoint_deleted"));
      else {
        session.passTime(elapsedMs);
        session.resume();
      }
    }
  }

  recheck(projectId: string): Promise<void> {
    return this.#rechecks.add(projectId);
  }

  recheckAccount(userId: string): Promise<void> {
    return this.#rechecks.add(userId);
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
    const { grant, start, transport, filter: expression, sink, channel, found, release } = request;
    const { onlyOwner } = grant;
    const format = toFormat(request);
    const { clock, queueBytesMax, sandbox } = this.#options;
    const subscriber = createSubscriber({ sink, batcher: this.#batcher, queueBytesMax, onPiling: this.#onPiling });
    const caller = toCallerPath(grant, request.address);
    const filter = expression === undefined ? undefined : createRecordFilter({ sandbox, expression, caller });
    const reads = this.#replays.of({ onlyOwner, caller });
    const source = channel.source({ onlyOwner, filter, reads });
    const tip = toTip(found, source, format);
    const session: Session = createSession({
      grant,
      resumable: start.mode !== "plain",
      format,
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
        release();
        source.remove(session);
      },
    });
    source.add(session);
    // Registered before, so that whatever ends the stream at its very beginning finds it.
    session.begin(start, start.mode === "after" ? found.proofs.get(start.cursor.seq) : undefined);
    // What ended a token while the stream was being opened has been told already.
    if (grant.user && grant.evidence.tokenGeneration !== this.#options.tokens.generation()) void this.#recheckSession(session);
    return { beat: () => session.beat(), end: (error) => session.end(error), closed: () => session.end() };
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

  /** Those of a project, or of an account: both are UUIDs. */
  async #recheckAll(id: string): Promise<void> {
    this.#uncheckedProjectIds.delete(id);
    const sessions = [...this.#streams.keys()].filter(({ grant }) => grant.projectId === id || grant.signIn?.userId === id);
    await Promise.all(sessions.map((session) => this.#recheckSession(session)));
  }

  async #recheckSession(session: Session): Promise<void> {
    try {
      const problem = await this.#options.access.recheck(session.grant);
      if (problem) session.end(problem);
    } catch (error) {
      this.#uncheckedProjectIds.add(session.grant.projectId);
      this.#options.log.debug({ err: error }, "the access of open streams could not be checked");
    }
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

  /** No more than a note: the next poll repeats what failed, and reports that the database is away. */
  #onReadError(error: unknown): void {
    this.#options.log.debug({ err: error }, "the change log could not be read");
  }

  *#listQueues(): Iterable<QueueHolder> {
    for (const { session, subscriber } of this.#streams.values()) {
      const cutOff = () => {
        session.end();
        subscriber.cutOff();
      };
      yield { ownerId: session.grant.ownerId, backlogBytes: subscriber.backlogBytes(), cutOff };
    }
  }

  /** How much time passed since the last poll. Of a standstill of the process only a little counts: clients could not show that they read. */
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

function toFormat({ format, start, messageBytesMax, grant }: Omit<Parameters<Hub["subscribe"]>[0], "connect">): StreamFormat {
  const whole = format ?? (start.mode === "plain" ? PLAIN_FRAMES : CURSOR_FRAMES);
  if (messageBytesMax === undefined) return whole;
  return limitFormat(whole, { bytesMax: messageBytesMax, path: toEndpointPath(grant.endpoint.name) });
}

/** The places whose changes are compared with those of the log; before the first change there is none. */
function toPlaces(endpointId: string, ...positions: (LogPosition | undefined)[]): LogPlace[] {
  return positions.flatMap((position) => (position && position.seq > 0 ? [{ endpointId, seq: position.seq }] : []));
}

/** Where the log stands at least: more may have been delivered than a query saw. It is not within an upload that is one message. */
function toTip(found: LogPosition, source: ChangeSource, format: StreamFormat): LogPosition {
  const position = source.position();
  const tip = { epoch: toEpoch(found.epoch), seq: found.seq, proof: found.proof };
  if (position?.epoch !== tip.epoch || position.seq <= tip.seq) return tip;
  return format.joinsUploads ? toUploadBoundary(position) : position;
}
