/**
 * Delivers the changes that match a filter to its streams, in seq order (W4, W13). Each change is evaluated once for all of them. The changes that wait for
 * evaluation are bounded: a feed that falls behind continues from the log.
 */
import { setImmediate as nextTick } from "node:timers/promises";
import { isPending, type MaybePromise } from "@/src/core/maybe-promise";
import type { Change } from "@/src/core/records/ports";
import { positionOf } from "@/src/core/streams/change-proof";
import type { HiddenChange, LogPosition } from "@/src/core/streams/ports";
import { type ChangeBatch, createChangeBatch } from "../log/change-batch";
import { advance, type DeliveredPosition, toUploadBoundary } from "../log/delivered-position";
import type { TailerListener } from "../log/listener-index";
import type { LogTailer } from "../log/log-tailer";
import { PAGE_LIMIT_FIRST, toChangeSize, toNextPageLimit } from "../log/page-size";
import { createUploadEncoder, type Encode, type EncodedChange } from "../wire/encode";
import type { FeedTurns, Waiting } from "./feed-turns";
import { createFilteredReads, readWholeUploads, type StreamReads } from "./filtered-reads";
import { isBusy } from "./judged-changes";
import type { FilterFailure, KeptChanges } from "./kept-changes";
import type { StreamView } from "./stream-view";

/** A listener for matching changes. Its methods must not throw. */
export interface FeedListener extends TailerListener {
  /** Called when the filter fails on a change. The change is not delivered; later ones are. */
  onFilterFailed(failed: FilterFailure): void;
}

/** A feed is a listener of a log tailer. Add it to the tailer with its first listener, and remove it with its last. */
export interface FilteredFeed extends TailerListener {
  /** Reads the log and snapshots through the filter, for listeners that are not live. The reads end with the feed. */
  readonly reads: StreamReads;
  /** The position up to which changes have been evaluated and matching ones delivered. */
  position(): DeliveredPosition | undefined;
  add(listener: FeedListener): void;
  remove(listener: FeedListener): void;
  listenerCount(): number;
  /** Continues after a failed read or a busy sandbox. Call it periodically. */
  resume(): void;
  /** Stops evaluating and delivering. */
  close(): void;
}

/** The number of changes that are evaluated before the matching ones are delivered. */
const TURN_MAX = 128;

/**
 * A feed that starts at the tailer's position. With `onlyOwner`, the feed and all its listeners receive only this user's changes. `pendingBytesMax` limits the
 * changes that wait for evaluation; beyond it, they are read from the log again. `onReadError` is called when the log cannot be read.
 */
export function createFilteredFeed(options: {
  endpointId: string;
  onlyOwner: string | undefined;
  tailer: Pick<LogTailer, "position">;
  reads: StreamReads;
  view: StreamView;
  encode: Encode;
  /** Shared by the feeds of the process. */
  turns: FeedTurns;
  pendingBytesMax: number;
  /** After this number of bytes of changes, the event loop gets a turn, in which sockets drain. */
  sliceBytes: number;
  onReadError: (error: unknown) => void;
}): FilteredFeed {
  return new Feed(options);
}

class Feed implements FilteredFeed, Waiting {
  readonly onlyOwner: string | undefined;
  readonly reads: StreamReads;
  readonly #options: Parameters<typeof createFilteredFeed>[0];
  readonly #listeners = new Set<FeedListener>();
  readonly #closing = new AbortController();
  /** The position of the last delivery. While the feed is idle, the tailer can be ahead. */
  #position: DeliveredPosition | undefined;
  /** The changes that the tailer delivered since, unless the feed is behind. */
  #pending: Change[] = [];
  #pendingBytes = 0;
  #isBehind = false;
  #isRunning = false;
  /** It waits for its turn, with what is pending. */
  #isWaiting = false;
  /** Rises when changes that were taken before are no longer valid. */
  #generation = 0;
  #pageLimit = PAGE_LIMIT_FIRST;

  constructor(options: Parameters<typeof createFilteredFeed>[0]) {
    this.#options = options;
    this.onlyOwner = options.onlyOwner;
    this.reads = createFilteredReads(options.reads, options.view, this.#closing.signal);
    const position = options.tailer.position();
    this.#position = position && toUploadBoundary(position);
    // The tailer does not deliver the beginning of the upload again, so it is read from the log.
    this.#isBehind = position?.beforeUpload !== undefined;
  }

  position(): DeliveredPosition | undefined {
    return this.#toReached(this.#options.tailer.position());
  }

  add(listener: FeedListener): void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.resume();
  }

  remove(listener: FeedListener): void {
    this.#listeners.delete(listener);
  }

  listenerCount(): number {
    return this.#listeners.size;
  }

  onChanges(batch: Parameters<TailerListener["onChanges"]>[0]): void {
    const { encoded, before } = batch;
    const { turns } = this.#options;
    const hasTime = turns.hasTime();
    if (hasTime && this.#takeNow(batch)) return;
    this.#position = this.#toReached(before);
    if (this.#isBehind) return;
    for (const { change } of encoded) {
      if (change.seq <= (this.#position?.seq ?? 0)) continue;
      this.#pending.push(change);
      this.#pendingBytes += toChangeSize(change);
    }
    if (this.#pendingBytes > this.#options.pendingBytesMax) this.#fallBehind();
    if (hasTime) this.resume();
    else if (!this.#isWaiting && !this.#isRunning && !this.#isIdle()) {
      this.#isWaiting = true;
      turns.add(this);
    }
  }

  takeTurn(): void {
    this.#isWaiting = false;
    this.resume();
  }

  /**
   * Takes a single change whose verdict is known at once. A refused one costs no more than the verdict: the position of an idle feed is that of the tailer.
   * Returns false if the change must be taken as others are.
   */
  #takeNow({ encoded, position, before }: ChangeBatch): boolean {
    const { view, encode } = this.#options;
    const [first] = encoded;
    if (view.showNow === undefined || encoded.length !== 1 || first === undefined || first.upload.length > 1) return false;
    const { change } = first;
    if (change.remainingInUpload !== undefined || !this.#isIdle()) return false;
    let shown: Change | undefined;
    try {
      shown = view.showNow(change);
    } catch {
      // It is judged again, and ends or delays the streams.
      return false;
    }
    if (shown === undefined) return true;
    const reached = this.#toReached(before);
    if (reached !== undefined && change.seq <= reached.seq) return true;
    this.#position = position;
    const shownBatch = createChangeBatch([encode(shown)], position, reached);
    for (const listener of this.#listeners) listener.onChanges(shownBatch);
    return true;
  }

  onReset({ from, to, reason }: Parameters<TailerListener["onReset"]>[0]): void {
    const before = this.#toReached(from) ?? from;
    if (reason === "expired") {
      // The feed has read the log beyond the expired changes.
      if (before.seq >= to.seq) return;
      // Reading the log from there on shows which changes have expired.
      this.#position = before;
      this.#fallBehind();
      this.resume();
      return;
    }
    this.#generation += 1;
    this.#clear();
    this.#isBehind = false;
    this.#position = to;
    for (const listener of this.#listeners) listener.onReset({ from: before, to, reason });
  }

  resume(): void {
    if (this.#isWaiting || this.#isRunning || this.#isIdle() || this.#closing.signal.aborted) return;
    this.#isRunning = true;
    this.#run().catch((error) => {
      if (!this.#closing.signal.aborted) this.#options.onReadError(error);
    });
  }

  close(): void {
    this.#generation += 1;
    this.#clear();
    this.#listeners.clear();
    this.#closing.abort();
  }

  /**
   * The feed's position, or the tailer's if the feed is idle and the tailer is ahead. A BEAT can have reported this position, so no later message may start
   * before it. A feed that has read the log itself can be ahead of the tailer.
   */
  #toReached(tailed: DeliveredPosition | undefined): DeliveredPosition | undefined {
    const delivered = this.#position;
    const isTailerAhead = tailed !== undefined && (tailed.epoch !== delivered?.epoch || tailed.seq > delivered.seq);
    return this.#isIdle() && isTailerAhead ? tailed : delivered;
  }

  #isIdle(): boolean {
    return !this.#isBehind && !this.#isRunning && this.#pending.length === 0;
  }

  #clear(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #fallBehind(): void {
    this.#clear();
    this.#isBehind = true;
    this.#pageLimit = PAGE_LIMIT_FIRST;
  }

  async #run(): Promise<void> {
    try {
      while (this.#position !== undefined && !this.#closing.signal.aborted) {
        const generation = this.#generation;
        // Verdicts that are known at once are delivered in the turn in which the change arrives.
        const changes = this.#isBehind ? await this.#readBehind() : this.#takePending();
        if (changes === undefined) return;
        if (generation !== this.#generation || changes.length === 0) continue;
        const kept = this.#options.view.show(changes, this.#closing.signal);
        const delivery = this.#deliverKept(isPending(kept) ? await kept : kept, generation);
        if (isPending(delivery)) await delivery;
      }
    } finally {
      // Cleared in the turn in which the loop ends. Otherwise a change in between would rely on a loop that has ended.
      this.#isRunning = false;
    }
  }

  /** Settles when everything is delivered, at once if it is one slice. `generation`: that in which the changes were taken. */
  #deliverKept({ kept, failed }: KeptChanges, generation: number): MaybePromise<void> {
    if (generation !== this.#generation) return;
    const [first, ...others] = toSlices(kept, this.#options);
    if (first) this.#deliver(first);
    if (others.length > 0) return this.#deliverOthers(others, generation).then(() => this.#settle(failed, generation));
    this.#settle(failed, generation);
  }

  async #deliverOthers(slices: readonly Slice[], generation: number): Promise<void> {
    for (const slice of slices) {
      // Sockets drain meanwhile.
      await nextTick();
      if (generation !== this.#generation) return;
      this.#deliver(slice);
    }
  }

  /** Throws if the evaluation must be repeated later. */
  #settle(failed: FilterFailure | undefined, generation: number): void {
    if (!failed || generation !== this.#generation) return;
    // Changes that were taken and not delivered are read again.
    this.#fallBehind();
    if (isBusy(failed.error)) throw failed.error;
    if (this.#position) this.#position = { epoch: this.#position.epoch, seq: failed.seq };
    for (const listener of this.#listeners) listener.onFilterFailed(failed);
  }

  /** Takes whole uploads only, since the rest of an incomplete one is on its way. Undefined if there is nothing to take. */
  #takePending(): Change[] | undefined {
    let end = Math.min(this.#pending.length, TURN_MAX);
    while (end < this.#pending.length && this.#pending[end - 1]?.remainingInUpload !== undefined) end += 1;
    while (this.#pending[end - 1]?.remainingInUpload !== undefined) end -= 1;
    if (end === 0) return undefined;
    const taken = this.#pending.splice(0, end);
    this.#pendingBytes -= taken.reduce((sum, change) => sum + toChangeSize(change), 0);
    return taken;
  }

  /** Reads the next changes from the log. Returns an empty array when the feed has reached the tailer's position; from then on the tailer delivers. */
  async #readBehind(): Promise<readonly (Change | HiddenChange)[] | undefined> {
    const [position, end, generation] = [this.#position, this.#options.tailer.position(), this.#generation];
    if (position === undefined || end === undefined) return undefined;
    if (position.seq >= end.seq) {
      this.#isBehind = false;
      return [];
    }
    const page = await readWholeUploads(this.#options.reads, this.#options.endpointId, position.seq, Math.min(this.#pageLimit, TURN_MAX));
    if (generation !== this.#generation) return [];
    this.#pageLimit = toNextPageLimit(page, this.#pageLimit);
    // Changes that were committed before the read and are not in the page have expired.
    const expired =
      page[0] === undefined ? { epoch: end.epoch, seq: end.seq, proof: end.proof } : { epoch: position.epoch, seq: page[0].seq - 1 };
    if (expired.seq > position.seq) this.#skipTo(expired);
    return page;
  }

  #skipTo(to: LogPosition): void {
    const from = this.#position;
    this.#position = to;
    if (from) for (const listener of this.#listeners) listener.onReset({ from, to, reason: "expired" });
  }

  #deliver({ last, encoded }: Slice): void {
    const before = this.#position;
    if (before === undefined) return;
    this.#position = advance(before, encoded, positionOf(last, before.epoch));
    if (encoded.length === 0) return;
    const batch = createChangeBatch(encoded, this.#position, before);
    for (const listener of this.#listeners) listener.onChanges(batch);
  }
}

/** The changes that are delivered in one turn of the event loop. */
interface Slice {
  /** The last change, which the filter may have left out. */
  last: Change | HiddenChange;
  encoded: EncodedChange[];
}

/** Splits the matching changes into slices of about `sliceBytes`. Each change is encoded with the earlier ones of its upload. */
function toSlices(
  changes: readonly (Change | HiddenChange)[],
  { sliceBytes, encode }: Pick<Parameters<typeof createFilteredFeed>[0], "sliceBytes" | "encode">,
): Slice[] {
  const slices: Slice[] = [];
  let slice: Slice | undefined;
  let bytes = 0;
  const encoder = createUploadEncoder(encode);
  for (const change of changes) {
    if (slice === undefined || bytes >= sliceBytes) {
      slice = { last: change, encoded: [] };
      slices.push(slice);
      bytes = 0;
    }
    slice.last = change;
    if ("hidden" in change) continue;
    slice.encoded.push(encoder.encode(change));
    bytes += toChangeSize(change);
  }
  return slices;
}
