/** One subscriber's view of one endpoint: where it stands, whether it replays, is live or ends. It must not know the transport. */
import type { Grant } from "@/src/core/access";
import type { Change, ChangeLog, HiddenChange, LogPosition } from "@/src/core/ports";
import type { SnapshotReader } from "@/src/core/snapshot-ports";
import type { Cursor } from "@/src/shared/cursor";
import { AppError } from "@/src/shared/errors";
import type { GapReason } from "@/src/shared/stream-messages";
import { type EncodedChange, encodeChange } from "./encode";
import type { PumpListener } from "./listener-index";
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

export interface Session extends PumpListener {
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

/**
 * A session that starts at `start`, given that the log stands at `tip`. The caller adds it to the pump in the same turn of the event loop:
 * from `tip` on the pump delivers. `pumpPosition` answers up to where the pump has delivered.
 */
export function createSession(options: {
  grant: Grant;
  start: Start;
  format: StreamFormat;
  tip: LogPosition;
  pumpPosition: () => LogPosition | undefined;
  changes: Pick<ChangeLog, "read" | "readFor">;
  snapshots: SnapshotReader;
  subscriber: Subscriber;
  onEnd: (session: Session) => void;
  /** Hears that the log can't be read; the replay goes on at the next `resume`. */
  onReadError: (error: unknown) => void;
}): Session {
  const { grant, start, format, tip, pumpPosition, changes, snapshots, subscriber, onEnd, onReadError } = options;
  const { onlyOwner } = grant;
  const resumable = start.mode !== "plain";
  let current: SessionState = { state: "live", at: tip };
  /** Changes of an upload that goes out as one message, whose last one is still to come: those that a replay has read, or that the pump has told. */
  let begun: readonly Change[] = [];
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
          current = { state: "replaying", at: start.cursor, reading: false };
          session.resume();
        }
        return;
      default:
        start satisfies never;
    }
  }

  /** The records first; then the log from here on. */
  function beginSnapshot(): void {
    snapshot = createSnapshot({
      snapshots,
      endpointId: grant.endpoint.id,
      owner: onlyOwner,
      from: tip,
      subscriber,
      toBytes: (items, isLast) => format.snapshot(items, isLast ? tip : undefined),
      isWanted: () => current.state === "replaying",
    });
    current = { state: "replaying", at: tip, reading: false };
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
    begun = [];
    snapshot = undefined;
    current = { state: "live", at: to };
    if (resumable) subscriber.enqueue(format.gap({ from, to, reason }));
  }

  /** Reads the log up to where the pump is; from there on the pump delivers. It takes as long as the client takes to read. */
  async function replay(): Promise<void> {
    const outcome = await snapshot?.send();
    if (outcome === "replaced") endReplaced();
    if (outcome === "replaced" || outcome === "stopped") return;
    let limit = PAGE_LIMIT_FIRST;
    while (current.state === "replaying") {
      const { at } = current;
      const end = pumpPosition();
      if (end === undefined) return;
      if (at.seq >= end.seq) {
        current = { state: "live", at };
        return;
      }
      const page = await readPage(readUpTo(at), limit);
      limit = toNextPageLimit(page, limit);
      if (!isAt(at)) continue;
      if (page.length === 0) replayGap(at, Math.max(end.seq, readUpTo(at)));
      await replayPage(page);
    }
  }

  /** What the client may not read keeps its place: only what is no longer kept is a gap. */
  function readPage(after: number, limit: number): Promise<(Change | HiddenChange)[]> {
    const endpointId = grant.endpoint.id;
    return onlyOwner === undefined ? changes.read(endpointId, after, limit) : changes.readFor(onlyOwner, endpointId, after, limit);
  }

  async function replayPage(page: readonly (Change | HiddenChange)[]): Promise<void> {
    for (const change of page) {
      if (current.state === "replaying" && change.seq > readUpTo(current.at) + 1) replayGap(current.at, change.seq - 1);
      if (current.state !== "replaying") return;
      const { at } = current;
      if ("hidden" in change || snapshot?.covers(change)) {
        moveTo({ epoch: at.epoch, seq: change.seq });
        continue;
      }
      const upload = [...begun, change];
      if (format.joinsUploads && change.following !== undefined) {
        begun = upload;
        continue;
      }
      const frame = format.change(encodeChange(change, upload), at.epoch);
      if (subscriber.isCrowdedBy(frame)) await subscriber.writable();
      // Advance only after enqueue: a failure here resends, never skips.
      if (!isAt(at) || !subscriber.enqueue(frame)) return;
      moveTo({ epoch: at.epoch, seq: change.seq });
    }
  }

  /** Changes of a joined upload have been read, but not queued. */
  function readUpTo(at: Cursor): number {
    return begun.at(-1)?.seq ?? at.seq;
  }

  /** Who took so long for its snapshot, and asked for no messages but that and changes, can't be told. */
  function replayGap(at: Cursor, seq: number): void {
    if (!resumable) {
      session.end(new AppError("slow_consumer"));
      return;
    }
    const to = { epoch: at.epoch, seq };
    subscriber.enqueue(format.gap({ from: at, to, reason: "expired" }));
    moveTo(to);
  }

  function moveTo(at: Cursor): void {
    begun = [];
    if (current.state !== "ending") current = { ...current, at };
  }

  function isAt(at: Cursor): boolean {
    return current.state === "replaying" && current.at === at;
  }

  /** Up to where all that the client may read has been queued: for one that is live this is where the pump is, though its last change was before. */
  function reached(at: Cursor, pumped: LogPosition | undefined): Cursor {
    const isAhead = pumped?.epoch === at.epoch && pumped.seq > at.seq;
    return current.state === "live" && isAhead && begun.length === 0 ? pumped : at;
  }

  const session: Session = {
    grant,
    onlyOwner,
    resumable,
    state: () => current,
    onChange: (encoded: EncodedChange, epoch: string) => {
      // While it replays the log has the change; ahead of the pump it was sent already.
      if (current.state !== "live" || encoded.change.seq <= current.at.seq) return;
      if (snapshot?.covers(encoded.change)) {
        moveTo({ epoch, seq: encoded.change.seq });
        return;
      }
      // As one message an upload goes out with its last change, and who comes back before wants all of it.
      if (format.joinsUploads && encoded.change.following !== undefined) begun = [...begun, encoded.change];
      else if (subscriber.enqueue(format.change(encoded, epoch))) moveTo({ epoch, seq: encoded.change.seq });
    },
    onReset: ({ from, to, reason }) => {
      if (current.state === "ending") return;
      // Of what is no longer kept a replay hears when it gets there, and who is ahead of the pump has it.
      if (reason === "expired" && (current.state === "replaying" || current.at.seq >= to.seq)) return;
      if (hasRecords()) skip(reached(current.at, from), to, reason);
      else endReplaced();
    },
    resume: () => {
      if (current.state !== "replaying" || current.reading) return;
      current = { ...current, reading: true };
      replay()
        .catch(onReadError)
        .finally(() => {
          if (current.state === "replaying") current = { ...current, reading: false };
        });
    },
    beat: () => {
      if (resumable && hasRecords() && current.state !== "ending") subscriber.enqueue(format.beat(reached(current.at, pumpPosition())));
    },
    end: (error) => {
      if (current.state === "ending") return;
      current = { state: "ending", error };
      onEnd(session);
      if (error) subscriber.end(error);
    },
  };
  begin();
  return session;
}
