/** One subscriber's stream of one endpoint: its place in the log, and whether it replays, is live or ends. */
import type { Grant } from "@/src/core/access/access";
import type { Change } from "@/src/core/records/ports";
import { positionOf } from "@/src/core/streams/change-proof";
import type { HiddenChange, LogPosition } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import type { Cursor } from "@/src/shared/streams/cursor";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import type { FeedListener } from "../filters/filtered-feed";
import { FilterFailedError, type StreamReads } from "../filters/filtered-reads";
import type { FilterFailure } from "../filters/kept-changes";
import { type ChangeBatch, createChangeBatch } from "../log/change-batch";
import { type DeliveredPosition, toUploadBoundary } from "../log/delivered-position";
import type { TailerReset } from "../log/listener-index";
import { PAGE_LIMIT_FIRST, toNextPageLimit } from "../log/page-size";
import { createSnapshot, type Snapshot } from "../log/snapshot";
import type { Encode, EncodedChange } from "../wire/encode";
import type { StreamFormat } from "../wire/stream-format";
import type { Subscriber } from "./subscriber";

/** Where a client asked to start. `plain` sends changes only (W2); the others are the resumable mode (W9). `snapshot` sends the records first (W11). */
export type Start = { mode: "plain"; snapshot?: boolean } | { mode: "now"; snapshot?: boolean } | { mode: "after"; cursor: Cursor };

/** `at` is the place up to which changes have been queued for the client. A live stream has also been sent what it may read of the changes delivered since. */
export type SessionState =
  | { state: "replaying"; at: Cursor; reading: boolean }
  | { state: "live"; at: Cursor }
  | { state: "ending"; error: AppError | undefined };

export interface Session extends FeedListener {
  readonly grant: Grant;
  readonly resumable: boolean;
  state(): SessionState;
  /**
   * Begins at `start`. `known` is the proof of the change at the cursor in the log (W26); undefined if the log no longer has it. Call this once, after the
   * session is registered: it can end at once.
   */
  begin(start: Start, known?: string): void;
  /** Continues a replay that a failure stopped; otherwise does nothing. Call it periodically. */
  resume(): void;
  /** Adds the time since the last call. A client that is behind and has taken no bytes for 30 s is ended with `slow_consumer` (W7). */
  passTime(ms: number): void;
  /** In resumable mode, sends a heartbeat with the cursor (W9). */
  sendHeartbeat(): void;
  /** Ends the stream with the error's close code and message. Without an error, the client has disconnected. Later calls do nothing. */
  end(error?: AppError): void;
}

/** How long a client that is behind may take no bytes. */
const STALL_MS_MAX = 30_000;

/** Shared by all sessions, since nearly always there are no such changes. */
const NONE: readonly Change[] = [];

export interface SessionOptions {
  grant: Grant;
  /** The user whose records alone the stream can receive. Undefined: all records. */
  onlyOwner: string | undefined;
  resumable: boolean;
  format: StreamFormat;
  encode: Encode;
  tip: LogPosition;
  tailerPosition: () => DeliveredPosition | undefined;
  reads: StreamReads;
  subscriber: Subscriber;
  onEnd: (session: Session) => void;
  /** Called when the log cannot be read. The replay continues at the next `resume`. */
  onReadError: (error: unknown) => void;
}

/**
 * A session for a log whose position is `tip`. The caller adds it to the log tailer and calls `begin` in the same turn of the event loop, since the tailer
 * delivers from `tip` on. `tailerPosition` returns the position up to which the tailer has delivered. A stream with a filter uses the filter's feed instead of
 * the tailer, and reads through the filter.
 */
export function createSession(options: SessionOptions): Session {
  return new StreamSession(options);
}

/** A class, so that tens of thousands of sessions share their methods. */
class StreamSession implements Session {
  readonly grant: Grant;
  readonly onlyOwner: string | undefined;
  readonly resumable: boolean;
  readonly #format: StreamFormat;
  readonly #subscriber: Subscriber;
  readonly #options: Pick<SessionOptions, "encode" | "tip" | "tailerPosition" | "reads" | "onEnd" | "onReadError">;
  #phase: SessionState["state"] = "live";
  /** Each move creates a new object. */
  #at: Cursor;
  #isReading = false;
  /** A replay was requested while the one before was about to end. */
  #isReadAgain = false;
  /** For a client that is behind: the bytes that it had taken at the last check, and for how long it has taken no more. */
  #takenBytes = 0;
  #stalledMs = 0;
  #endedBy: AppError | undefined;
  /** The changes that a replay has read of an upload that is sent as one message, until it has read the last one. */
  #begun: readonly Change[] = NONE;
  /** The seq up to which the log was read with them. */
  #begunTo = 0;
  #snapshot: Snapshot | undefined;

  constructor({ grant, onlyOwner, resumable, format, subscriber, ...options }: SessionOptions) {
    this.grant = grant;
    this.onlyOwner = onlyOwner;
    this.resumable = resumable;
    this.#format = format;
    this.#subscriber = subscriber;
    this.#options = options;
    this.#at = options.tip;
  }

  state(): SessionState {
    if (this.#phase === "replaying") return { state: this.#phase, at: this.#at, reading: this.#isReading };
    return this.#phase === "live" ? { state: this.#phase, at: this.#at } : { state: this.#phase, error: this.#endedBy };
  }

  onChanges(batch: ChangeBatch): void {
    // A replay reads the changes from the log.
    if (this.#phase !== "live") return;
    const [first] = batch.encoded;
    const oldest = this.#format.joinsUploads ? first?.upload[0] : first?.change;
    if (this.#snapshot === undefined && (oldest?.seq ?? 0) > this.#at.seq) this.#takeBatch(batch);
    else this.#takeEach(batch);
  }

  onReset({ from, to, reason }: TailerReset): void {
    if (this.#phase === "ending") return;
    // A replay finds expired changes when it gets there, and a stream ahead of the tailer has them already.
    if (reason === "expired" && (this.#phase === "replaying" || this.#at.seq >= to.seq)) return;
    if (this.#hasRecords()) this.#skip(this.#reached(from), to, reason);
    else this.#endReplaced();
  }

  onFilterFailed({ error, seq }: FilterFailure): void {
    // A replay finds the failure when it gets there. A stream that began after the change is not affected.
    if (this.#phase === "live" && this.#at.seq < seq) this.end(error);
  }

  resume(): void {
    if (this.#phase !== "replaying" || this.#isReading) return;
    this.#isReading = true;
    this.#isReadAgain = false;
    this.#replay()
      .catch((error) => {
        if (error instanceof FilterFailedError) this.end(error.reason);
        else if (this.#phase === "replaying") this.#options.onReadError(error);
      })
      .finally(() => {
        this.#isReading = false;
        if (this.#isReadAgain) this.resume();
      });
  }

  passTime(ms: number): void {
    if (this.#phase !== "replaying") return;
    const takenBytes = this.#subscriber.takenBytes();
    const isStalled = takenBytes === this.#takenBytes && this.#subscriber.backlogBytes() > 0;
    this.#takenBytes = takenBytes;
    this.#stalledMs = isStalled ? this.#stalledMs + ms : 0;
    if (this.#stalledMs >= STALL_MS_MAX) this.#endSlow();
  }

  sendHeartbeat(): void {
    if (!this.resumable || !this.#hasRecords() || this.#phase === "ending") return;
    // A heartbeat that does not fit is dropped: the messages in the queue carry later cursors.
    this.#subscriber.enqueue(this.#format.heartbeat(this.#reached(this.#options.tailerPosition())));
  }

  end(error?: AppError): void {
    if (this.#phase === "ending") return;
    this.#phase = "ending";
    this.#endedBy = error;
    this.#options.onEnd(this);
    if (error) this.#subscriber.end(error);
  }

  begin(start: Start, known?: string): void {
    const { tip } = this.#options;
    switch (start.mode) {
      case "plain":
        if (start.snapshot) this.#beginSnapshot();
        return;
      case "now":
        this.#subscriber.enqueueAlways(this.#format.ready(start.snapshot ? undefined : tip));
        if (start.snapshot) this.#beginSnapshot();
        return;
      case "after":
        // The cursor is not the tip: a client that stores the tip and disconnects during the replay would miss the rest.
        this.#subscriber.enqueueAlways(this.#format.ready(start.cursor));
        if (start.cursor.epoch !== tip.epoch) this.#skip(start.cursor, tip, "epoch_changed");
        else if (start.cursor.seq > tip.seq || isDisproved(start.cursor, known)) this.#skip(start.cursor, tip, "log_rewound");
        else if (start.cursor.seq < tip.seq) this.#replayFrom(start.cursor);
        return;
      default:
        start satisfies never;
    }
  }

  /** Sends the records first, then the log from here on. */
  #beginSnapshot(): void {
    const { tip, reads } = this.#options;
    this.#snapshot = createSnapshot({
      snapshots: reads.snapshots,
      endpointId: this.grant.endpoint.id,
      owner: this.onlyOwner,
      from: tip,
      subscriber: this.#subscriber,
      toBytes: (items, isLast) => this.#format.snapshot(items, isLast ? tip : undefined),
      isWanted: () => this.#phase === "replaying",
    });
    this.#replayFrom(tip);
  }

  #replayFrom(cursor: Cursor): void {
    this.#phase = "replaying";
    this.#takenBytes = this.#subscriber.takenBytes();
    this.#stalledMs = 0;
    this.#moveTo(cursor);
    if (this.#isReading) this.#isReadAgain = true;
    else this.resume();
  }

  /** The client reads too slowly. A resumable stream continues from the log, which has what did not fit. A plain stream ends. */
  #fallBehind(from: Cursor): void {
    if (this.resumable) this.#replayFrom(from);
    else this.#endSlow();
  }

  /** Drops the queue, so that the client gets the reason after the bytes that are already on their way. */
  #endSlow(): void {
    this.#subscriber.discard();
    this.end(new AppError("slow_consumer"));
  }

  /** The log was replaced while the snapshot was being read, so the client must start over. */
  #endReplaced(): void {
    this.end(new AppError("database_unavailable", { internal: "the log was replaced while a snapshot was being read" }));
  }

  /** Whether the client has all records of the snapshot. The stream has no place before that. */
  #hasRecords(): boolean {
    return this.#snapshot?.isComplete() ?? true;
  }

  #skip(from: Cursor, to: LogPosition, reason: GapReason): void {
    this.#snapshot = undefined;
    this.#phase = "live";
    this.#moveTo(to);
    if (this.resumable) this.#subscriber.enqueueAlways(this.#format.gap({ from, to, reason }));
  }

  /** Reads the log up to the tailer's position, from which the tailer delivers. It reads at the client's pace, and holds no page while it waits. */
  async #replay(): Promise<void> {
    const outcome = await this.#snapshot?.send();
    if (outcome === "replaced") this.#endReplaced();
    if (outcome === "replaced" || outcome === "stopped") return;
    let limit = PAGE_LIMIT_FIRST;
    while (this.#phase === "replaying") {
      const from = this.#at;
      const tailed = this.#options.tailerPosition();
      if (tailed === undefined) return;
      const end = this.#toPlace(tailed);
      if (from.seq >= end.seq) {
        this.#phase = "live";
        this.#begun = NONE;
        return;
      }
      if (this.#subscriber.isBusy()) {
        await this.#subscriber.writable();
        // The transport has ended, and will report that.
        if (this.#subscriber.isBusy()) return;
        continue;
      }
      const page = await this.#options.reads.readLog(this.grant.endpoint.id, this.#readUpTo(), limit);
      limit = toNextPageLimit(page, limit, this.#subscriber.pageBytes);
      if (!this.#isAt(from)) continue;
      if (page.length === 0) this.#replayGap(end.seq >= this.#readUpTo() ? end : { epoch: end.epoch, seq: this.#readUpTo() });
      // Changes that did not fit are read again later. Held for thousands of slow clients, they would fill the memory.
      if (!this.#replayPage(page)) await this.#subscriber.writable();
    }
  }

  /**
   * Changes that the client may not read or that its filter leaves out keep their places, so only expired changes make a gap. Returns false if the rest must
   * wait until the client has taken what it was sent.
   */
  #replayPage(page: readonly (Change | HiddenChange)[]): boolean {
    for (const change of page) {
      if (this.#phase === "replaying" && change.seq > this.#readUpTo() + 1) this.#replayGap({ epoch: this.#at.epoch, seq: change.seq - 1 });
      if (this.#phase !== "replaying") return true;
      if (!this.#replayChange(change)) return false;
    }
    return true;
  }

  /** Returns false if there is no room for the change. */
  #replayChange(change: Change | HiddenChange): boolean {
    const { epoch } = this.#at;
    if ("hidden" in change && this.#begun.length > 0) {
      this.#begunTo = change.seq;
      return true;
    }
    if ("hidden" in change || this.#snapshot?.covers(change)) {
      this.#moveTo(positionOf(change, epoch));
      return true;
    }
    const upload = [...this.#begun, change];
    if (this.#format.joinsUploads && change.remainingInUpload !== undefined) {
      this.#begun = upload;
      this.#begunTo = change.seq;
      return true;
    }
    const encoded = this.#options.encode(change, upload);
    const frame = this.#format.change(encoded, epoch);
    // The place advances only after enqueueing, so that a failure sends again and never skips.
    if (this.#subscriber.isCrowdedBy(frame) || !this.#subscriber.enqueue(frame, upload.length)) return false;
    this.#moveTo(encoded.position(epoch));
    return true;
  }

  /** The seq up to which the log was read. Changes of an incomplete upload have been read, but not queued. */
  #readUpTo(): number {
    return this.#begun.length > 0 ? this.#begunTo : this.#at.seq;
  }

  /** A plain stream has no GAP message. If changes expired during its snapshot, the stream ends. */
  #replayGap(to: LogPosition): void {
    if (!this.resumable) {
      this.end(new AppError("slow_consumer"));
      return;
    }
    this.#subscriber.enqueueAlways(this.#format.gap({ from: this.#at, to, reason: "expired" }));
    this.#moveTo(to);
  }

  #moveTo(cursor: Cursor): void {
    this.#begun = NONE;
    this.#at = cursor;
  }

  #isAt(cursor: Cursor): boolean {
    return this.#phase === "replaying" && this.#at === cursor;
  }

  /** Sends the whole batch at once. All of it is new to the client, and streams of the same format share the bytes. */
  #takeBatch(batch: ChangeBatch): void {
    const bytes = batch.toBytes(this.#format);
    if (bytes !== undefined && !this.#subscriber.enqueue(bytes, batch.encoded.length)) {
      // Changes before the batch that it may not read, or that its filter leaves out, need not be read again.
      this.#fallBehind(this.#reached(batch.before));
    } else this.#moveTo(this.#reached(batch.position));
  }

  /** Sends the changes that the client does not have. A replay ahead of the tailer has sent some already, and some were in the snapshot. */
  #takeEach({ encoded, position: { epoch } }: ChangeBatch): void {
    for (const each of encoded) {
      if (this.#phase !== "live" || each.change.seq <= this.#at.seq) continue;
      const position = each.position(epoch);
      if (this.#snapshot?.covers(each.change)) this.#moveTo(position);
      else if (!this.#format.joinsUploads || each.change.remainingInUpload === undefined)
        this.#takeBatch(createChangeBatch([this.#toUnsent(each)], position));
    }
    if (this.#snapshot?.isPassed()) this.#snapshot = undefined;
  }

  /** Removes the files of the upload that the client has. It has some if its cursor is from a stream that sends each file as a message. */
  #toUnsent(encoded: EncodedChange): EncodedChange {
    const { change, upload } = encoded;
    if ((upload[0]?.seq ?? 0) > this.#at.seq) return encoded;
    return this.#options.encode(
      change,
      upload.filter(({ seq }) => seq > this.#at.seq),
    );
  }

  /** The place up to which all that the client may read has been queued. A live stream is at the tailer's place, even if its last change was earlier. */
  #reached(tailed: DeliveredPosition | undefined): Cursor {
    const place = tailed && this.#toPlace(tailed);
    // At the same place, the tailer's position has a proof that the client's cursor may lack.
    const isAhead = place?.epoch === this.#at.epoch && place.seq >= this.#at.seq;
    return this.#phase === "live" && isAhead ? place : this.#at;
  }

  /** The place of a live client when the tailer is at `position`. In the middle of an upload that is sent as one message, this is the place before it. */
  #toPlace(position: DeliveredPosition): LogPosition {
    return this.#format.joinsUploads ? toUploadBoundary(position) : position;
  }
}

/** Whether the log has another change at the cursor (W26). Cursors of older versions have no proof, and the proof of a change that expired long ago is unknown. */
function isDisproved({ proof }: Cursor, known: string | undefined): boolean {
  return proof !== undefined && known !== undefined && proof !== known;
}
