/** The buffered events and those of them that the filter matches: what the list shows. */
import { isMarkKind, type StreamEvent } from "../../stream/stream-event";
import { PREVIEW_LENGTH_MAX } from "../list/row-view";
import type { View } from "./console-messages";
import { DeletionTimes } from "./deletion-times";
import { createMatcher, type EventFilter } from "./event-filter";
import { EventRing, type RingLimits } from "./event-ring";
import type { CompilePattern } from "./match-expression";
import { MatchedList } from "./matched-list";
import { RowCache } from "./row-cache";
import { findOrdinal } from "./seq-lookup";

/** Every method is fast except `setMatches`, which reads the whole buffer. */
export class EventBuffer {
  protected readonly ring: EventRing;
  protected readonly list: MatchedList;
  protected readonly rows: RowCache;
  protected readonly times: DeletionTimes;
  protected view: View = { follow: true, count: 60, characters: PREVIEW_LENGTH_MAX };
  #matches: ReturnType<typeof createMatcher> = () => true;
  /** The ordinal of the first event that is hidden by the pause. */
  #pausedAt: number | undefined;

  constructor(limits: RingLimits) {
    this.ring = new EventRing(limits);
    this.list = new MatchedList(limits.eventsMax);
    this.rows = new RowCache(this.ring);
    this.times = new DeletionTimes(this.ring);
  }

  setView(view: View): void {
    this.rows.setPins(view.pins ?? []);
    this.view = view;
  }

  pause(): void {
    this.#pausedAt ??= this.ring.end;
  }
  resume(): void {
    this.#pausedAt = undefined;
  }

  /** The ordinal of a buffered change, and its index in the list, or that of the next one. */
  locate(seq: number, source = 0): { ordinal: number; index: number } | undefined {
    const ordinal = findOrdinal(this.ring, seq, source);
    return ordinal === undefined ? undefined : { ordinal, index: this.list.indexFrom(ordinal) };
  }

  /** Prepends what a search has found, newest first. Returns false if the buffer is full. */
  addFound(events: readonly StreamEvent[]): boolean {
    for (const event of events) {
      if (!this.ring.prepend(event, true)) return false;
      this.list.prepend(this.ring.first);
    }
    return true;
  }

  /** The visible deletions whose time is an estimate. */
  get estimated(): { source: number; seq: number }[] {
    const { from, to } = toWindow(this.view, this.range());
    return this.times.of(Array.from({ length: this.times.isEmpty ? 0 : to - from }, (_, offset) => this.list.at(from + offset)));
  }

  /** Takes over the times of changes that were read from the log. */
  setTimes(events: readonly StreamEvent[]): void {
    for (const ordinal of this.times.set(events)) this.rows.forget(ordinal);
  }

  /** The event `by` rows from `from` in the filtered list, and its index. Without `from`: the newest event. */
  step(from: number | undefined, by: number): { ordinal: number | undefined; index: number } {
    return this.list.step(from, by, this.range());
  }

  /** The event, and the previous event of its record if that is buffered. Undefined if the event is not buffered. */
  get(ordinal: number): { event: StreamEvent; previous: StreamEvent | undefined; isEstimated: boolean } | undefined {
    if (!this.ring.holds(ordinal)) return undefined;
    const previous = this.ring.previous(ordinal);
    const isEstimated = this.times.has(ordinal);
    return { event: this.ring.read(ordinal), previous: previous === undefined ? undefined : this.ring.read(previous), isEstimated };
  }

  /** The events that match the filter, oldest first. While paused, those that are shown. */
  *matching(): Generator<StreamEvent, void> {
    const { first, end } = this.range();
    for (let index = first; index < end; index += 1) yield this.ring.read(this.list.at(index));
  }

  /** The number of changes that match, without marks. */
  protected get matched(): number {
    return this.list.end - this.list.first - this.list.marks;
  }
  protected get isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Compiles a filter for what is added from now on. */
  protected compile(filter: EventFilter, compile?: CompilePattern): void {
    const matches = createMatcher(filter, compile);
    this.#matches = filter.dims ? () => true : matches;
    this.rows.setDimmed(filter.dims ? (ordinal) => !matches(this.ring, ordinal) : undefined);
  }

  /** Filters the whole buffer again. */
  protected refilter(): void {
    // The changes that were found for another filter have holes for this one.
    this.ring.dropFound();
    this.list.clear();
    for (let ordinal = this.ring.first; ordinal < this.ring.end; ordinal += 1) this.#addIfMatching(ordinal);
  }

  protected clear(): void {
    this.ring.clear();
    this.list.clear();
    this.rows.clear();
    this.times.clear();
    this.#pausedAt = undefined;
  }

  /** The range of indexes that the list shows. */
  protected range(): { first: number; end: number } {
    return { first: this.list.first, end: this.#pausedAt === undefined ? this.list.end : this.list.indexFrom(this.#pausedAt) };
  }

  /** Prepends older events, newest first. Returns false if the buffer is full. */
  protected prepend(events: readonly StreamEvent[]): boolean {
    for (const event of events) {
      if (!this.ring.prepend(event)) return false;
      if (this.#matches(this.ring, this.ring.first)) this.list.prepend(this.ring.first);
    }
    return true;
  }

  protected append(event: StreamEvent): number {
    const ordinal = this.ring.append(event);
    this.list.dropBefore(this.ring.first);
    this.#addIfMatching(ordinal);
    return ordinal;
  }

  /** Returns true if the event matches the filter. */
  #addIfMatching(ordinal: number): boolean {
    if (!this.#matches(this.ring, ordinal)) return false;
    this.list.append(ordinal, isMarkKind(this.ring.kind(ordinal)));
    return true;
  }
}

/** The indexes of the rows that the page shows. */
export function toWindow(view: View, { first, end }: { first: number; end: number }): { from: number; to: number } {
  const from = view.follow ? Math.max(first, end - view.count) : Math.min(Math.max(first, view.from), end);
  return { from, to: Math.min(end, from + view.count) };
}
