/**
 * Brings the changes that a filter is true of to the streams that have it, in seq order (W4, W13): each is judged once for all of them. What is still
 * to be judged is bounded: a feed that falls behind goes on from the log. It must not know sessions.
 */
import { setImmediate as nextTick } from "node:timers/promises";
import type { Change } from "@/src/core/records/ports";
import { positionOf } from "@/src/core/streams/change-proof";
import type { HiddenChange, LogPosition } from "@/src/core/streams/ports";
import { createChangeBatch } from "../log/change-batch";
import { advance, type DeliveredPosition, toUploadBoundary } from "../log/delivered-position";
import type { TailerListener } from "../log/listener-index";
import type { LogTailer } from "../log/log-tailer";
import { PAGE_LIMIT_FIRST, toChangeSize, toNextPageLimit } from "../log/page-size";
import { createUploadEncoder, type EncodedChange } from "../wire/encode";
import { createFilteredReads, readWholeUploads, type StreamReads } from "./filtered-reads";
import { type FilterFailure, filterChanges, type RecordFilter } from "./record-filter";

/** Hears of changes that pass. Its methods must not throw. */
export interface FeedListener extends TailerListener {
  /** The filter fails on the change at this place, which is not delivered; what comes after it is. */
  onFilterFailed(failed: FilterFailure): void;
}

/** It is a listener of a tailer: to be added there with its first listener, and removed with its last. */
export interface FilteredFeed extends TailerListener {
  /** The log and the snapshots through the filter, for what its listeners are sent before they are live. They end with the feed. */
  readonly reads: StreamReads;
  /** Up to where changes have been judged, and those that pass delivered. */
  position(): DeliveredPosition | undefined;
  add(listener: FeedListener): void;
  remove(listener: FeedListener): void;
  listenerCount(): number;
  /** Goes on where the log could not be read, or the sandbox was busy: call it now and then. */
  resume(): void;
  /** Judges and delivers nothing more. */
  close(): void;
}

/** So many changes are judged before those of them that pass are delivered. */
const TURN_MAX = 128;

/**
 * From where the tailer is. `onlyOwner`: it hears of this user's changes alone, as all of its listeners do. `pendingBytesMax`: what waits to be judged; of
 * more it is read from the log again. `onReadError` hears that the log can't be read now.
 */
export function createFilteredFeed(options: {
  endpointId: string;
  onlyOwner: string | undefined;
  tailer: Pick<LogTailer, "position">;
  reads: StreamReads;
  filter: Pick<RecordFilter, "judge">;
  pendingBytesMax: number;
  /** After so many bytes of changes the event loop gets a turn, in which sockets drain. */
  sliceBytes: number;
  onReadError: (error: unknown) => void;
}): FilteredFeed {
  return new Feed(options);
}

class Feed implements FilteredFeed {
  readonly onlyOwner: string | undefined;
  readonly reads: StreamReads;
  readonly #options: Parameters<typeof createFilteredFeed>[0];
  readonly #listeners = new Set<FeedListener>();
  readonly #closing = new AbortController();
  /** Of what was delivered. While there is nothing to do, the tailer may be further on. */
  #position: DeliveredPosition | undefined;
  /** What the tailer delivered since, unless it was too much: then the log has it. */
  #pending: Change[] = [];
  #pendingBytes = 0;
  #isBehind = false;
  #isRunning = false;
  /** Rises when what was taken before no longer counts. */
  #generation = 0;
  #pageLimit = PAGE_LIMIT_FIRST;

  constructor(options: Parameters<typeof createFilteredFeed>[0]) {
    this.#options = options;
    this.onlyOwner = options.onlyOwner;
    this.reads = createFilteredReads(options.reads, options.filter, this.#closing.signal);
    const position = options.tailer.position();
    this.#position = position && toUploadBoundary(position);
    // The tailer does not deliver the beginning of the upload again: it is read from the log.
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

  onChanges({ encoded, before }: Parameters<TailerListener["onChanges"]>[0]): void {
    this.#position = this.#toReached(before);
    if (this.#isBehind) return;
    for (const { change } of encoded) {
      if (change.seq <= (this.#position?.seq ?? 0)) continue;
      this.#pending.push(change);
      this.#pendingBytes += toChangeSize(change);
    }
    if (this.#pendingBytes > this.#options.pendingBytesMax) this.#fallBehind();
    this.resume();
  }

  onReset({ from, to, reason }: Parameters<TailerListener["onReset"]>[0]): void {
    const before = this.#toReached(from) ?? from;
    if (reason === "expired") {
      // The feed reads the log itself, and may be past it.
      if (before.seq >= to.seq) return;
      // When the log is read from there on, it shows what is no longer kept.
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
    if (this.#isRunning || this.#isIdle() || this.#closing.signal.aborted) return;
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
   * The later of where the feed and the tailer are, while nothing waits to be judged: BEAT has reported that place, and no later message may begin before it.
   * The feed is ahead where it has read the log for itself.
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
        const changes = this.#isBehind ? await this.#readBehind() : this.#takePending();
        if (changes === undefined) return;
        if (generation === this.#generation && changes.length > 0) await this.#judge(changes);
      }
    } finally {
      // In the same turn in which the loop saw nothing to do: who comes in between would believe that it still runs.
      this.#isRunning = false;
    }
  }

  async #judge(changes: readonly (Change | HiddenChange)[]): Promise<void> {
    const generation = this.#generation;
    const { kept, failed } = await filterChanges(this.#options.filter, changes, this.#closing.signal);
    if (generation !== this.#generation) return;
    for (const [index, slice] of toSlices(kept, this.#options.sliceBytes).entries()) {
      // Sockets drain in between.
      if (index > 0) await nextTick();
      if (generation !== this.#generation) return;
      this.#deliver(slice);
    }
    if (!failed) return;
    // What was taken, and is not delivered, is read again.
    this.#fallBehind();
    if (failed.error.entry.retryable) throw failed.error;
    if (this.#position) this.#position = { epoch: this.#position.epoch, seq: failed.seq };
    for (const listener of this.#listeners) listener.onFilterFailed(failed);
  }

  /** Whole uploads: the rest of one is on its way. Undefined: there is nothing to take. */
  #takePending(): Change[] | undefined {
    let end = Math.min(this.#pending.length, TURN_MAX);
    while (end < this.#pending.length && this.#pending[end - 1]?.remainingInUpload !== undefined) end += 1;
    while (this.#pending[end - 1]?.remainingInUpload !== undefined) end -= 1;
    if (end === 0) return undefined;
    const taken = this.#pending.splice(0, end);
    this.#pendingBytes -= taken.reduce((sum, change) => sum + toChangeSize(change), 0);
    return taken;
  }

  /** What comes next in the log, up to where the tailer is; empty once that is reached, and what the tailer delivers from now on is taken from it. */
  async #readBehind(): Promise<(Change | HiddenChange)[] | undefined> {
    const [position, end, generation] = [this.#position, this.#options.tailer.position(), this.#generation];
    if (position === undefined || end === undefined) return undefined;
    if (position.seq >= end.seq) {
      this.#isBehind = false;
      return [];
    }
    const page = await readWholeUploads(this.#options.reads, this.#options.endpointId, position.seq, Math.min(this.#pageLimit, TURN_MAX));
    if (generation !== this.#generation) return [];
    this.#pageLimit = toNextPageLimit(page, this.#pageLimit);
    // What was committed before the read and is not in it is no longer kept.
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

/** What is delivered in one turn of the event loop. */
interface Slice {
  /** Up to where it goes, what is left out included. */
  last: Change | HiddenChange;
  encoded: EncodedChange[];
}

/** Those that pass, each with those of its upload that came before it, in slices of about so many bytes. */
function toSlices(changes: readonly (Change | HiddenChange)[], sliceBytes: number): Slice[] {
  const slices: Slice[] = [];
  let slice: Slice | undefined;
  let bytes = 0;
  const encoder = createUploadEncoder();
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
