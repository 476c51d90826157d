/** One subscriber's view of one endpoint: where it stands, whether it replays, is live or ends. It must not know the transport. */
import type { Grant } from "@/src/core/access";
import type { Change, HiddenChange, LogPosition } from "@/src/core/ports";
import type { Cursor } from "@/src/shared/cursor";
import { AppError } from "@/src/shared/errors";
import type { GapReason } from "@/src/shared/stream-messages";
import { type ChangeBatch, createChangeBatch } from "./change-batch";
import { encodeChange } from "./encode";
import type { FeedListener } from "./filtered-feed";
import { FilterFailedError, type StreamReads } from "./filtered-reads";
import { PAGE_LIMIT_FIRST, toNextPageLimit } from "./log-pages";
import { createSnapshot, type Snapshot } from "./snapshot";
import type { StreamFormat } from "./stream-format";
import type { Subscriber } from "./subscriber";

/** What a client asked for. `plain`: changes and nothing else (W2). The others are the resumable mode (W9). `snapshot`: the records first (W11). */
export type Start = { mode: "plain"; snapshot?: boolean } | { mode: "now"; snapshot?: boolean } | { mode: "after"; cursor: Cursor };

/** `at`: up to where changes have been queued for the client. A live one has also been sent what the pump delivered since, if it may read it. */
export type SessionState =
  | { state: "replaying"; at: Cursor; reading: boolean }
  | { state: "live"; at: Cursor }
  | { state: "ending"; error: AppError | undefined };

export interface Session extends FeedListener {
  readonly grant: Grant;
  readonly resumable: boolean;
  state(): SessionState;
  /** Reads on in the log where a failure stopped the replay. Call it now and then; it does nothing when there is nothing to do. */
  resume(): void;
  /** In resumable mode, sends a sign of life with the cursor (W9). */
  beat(): void;
  /** Ends the client with the error's close code and message; without an error the client has gone. The first call counts. */
  end(error?: AppError): void;
}

/** Shared: nearly always there are none. */
const NONE: readonly Change[] = [];

/**
 * A session that starts at `start`, given that the log stands at `tip`. The caller adds it to the pump in the same turn of the event loop:
 * from `tip` on the pump delivers. `pumpPosition` answers up to where the pump has delivered. A stream with a filter has its feed in place of a pump, and reads through the filter.
 */
export function createSession(options: {
  grant: Grant;
  start: Start;
  format: StreamFormat;
  tip: LogPosition;
  pumpPosition: () => LogPosition | undefined;
  reads: StreamReads;
  subscriber: Subscriber;
  onEnd: (session: Session) => void;
  /** Hears that the log can't be read now; the replay goes on at the next `resume`. */
  onReadError: (error: unknown) => void;
}): Session {
  const { grant, start, format, tip, pumpPosition, reads, subscriber, onEnd, onReadError } = options;
  const { onlyOwner } = grant;
  const resumable = start.mode !== "plain";
  let phase: SessionState["state"] = "live";
  /** Every move makes another object. */
  let at: Cursor = tip;
  let isReading = false;
  let endedBy: AppError | undefined;
  /** Changes of an upload that goes out as one message, whose last one is still to come: those that a replay has read, or that the pump has told. */
  let begun: readonly Change[] = NONE;
  /** Up to where the log was read with them. */
  let begunTo = 0;
  let snapshot: Snapshot | undefined;

  function begin(): void {
    switch (start.mode) {
      case "plain":
        if (start.snapshot) beginSnapshot();
        return;
      case "now":
        subscriber.enqueue(format.ready(start.snapshot ? undefined : tip));
        if (start.snapshot) beginSnapshot();
        return;
      case "after":
        // Not the tip: a client that stores it and goes away before the rest has come would miss that.
        subscriber.enqueue(format.ready(start.cursor));
        if (start.cursor.epoch !== tip.epoch) skip(start.cursor, tip, "epoch_changed");
        else if (start.cursor.seq > tip.seq) skip(start.cursor, tip, "log_rewound");
        else if (start.cursor.seq < tip.seq) {
          replayFrom(start.cursor);
        }
        return;
      default:
        start satisfies never;
    }
  }

  /** The records first; then the log from here on. */
  function beginSnapshot(): void {
    snapshot = createSnapshot({
      snapshots: reads.snapshots,
      endpointId: grant.endpoint.id,
      owner: onlyOwner,
      from: tip,
      subscriber,
      toBytes: (items, isLast) => format.snapshot(items, isLast ? tip : undefined),
      isWanted: () => phase === "replaying",
    });
    replayFrom(tip);
  }

  function replayFrom(cursor: Cursor): void {
    phase = "replaying";
    at = cursor;
    session.resume();
  }

  /** What the client has of a snapshot is of a log that is no more: it shall begin anew. */
  function endReplaced(): void {
    session.end(new AppError("database_unavailable", { internal: "the log was replaced while a snapshot was read" }));
  }

  /** Whether the client has the records that it asked for; only then has its stream a place. */
  function hasRecords(): boolean {
    return snapshot?.isComplete() ?? true;
  }

  function skip(from: Cursor, to: LogPosition, reason: GapReason): void {
    snapshot = undefined;
    phase = "live";
    moveTo(to);
    if (resumable) subscriber.enqueue(format.gap({ from, to, reason }));
  }

  /** Reads the log up to where the pump is; from there on the pump delivers. It takes as long as the client takes to read. */
  async function replay(): Promise<void> {
    const outcome = await snapshot?.send();
    if (outcome === "replaced") endReplaced();
    if (outcome === "replaced" || outcome === "stopped") return;
    let limit = PAGE_LIMIT_FIRST;
    while (phase === "replaying") {
      const from = at;
      const end = pumpPosition();
      if (end === undefined) return;
      if (from.seq >= end.seq) {
        phase = "live";
        return;
      }
      const page = await reads.readLog(grant.endpoint.id, readUpTo(), limit);
      limit = toNextPageLimit(page, limit);
      if (!isAt(from)) continue;
      if (page.length === 0) replayGap(Math.max(end.seq, readUpTo()));
      await replayPage(page);
    }
  }

  /** What the client may not read, or is left out by its filter, keeps its place: only what is no longer kept is a gap. */
  async function replayPage(page: readonly (Change | HiddenChange)[]): Promise<void> {
    for (const change of page) {
      if (phase === "replaying" && change.seq > readUpTo() + 1) replayGap(change.seq - 1);
      if (phase !== "replaying") return;
      const { epoch } = at;
      if ("hidden" in change && begun.length > 0) {
        begunTo = change.seq;
        continue;
      }
      if ("hidden" in change || snapshot?.covers(change)) {
        moveTo({ epoch, seq: change.seq });
        continue;
      }
      const upload = [...begun, change];
      if (format.joinsUploads && change.following !== undefined) {
        begun = upload;
        begunTo = change.seq;
        continue;
      }
      const from = at;
      const frame = format.change(encodeChange(change, upload), epoch);
      if (subscriber.isCrowdedBy(frame)) await subscriber.writable();
      // Advance only after enqueue: a failure here resends, never skips.
      if (!isAt(from) || !subscriber.enqueue(frame)) return;
      moveTo({ epoch, seq: change.seq });
    }
  }

  /** Changes of a joined upload have been read, but not queued. */
  function readUpTo(): number {
    return begun.length > 0 ? begunTo : at.seq;
  }

  /** Who took so long for its snapshot, and asked for no messages but that and changes, can't be told. */
  function replayGap(seq: number): void {
    if (!resumable) {
      session.end(new AppError("slow_consumer"));
      return;
    }
    const to = { epoch: at.epoch, seq };
    subscriber.enqueue(format.gap({ from: at, to, reason: "expired" }));
    moveTo(to);
  }

  function moveTo(cursor: Cursor): void {
    begun = NONE;
    at = cursor;
  }

  function isAt(cursor: Cursor): boolean {
    return phase === "replaying" && at === cursor;
  }

  /** All of the batch at once: it is new to the client, and of one piece for all. */
  function takeBatch(batch: ChangeBatch): void {
    const bytes = batch.toBytes(format);
    if (bytes !== undefined && !subscriber.enqueue(bytes)) return;
    if (!format.joinsUploads) moveTo(batch.position);
    else {
      // As one message an upload goes out with its last change, and who comes back before wants all of it.
      if (batch.whole) moveTo(batch.whole);
      if (batch.begun.length > 0) begun = batch.begun.map(({ change }) => change);
    }
  }

  /** Those that the client has not had: ahead of the pump it has been sent some already, or they were in its snapshot. */
  function takeEach({ encoded, position: { epoch } }: ChangeBatch): void {
    for (const each of encoded) {
      const { seq } = each.change;
      if (phase !== "live" || seq <= at.seq) continue;
      if (snapshot?.covers(each.change)) moveTo({ epoch, seq });
      else takeBatch(createChangeBatch([each], { epoch, seq }));
    }
    if (snapshot?.isPassed()) snapshot = undefined;
  }

  /** Up to where all that the client may read has been queued: for one that is live this is where the pump is, though its last change was before. */
  function reached(pumped: LogPosition | undefined): Cursor {
    const isAhead = pumped?.epoch === at.epoch && pumped.seq > at.seq;
    return phase === "live" && isAhead && begun.length === 0 ? pumped : at;
  }

  const session: Session = {
    grant,
    onlyOwner,
    resumable,
    state: () => {
      if (phase === "replaying") return { state: phase, at, reading: isReading };
      return phase === "live" ? { state: phase, at } : { state: phase, error: endedBy };
    },
    onChanges: (batch) => {
      // While it replays the log has the changes.
      if (phase !== "live") return;
      if (snapshot === undefined && (batch.encoded[0]?.change.seq ?? 0) > at.seq) takeBatch(batch);
      else takeEach(batch);
    },
    onReset: ({ from, to, reason }) => {
      if (phase === "ending") return;
      // Of what is no longer kept a replay hears when it gets there, and who is ahead of the pump has it.
      if (reason === "expired" && (phase === "replaying" || at.seq >= to.seq)) return;
      if (hasRecords()) skip(reached(from), to, reason);
      else endReplaced();
    },
    onFilterFailed: ({ error, seq }) => {
      // A replay finds it when it gets there, and who began after it is not concerned.
      if (phase === "live" && at.seq < seq) session.end(error);
    },
    resume: () => {
      if (phase !== "replaying" || isReading) return;
      isReading = true;
      replay()
        .catch((error) => {
          if (error instanceof FilterFailedError) session.end(error.reason);
          else if (phase !== "ending") onReadError(error);
        })
        .finally(() => {
          isReading = false;
        });
    },
    beat: () => {
      if (resumable && hasRecords() && phase !== "ending") subscriber.enqueue(format.beat(reached(pumpPosition())));
    },
    end: (error) => {
      if (phase === "ending") return;
      phase = "ending";
      endedBy = error;
      onEnd(session);
      if (error) subscriber.end(error);
    },
  };
  begin();
  return session;
}
