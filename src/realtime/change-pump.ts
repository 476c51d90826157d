/** Brings one endpoint's changes from the log to its listeners: each once, in seq order (W4), to those who may read it (W5). It must not know sessions. */
import { setImmediate as nextTick } from "node:timers/promises";
import type { Change, ChangeLog, LogPosition } from "@/src/core/ports";
import { toEpoch } from "@/src/shared/cursor";
import type { GapReason } from "@/src/shared/stream-messages";
import { encodeChange } from "./encode";
import { createListenerIndex, type PumpListener } from "./listener-index";
import { PAGE_LIMIT_FIRST, toNextPageLimit } from "./log-pages";

export interface ChangePump {
  /** Up to where changes have been delivered; undefined until the first `observe`. */
  position(): LogPosition | undefined;
  add(listener: PumpListener): void;
  remove(listener: PumpListener): void;
  listenerCount(): number;
  /**
   * Takes committed changes, ascending by seq. Those that continue the position are delivered before this returns; after a gap, or when there
   * are very many, the rest is read from the log, and the promise settles when it was delivered.
   */
  offer(changes: readonly Change[]): Promise<void>;
  /**
   * Takes where the log stands, and delivers what is missing up to there. `seqBefore` is the position's seq when that was asked for:
   * a log that answers less has lost its end.
   */
  observe(found: LogPosition, seqBefore: number): Promise<void>;
  /** Delivers nothing more. */
  close(): void;
}

/**
 * `sliceBytes`: after about so many bytes of changes the event loop gets a turn, in which sockets drain.
 * When reading the log fails, the promise rejects and the position stays: the next `offer` or `observe` tries again.
 */
export function createChangePump(options: { endpointId: string; changes: Pick<ChangeLog, "read">; sliceBytes: number }): ChangePump {
  const { endpointId, changes, sliceBytes } = options;
  const listeners = createListenerIndex();
  let position: LogPosition | undefined;
  /** The highest seq that is known to be committed. */
  let target = 0;
  /** Rises when what was read before no longer counts. */
  let generation = 0;
  let catchingUp: Promise<void> | undefined;
  /** Changes of an upload whose last one is still to come. */
  let begun: readonly Change[] = [];

  function deliver(change: Change, epoch: string): void {
    position = { epoch, seq: change.seq };
    const upload = begun.length === 0 ? [change] : [...begun, change];
    begun = change.following === undefined ? [] : upload;
    listeners.change(encodeChange(change, upload), epoch);
  }

  function reset(from: LogPosition, to: LogPosition, reason: GapReason): void {
    position = to;
    begun = [];
    listeners.reset({ from, to, reason });
  }

  function replaceLog(from: LogPosition, to: LogPosition, reason: GapReason): void {
    generation++;
    target = to.seq;
    reset(from, to, reason);
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
        // What was committed before the read and is not in it is no longer kept.
        if (page.length === 0 && position.seq < committed) reset(position, { epoch: position.epoch, seq: committed }, "expired");
        await deliverPage(page);
      }
    } finally {
      // In the same turn in which the loop saw nothing to do: an offer in between would believe that the loop still runs.
      catchingUp = undefined;
    }
  }

  /** Hints may deliver the same changes meanwhile, hence each one is compared with the position when its turn comes. */
  async function deliverPage(page: readonly Change[]): Promise<void> {
    const current = generation;
    let budget = sliceBytes;
    for (const change of page) {
      if (budget <= 0) {
        await nextTick();
        budget = sliceBytes;
      }
      if (position === undefined || current !== generation) return;
      if (change.seq <= position.seq) continue;
      if (change.seq > position.seq + 1) reset(position, { epoch: position.epoch, seq: change.seq - 1 }, "expired");
      deliver(change, position.epoch);
      budget -= change.record.data.length;
    }
  }

  return {
    position: () => position,
    add: (listener) => listeners.add(listener),
    remove: (listener) => listeners.remove(listener),
    listenerCount: () => listeners.count(),
    offer: (offered) => {
      let budget = sliceBytes;
      for (const change of offered) {
        target = Math.max(target, change.seq);
        if (position === undefined || budget <= 0 || change.seq !== position.seq + 1) continue;
        deliver(change, position.epoch);
        budget -= change.record.data.length;
      }
      return catchUp();
    },
    observe: (found, seqBefore) => {
      const to = { epoch: toEpoch(found.epoch), seq: found.seq };
      if (position === undefined) position = to;
      else if (position.epoch !== to.epoch) replaceLog(position, to, "epoch_changed");
      else if (to.seq < seqBefore) replaceLog(position, to, "log_rewound");
      target = Math.max(target, to.seq);
      return catchUp();
    },
    close: () => {
      generation++;
      target = 0;
      position = undefined;
      begun = [];
      listeners.clear();
    },
  };
}
