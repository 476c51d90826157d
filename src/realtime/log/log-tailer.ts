/** Delivers the changes of one endpoint from the log to its listeners: each change once, in seq order (W4), to those that may read it (W5). */
import { setImmediate as nextTick } from "node:timers/promises";
import type { Change } from "@/src/core/records/ports";
import { positionOf, proofOf } from "@/src/core/streams/change-proof";
import type { ChangeLog, FoundPosition, LogPosition } from "@/src/core/streams/ports";
import { toEpoch } from "@/src/shared/streams/cursor";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import { createUploadEncoder } from "../wire/encode";
import { createChangeBatch } from "./change-batch";
import { advance, type DeliveredPosition } from "./delivered-position";
import { createListenerIndex, type TailerListener } from "./listener-index";
import { PAGE_LIMIT_FIRST, toChangeSize, toNextPageLimit } from "./page-size";

export interface LogTailer {
  /** The position up to which changes have been delivered; undefined until the first `observe`. */
  position(): DeliveredPosition | undefined;
  add(listener: TailerListener): void;
  remove(listener: TailerListener): void;
  listenerCount(): number;
  /**
   * Takes committed changes, ascending by seq. Changes that continue from the position are delivered before this returns. After a hole, or if there are very
   * many, the rest is read from the log. The promise settles when they have been delivered.
   */
  offer(changes: readonly Change[]): Promise<void>;
  /**
   * Takes the position of the log, and delivers what is missing up to there. `before` is the tailer's position when the log was queried: a log that ends before
   * it, or has another change there (W26), has lost its end.
   */
  observe(found: FoundPosition, before: LogPosition | undefined): Promise<void>;
  /** Stops delivering. */
  close(): void;
}

/**
 * After about `sliceBytes` of changes, the event loop gets a turn, in which sockets drain. If reading the log fails, the promise rejects and the position stays;
 * the next `offer` or `observe` tries again.
 */
export function createLogTailer(options: { endpointId: string; changes: Pick<ChangeLog, "read">; sliceBytes: number }): LogTailer {
  const { endpointId, changes, sliceBytes } = options;
  const listeners = createListenerIndex();
  let position: DeliveredPosition | undefined;
  /** The highest seq that is known to be committed. */
  let target = 0;
  /** Rises when pages that were read before are no longer valid. */
  let generation = 0;
  let catchingUp: Promise<void> | undefined;
  const encoder = createUploadEncoder();

  /** Delivers changes that follow the position and each other without a hole. */
  function deliver(changes: readonly Change[], epoch: string): void {
    const encoded = changes.map((change) => encoder.encode(change));
    const last = encoded.at(-1);
    if (!last || !position) return;
    const before = position;
    position = advance(before, encoded, last.position(epoch));
    listeners.changes(createChangeBatch(encoded, position, before));
  }

  /** Returns the changes that follow `seq` without a hole, up to one slice. */
  function takeSlice(changes: readonly Change[], seq: number): Change[] {
    const slice: Change[] = [];
    let bytes = 0;
    for (const change of changes) {
      if (change.seq <= seq) continue;
      if (bytes >= sliceBytes || change.seq !== seq + slice.length + 1) break;
      slice.push(change);
      bytes += toChangeSize(change);
    }
    return slice;
  }

  function reset(from: DeliveredPosition, to: LogPosition, reason: GapReason): void {
    position = to;
    encoder.reset();
    listeners.reset({ from, to, reason });
  }

  function replaceLog(from: DeliveredPosition, to: LogPosition, reason: GapReason): void {
    generation++;
    target = to.seq;
    reset(from, to, reason);
  }

  /** Whether the log ends before `before`, or has another change there: it was rewound, and has grown since. */
  function isRewound(found: LogPosition, before: LogPosition | undefined, proofs: ReadonlyMap<number, string>): boolean {
    if (before === undefined || before.epoch !== found.epoch) return false;
    const proof = proofs.get(before.seq);
    return found.seq < before.seq || (proof !== undefined && before.proof !== undefined && proof !== before.proof);
  }

  /** Returns the committed change at the position, if it is not the one that was delivered. */
  function findConflict(changes: readonly Change[]): Change | undefined {
    // Nearly always, all changes come after the position.
    if (position?.proof === undefined || (changes[0]?.seq ?? 0) > position.seq) return undefined;
    const { seq, proof } = position;
    const there = changes.find((change) => change.seq === seq);
    return there && proofOf(there) !== proof ? there : undefined;
  }

  function catchUp(): Promise<void> {
    if (position === undefined || position.seq >= target) return Promise.resolve();
    catchingUp ??= readOn();
    return catchingUp;
  }

  async function readOn(): Promise<void> {
    try {
      let limit = PAGE_LIMIT_FIRST;
      while (position !== undefined && position.seq < target) {
        const current = generation;
        const committed = target;
        const page = await changes.read(endpointId, position.seq, limit);
        if (current !== generation) continue;
        limit = toNextPageLimit(page, limit);
        // Changes that were committed before the read and are not in the page have expired.
        if (page.length === 0 && position.seq < committed) reset(position, { epoch: position.epoch, seq: committed }, "expired");
        await deliverPage(page);
      }
    } finally {
      // Cleared in the turn in which the loop ends. Otherwise an offer in between would rely on a loop that has ended.
      catchingUp = undefined;
    }
  }

  /** Notifications can deliver the same changes meanwhile, so each slice begins at the position of its turn. */
  async function deliverPage(page: readonly Change[]): Promise<void> {
    const current = generation;
    for (;;) {
      if (position === undefined || current !== generation) return;
      const { epoch, seq } = position;
      const next = page.find((change) => change.seq > seq);
      if (next === undefined) return;
      if (next.seq > seq + 1) reset(position, { epoch, seq: next.seq - 1 }, "expired");
      deliver(takeSlice(page, next.seq - 1), epoch);
      if (position.seq < (page.at(-1)?.seq ?? 0)) await nextTick();
    }
  }

  return {
    position: () => position,
    add: (listener) => listeners.add(listener),
    remove: (listener) => listeners.remove(listener),
    listenerCount: () => listeners.count(),
    offer: (offered) => {
      const conflict = findConflict(offered);
      if (position && conflict) replaceLog(position, positionOf(conflict, position.epoch), "log_rewound");
      target = Math.max(target, offered.at(-1)?.seq ?? 0);
      if (position !== undefined) deliver(takeSlice(offered, position.seq), position.epoch);
      return catchUp();
    },
    observe: ({ epoch, seq, proof, proofs }, before) => {
      const to = { epoch: toEpoch(epoch), seq, proof };
      if (position === undefined) position = to;
      else if (position.epoch !== to.epoch) replaceLog(position, to, "epoch_changed");
      else if (isRewound(to, before, proofs)) replaceLog(position, to, "log_rewound");
      target = Math.max(target, to.seq);
      return catchUp();
    },
    close: () => {
      generation++;
      target = 0;
      position = undefined;
      encoder.reset();
      listeners.clear();
    },
  };
}
