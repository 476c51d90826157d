/** One subscriber's view of one endpoint: where it stands, whether it replays, is live or ends. It must not know the transport. */
import type { Grant } from "@/src/core/access/access";
import type { Change } from "@/src/core/records/ports";
import { positionOf } from "@/src/core/streams/change-proof";
import type { HiddenChange, LogPosition } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import type { Cursor } from "@/src/shared/streams/cursor";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import type { FeedListener } from "../filters/filtered-feed";
import { FilterFailedError, type StreamReads } from "../filters/filtered-reads";
import type { FilterFailure } from "../filters/record-filter";
import { type ChangeBatch, createChangeBatch } from "../log/change-batch";
import { type DeliveredPosition, toUploadBoundary } from "../log/delivered-position";
import type { TailerReset } from "../log/listener-index";
import { PAGE_LIMIT_FIRST, toNextPageLimit } from "../log/page-size";
import { createSnapshot, type Snapshot } from "../log/snapshot";
import { type EncodedChange, encodeChange } from "../wire/encode";
import type { StreamFormat } from "../wire/stream-format";
import type { Subscriber } from "./subscriber";

/** What a client asked for. `plain`: changes and nothing else (W2). The others are the resumable mode (W9). `snapshot`: the records first (W11). */
export type Start = { mode: "plain"; snapshot?: boolean } | { mode: "now"; snapshot?: boolean } | { mode: "after"; cursor: Cursor };

/** `at`: up to where changes have been queued for the client. A live one has also been sent what the tailer delivered since, if it may read it. */
export type SessionState =
  | { state: "replaying"; at: Cursor; reading: boolean }
  | { state: "live"; at: Cursor }
  | { state: "ending"; error: AppError | undefined };

export interface Session extends FeedListener {
  readonly grant: Grant;
  readonly resumable: boolean;
  state(): SessionState;
  /**
   * Begins at `start`. `known`: the proof of the change that the log has at the cursor (W26); undefined: it is no longer known. Call it once, when the
   * session can be found by whatever ends it: it may end at once.
   */
  begin(start: Start, known?: string): void;
  /** Reads on in the log where a failure stopped the replay. Call it now and then; it does nothing when there is nothing to do. */
  resume(): void;
  /** So much time has passed since the last call: a client that is behind, and took nothing for 30 s in all, is ended with `slow_consumer` (W7). */
  passTime(ms: number): void;
  /** In resumable mode, sends a sign of life with the cursor (W9). */
  beat(): void;
  /** Ends the client with the error's close code and message; without an error the client has gone. The first call counts. */
  end(error?: AppError): void;
}

/** A client that is behind may take nothing for so long. */
const STALL_MS_MAX = 30_000;

/** Shared: nearly always there are none. */
const NONE: readonly Change[] = [];

export interface SessionOptions {
  grant: Grant;
  resumable: boolean;
  format: StreamFormat;
  tip: LogPosition;
  tailerPosition: () => DeliveredPosition | undefined;
  reads: StreamReads;
  subscriber: Subscriber;
  onEnd: (session: Session) => void;
  /** Hears that the log can't be read now; the replay goes on at the next `resume`. */
  onReadError: (error: unknown) => void;
}

/**
 * A session for a log that stands at `tip`. The caller adds it to the tailer and lets it begin in the same turn of the event loop:
 * from `tip` on the tailer delivers. `tailerPosition` answers up to where the tailer has delivered. A stream with a filter has its feed in place of a tailer, and reads through the filter.
 */
export function createSession(options: SessionOptions): Session {
  return new StreamSession(options);
}

/** A class, because there are tens of thousands: they share their methods. */
class StreamSession implements Session {
  readonly grant: Grant;
  readonly onlyOwner: string | undefined;
  readonly resumable: boolean;
  readonly #format: StreamFormat;
  readonly #subscriber: Subscriber;
  readonly #options: Pick<SessionOptions, "tip" | "tailerPosition" | "reads" | "onEnd" | "onReadError">;
  #phase: SessionState["state"] = "live";
  /** Every move makes another object. */
  #at: Cursor;
  #isReading = false;
  /** A replay was asked for while the one before was about to end. */
  #isReadAgain = false;
  /** Of a client that is behind: what it had taken when it was last looked at, and for how long it has taken nothing since. */
  #takenBytes = 0;
  #stalledMs = 0;
  #endedBy: AppError | undefined;
  /** Changes of an upload that goes out as one message, whose last one is still to come: those that a replay has read. */
  #begun: readonly Change[] = NONE;
  /** Up to where the log was read with them. */
  #begunTo = 0;
  #snapshot: Snapshot | undefined;

  constructor({ grant, resumable, format, subscriber, ...options }: SessionOptions) {
    this.grant = grant;
    this.onlyOwner = grant.onlyOwner;
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
    // While it replays the log has the changes.
    if (this.#phase !== "live") return;
    const [first] = batch.encoded;
    const oldest = this.#format.joinsUploads ? first?.upload[0] : first?.change;
    if (this.#snapshot === undefined && (oldest?.seq ?? 0) > this.#at.seq) this.#takeBatch(batch);
    else this.#takeEach(batch);
  }

  onReset({ from, to, reason }: TailerReset): void {
    if (this.#phase === "ending") return;
    // Of what is no longer kept a replay hears when it gets there, and who is ahead of the tailer has it.
    if (reason === "expired" && (this.#phase === "replaying" || this.#at.seq >= to.seq)) return;
    if (this.#hasRecords()) this.#skip(this.#reached(from), to, reason);
    else this.#endReplaced();
  }

  onFilterFailed({ error, seq }: FilterFailure): void {
    // A replay finds it when it gets there, and who began after it is not concerned.
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

  beat(): void {
    if (!this.resumable || !this.#hasRecords() || this.#phase === "ending") return;
    // One that does not fit is left out: what waits says more.
    this.#subscriber.enqueue(this.#format.beat(this.#reached(this.#options.tailerPosition())));
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
        // Not the tip: a client that stores it and goes away before the rest has come would miss that.
        this.#subscriber.enqueueAlways(this.#format.ready(start.cursor));
        if (start.cursor.epoch !== tip.epoch) this.#skip(start.cursor, tip, "epoch_changed");
        else if (start.cursor.seq > tip.seq || isDisproved(start.cursor, known)) this.#skip(start.cursor, tip, "log_rewound");
        else if (start.cursor.seq < tip.seq) this.#replayFrom(start.cursor);
        return;
      default:
        start satisfies never;
    }
  }

  /** The records first; then the log from here on. */
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

  /** The client reads more slowly than changes come. What did not fit is in the log; only a client without cursors can't be sent on from there. */
  #fallBehind(from: Cursor): void {
    if (this.resumable) this.#replayFrom(from);
    else this.#endSlow();
  }

  /** The client would have to read all that is queued first; it gets what is on its way, and the reason. */
  #endSlow(): void {
    this.#subscriber.discard();
    this.end(new AppError("slow_consumer"));
  }

  /** What the client has of a snapshot is of a log that is no more: it shall begin anew. */
  #endReplaced(): void {
    this.end(new AppError("database_unavailable", { internal: "the log was replaced while a snapshot was read" }));
  }

  /** Whether the client has the records that it asked for; only then has its stream a place. */
  #hasRecords(): boolean {
    return this.#snapshot?.isComplete() ?? true;
  }

  #skip(from: Cursor, to: LogPosition, reason: GapReason): void {
    this.#snapshot = undefined;
    this.#phase = "live";
    this.#moveTo(to);
    if (this.resumable) this.#subscriber.enqueueAlways(this.#format.gap({ from, to, reason }));
  }

  /** Reads the log up to where the tailer is; from there on the tailer delivers. It takes as long as the client takes to read, and holds no page meanwhile. */
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
        // The transport has ended, and will say so.
        if (this.#subscriber.isBusy()) return;
        continue;
      }
      const page = await this.#options.reads.readLog(this.grant.endpoint.id, this.#readUpTo(), limit);
      limit = toNextPageLimit(page, limit, this.#subscriber.pageBytes);
      if (!this.#isAt(from)) continue;
      if (page.length === 0) this.#replayGap(end.seq >= this.#readUpTo() ? end : { epoch: end.epoch, seq: this.#readUpTo() });
      // What did not fit is read again: held for thousands of clients that read slowly, it would fill the memory.
      if (!this.#replayPage(page)) await this.#subscriber.writable();
    }
  }

  /**
   * What the client may not read, or is left out by its filter, keeps its place: only what is no longer kept is a gap. False: the rest has to wait until
   * the client has taken what it was sent.
   */
  #replayPage(page: readonly (Change | HiddenChange)[]): boolean {
    for (const change of page) {
      if (this.#phase === "replaying" && change.seq > this.#readUpTo() + 1) this.#replayGap({ epoch: this.#at.epoch, seq: change.seq - 1 });
      if (this.#phase !== "replaying") return true;
      if (!this.#replayChange(change)) return false;
    }
    return true;
  }

  /** False: there is no room for it. */
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
    const encoded = encodeChange(change, upload);
    const frame = this.#format.change(encoded, epoch);
    // Advance only after enqueue: a failure here resends, never skips.
    if (this.#subscriber.isCrowdedBy(frame) || !this.#subscriber.enqueue(frame)) return false;
    this.#moveTo(encoded.position(epoch));
    return true;
  }

  /** Changes of a joined upload have been read, but not queued. */
  #readUpTo(): number {
    return this.#begun.length > 0 ? this.#begunTo : this.#at.seq;
  }

  /** Who took so long for its snapshot, and asked for no messages but that and changes, can't be told. */
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

  /** All of the batch at once: it is new to the client, and of one piece for all. */
  #takeBatch(batch: ChangeBatch): void {
    const bytes = batch.toBytes(this.#format);
    if (bytes !== undefined && !this.#subscriber.enqueue(bytes)) {
      // What it may not read, or its filter leaves out, need not be looked through again.
      this.#fallBehind(this.#reached(batch.before));
    } else this.#moveTo(this.#reached(batch.position));
  }

  /** Those that the client has not had: ahead of the tailer it has been sent some already, or they were in its snapshot. */
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

  /** The same without the changes of its upload that the client already has: its cursor may come from a stream that sends each as a message. */
  #toUnsent(encoded: EncodedChange): EncodedChange {
    const { change, upload } = encoded;
    if ((upload[0]?.seq ?? 0) > this.#at.seq) return encoded;
    return encodeChange(
      change,
      upload.filter(({ seq }) => seq > this.#at.seq),
    );
  }

  /** Up to where all that the client may read has been queued: for one that is live this is where the tailer is, though its last change was before. */
  #reached(tailed: DeliveredPosition | undefined): Cursor {
    const place = tailed && this.#toPlace(tailed);
    // At the same place the tailer's has a proof, where the client's cursor had none.
    const isAhead = place?.epoch === this.#at.epoch && place.seq >= this.#at.seq;
    return this.#phase === "live" && isAhead ? place : this.#at;
  }

  /** Where a client stands when the tailer is at `position`. In the middle of an upload that is one message, it has none of the upload. */
  #toPlace(position: DeliveredPosition): LogPosition {
    return this.#format.joinsUploads ? toUploadBoundary(position) : position;
  }
}

/** Whether the log has another change where the cursor is (W26). A cursor of an older version has no proof, and of a change that expired long ago nothing is known. */
function isDisproved({ proof }: Cursor, known: string | undefined): boolean {
  return proof !== undefined && known !== undefined && proof !== known;
}
