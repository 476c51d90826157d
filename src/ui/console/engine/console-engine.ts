/**
 * The console's state: takes messages of the stream, buffers and filters events, and returns the rows that the page shows. Runs in the worker,
 * and on the server for the first paint.
 */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { ConnectionState } from "../../stream/stream-connection";
import { isMarkKind, type StreamEvent } from "../../stream/stream-event";
import { type LogPage, parseStreamMessage } from "../../stream/stream-message";
import { PREVIEW_LENGTH_MAX } from "../list/row-view";
import { ChartCounter } from "./change-chart";
import type { EngineState, Flush, HistoryState, NewerState, SearchState, View } from "./console-messages";
import { DeletionTimes } from "./deletion-times";
import { createMatcher, type EventFilter } from "./event-filter";
import { EventRing, type RingLimits } from "./event-ring";
import { LiveTail } from "./live-tail";
import type { CompilePattern } from "./match-expression";
import { MatchedList } from "./matched-list";
import { RateCounter } from "./rate-counter";
import { type MarkedList, Recovery } from "./recovery";
import { RowCache } from "./row-cache";
import { findNewestSeq, findOldestSeq, findOrdinal } from "./seq-lookup";
import { ServerClock } from "./server-clock";

export const LIMITS: RingLimits = { eventsMax: 100_000, bytesMax: 128 * 1024 * 1024 };

const MARK_ID = "0".repeat(32);
const MARK_HIDDEN = Number.NaN;

/** Every method is fast except `setFilter`, which reads the whole buffer. */
export class ConsoleEngine {
  readonly #ring: EventRing;
  readonly #list: MatchedList;
  readonly #nowMs: () => number;
  readonly #rows: RowCache;
  readonly #rates = new RateCounter();
  #matches: ReturnType<typeof createMatcher>;
  #generation = 0;
  #view: View = { follow: true, count: 60, characters: PREVIEW_LENGTH_MAX };
  /** The ordinal of the first event that is hidden by the pause. */
  #pausedAt: number | undefined;
  #connection: ConnectionState = { state: "connecting", attempt: 1 };
  #history: HistoryState = "loading";
  #cursor: string | undefined;
  /** When the connection was lost, by this computer's clock. */
  #lostMs: number | undefined;
  readonly #clock = new ServerClock();
  readonly #recovery: Recovery;
  readonly #times: DeletionTimes;
  /** The number of matching changes that the stream has sent. */
  #arrived = 0;
  /** True while the list ends before the newest change. */
  #isDetached = false;
  readonly #tail = new LiveTail();
  #newer: NewerState = "more";
  #search: SearchState | undefined;
  #anchor: number | undefined;
  #filterProblem: string | undefined;
  readonly #chart: ChartCounter;

  constructor({ limits, filter, nowMs }: { limits: RingLimits; filter: EventFilter; nowMs: () => number }) {
    this.#ring = new EventRing(limits);
    this.#rows = new RowCache(this.#ring);
    this.#times = new DeletionTimes(this.#ring);
    this.#chart = new ChartCounter(this.#ring);
    this.#list = new MatchedList(limits.eventsMax);
    this.#matches = () => true;
    this.#applyFilter(filter);
    this.#nowMs = nowMs;
    const list = {
      // A list that shows another part of the log has no place for marks.
      mark: (...mark: Parameters<MarkedList["mark"]>) => (this.#isDetached ? MARK_HIDDEN : this.#mark(...mark)),
      rewrite: (...mark: Parameters<MarkedList["rewrite"]>) => this.#rewriteMark(...mark),
    };
    this.#recovery = new Recovery(list);
  }

  /** The state that decides which part of the log to read next. */
  get state(): EngineState {
    return {
      cursor: this.#cursor,
      oldestSeq: findOldestSeq(this.#ring),
      newestSeq: findNewestSeq(this.#ring),
      history: this.#history,
      isDetached: this.#isDetached,
      newer: this.#newer,
      search: this.#search,
      matched: this.#matched,
      rowsShown: this.#view.count,
    };
  }
  get clock(): ServerClock {
    return this.#clock;
  }
  /** The number of changes that match, without marks. */
  get #matched(): number {
    return this.#list.end - this.#list.first - this.#list.marks;
  }

  setConnection(state: ConnectionState): void {
    if (this.#connection.state === "live" && state.state !== "live") {
      this.#lostMs = this.#nowMs();
      this.#recovery.finish(this.#serverNowMs());
    }
    this.#connection = state;
  }
  setHistory(state: HistoryState): void {
    this.#history = state;
  }
  setNewer(state: NewerState): void {
    this.#newer = state;
  }
  setSearch(state: SearchState | undefined): void {
    this.#search = state;
  }
  /** Reports that a filter cannot be applied. The previous one stays. */
  rejectFilter(problem: string): void {
    this.#filterProblem = problem;
  }
  /** Sets how much time the chart shows. */
  setSpan(spanMs: number): void {
    this.#chart.setSpan(spanMs);
  }
  setView(view: View): void {
    this.#rows.setPins(view.pins ?? []);
    this.#view = view;
  }

  /** Fills the list with the newest page of the log, whose cursor is where the stream starts. */
  begin(page: LogPage): void {
    for (const event of page.events.toReversed()) this.#append(event);
    this.#cursor = page.cursor;
    this.#history = page.more ? "more" : "complete";
  }

  /** The stream's changes are kept aside from now on, because the list will show another part of the log. */
  detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#tail.clear();
    this.#recovery.forget();
  }

  /** Replaces the list by a part of the log: `newer` begins at the place, `older` ends before it. The place is scrolled into view. */
  showPlace({ older, newer }: { older: LogPage; newer: LogPage }): void {
    this.#restart();
    for (const event of [...older.events.toReversed(), ...newer.events.toReversed()]) this.#append(event);
    this.#history = older.more ? "more" : "complete";
    this.#anchor = this.locate(newer.events.at(-1)?.seq ?? 0)?.index;
    this.#newer = "more";
    if (!newer.more) this.#attach(toSeq(newer));
  }

  /** Scrolls a row into view. */
  reveal(index: number): void {
    this.#anchor = index;
    this.#generation += 1;
  }

  /** Replaces the list by the newest page of the log, and follows the stream again. */
  showNewest(page: LogPage): void {
    this.#restart();
    for (const event of page.events.toReversed()) this.#append(event);
    this.#history = page.more ? "more" : "complete";
    this.#attach(toSeq(page));
  }

  /** Follows the stream again with the list as it is, because another part could not be read. */
  reattach(): void {
    this.#attach(0);
  }

  /** Appends the page of the log after the newest buffered change. At the log's end the list follows the stream again. */
  addNewer(page: LogPage): void {
    if (!this.#isDetached) return;
    for (const event of page.events.toReversed()) this.#append(event);
    this.#newer = "more";
    if (!page.more) this.#attach(toSeq(page));
  }

  /** `seq`: the list has everything up to there. */
  #attach(seq: number): void {
    const missing = this.#tail.after(Math.max(seq, findNewestSeq(this.#ring) ?? 0));
    // Too many changes have arrived in the meantime: the next page has them.
    if (!missing) return;
    this.#isDetached = false;
    this.#tail.clear();
    for (const event of missing) this.#append(event);
  }

  #restart(): void {
    this.#ring.clear();
    this.#list.clear();
    this.#rows.clear();
    this.#times.clear();
    this.#pausedAt = undefined;
    this.#search = undefined;
    this.#generation += 1;
  }

  /** The ordinal of a buffered change, and its index in the list, or that of the next one. */
  locate(seq: number): { ordinal: number; index: number } | undefined {
    const ordinal = findOrdinal(this.#ring, seq);
    return ordinal === undefined ? undefined : { ordinal, index: this.#list.indexFrom(ordinal) };
  }

  /** Prepends what a search has found, newest first. Returns false if the buffer is full. */
  addFound(events: readonly StreamEvent[]): boolean {
    for (const event of events) {
      if (!this.#ring.prepend(event, true)) return false;
      this.#list.prepend(this.#ring.first);
    }
    return true;
  }

  /** The seqs of visible deletions whose time is an estimate. */
  get estimatedSeqs(): number[] {
    const { from, to } = toWindow(this.#view, this.#range());
    return this.#times.seqsOf(Array.from({ length: this.#times.isEmpty ? 0 : to - from }, (_, offset) => this.#list.at(from + offset)));
  }

  /** Takes over the times of changes that were read from the log. */
  setTimes(events: readonly StreamEvent[]): void {
    for (const ordinal of this.#times.set(events)) this.#rows.forget(ordinal);
  }

  /** Prepends an older page, whose events are ordered newest first. */
  addOlder(page: LogPage): void {
    this.#history = page.more ? "more" : "complete";
    for (const event of page.events) {
      if (!this.#ring.prepend(event)) {
        this.#history = "full";
        return;
      }
      if (this.#matches(this.#ring, this.#ring.first)) this.#list.prepend(this.#ring.first);
    }
  }

  /** Called before the stream is reopened, with the last seq of the log. Changes up to there were missed while disconnected. */
  expectResume(seq: number): void {
    this.#recovery.expect(seq, this.#clock.toServerMs(this.#lostMs ?? this.#nowMs()));
  }

  /** Processes a message of the stream. Returns true for READY, the first message. */
  receive(text: string): boolean {
    const message = parseStreamMessage(text, this.#nowMs());
    if (!message) return false;
    switch (message.type) {
      case "ready":
        this.#recovery.begin(parseCursor(message.cursor)?.seq, this.#serverNowMs());
        this.#cursor = message.cursor;
        return true;
      case "heartbeat":
        this.#recovery.receive(0, parseCursor(message.cursor)?.seq, this.#serverNowMs());
        this.#cursor = message.cursor;
        return false;
      case "gap":
        this.#recovery.receiveGap(message, this.#serverNowMs());
        this.#cursor = message.cursor;
        return false;
      case "changes":
        for (const event of message.events) this.#receiveChange(event);
        this.#rates.count(message.events.length, this.#nowMs());
        this.#recovery.receive(message.events.length, parseCursor(message.cursor)?.seq, this.#serverNowMs());
        this.#cursor = message.cursor;
        return false;
    }
  }

  pause(): void {
    this.#pausedAt ??= this.#ring.end;
  }
  resume(): void {
    this.#pausedAt = undefined;
  }

  /**
   * Applies a filter to the whole buffer. The next flush reports the index of the ordinal `anchor`, or of the next ordinal in the list. `compile`: for
   * the filter's regular expressions. Throws what it throws, and then keeps the previous filter.
   */
  setFilter(filter: EventFilter, anchor: number | undefined, compile?: CompilePattern): void {
    this.#applyFilter(filter, compile);
    this.#filterProblem = undefined;
    this.#search = undefined;
    // The changes that were found for another filter have holes for this one.
    this.#ring.dropFound();
    this.#generation += 1;
    this.#list.clear();
    for (let ordinal = this.#ring.first; ordinal < this.#ring.end; ordinal += 1) this.#addIfMatching(ordinal);
    this.#anchor = anchor === undefined ? undefined : this.#list.indexFrom(anchor);
  }

  #applyFilter(filter: EventFilter, compile?: CompilePattern): void {
    const matches = createMatcher(filter, compile);
    this.#matches = filter.dims ? () => true : matches;
    this.#chart.setRange(filter.range);
    this.#rows.setDimmed(filter.dims ? (ordinal) => !matches(this.#ring, ordinal) : undefined);
  }

  /** The event `by` rows from `from` in the filtered list, and its index. Without `from`: the newest event. */
  step(from: number | undefined, by: number): { ordinal: number | undefined; index: number } {
    return this.#list.step(from, by, this.#range());
  }

  /** The event, and the previous event of its record if that is buffered. Undefined if the event is not buffered. */
  get(ordinal: number): { event: StreamEvent; previous: StreamEvent | undefined; isEstimated: boolean } | undefined {
    if (!this.#ring.holds(ordinal)) return undefined;
    const previous = this.#ring.previous(ordinal);
    const isEstimated = this.#times.has(ordinal);
    return { event: this.#ring.read(ordinal), previous: previous === undefined ? undefined : this.#ring.read(previous), isEstimated };
  }

  /** The events that match the filter, oldest first. While paused, those that are shown. */
  *matching(): Generator<StreamEvent, void> {
    const { first, end } = this.#range();
    for (let index = first; index < end; index += 1) yield this.#ring.read(this.#list.at(index));
  }

  /** The current state for the page. */
  flush(): Flush {
    const { first, end } = this.#range();
    const { from, to } = toWindow(this.#view, this.#range());
    const rows = Array.from({ length: to - from }, (_, offset) => this.#rows.get(this.#list.at(from + offset), this.#view.characters));
    const anchor = this.#anchor;
    this.#anchor = undefined;
    return {
      type: "flush",
      generation: this.#generation,
      first,
      end,
      total: this.#ring.changes,
      matched: this.#matched,
      arrived: this.#arrived,
      detached: this.#isDetached ? { arrived: this.#tail.received, newer: this.#newer } : undefined,
      search: this.#search,
      buffered: this.#list.end - end,
      paused: this.#pausedAt !== undefined,
      discarded: this.#ring.discarded,
      rate: this.#rates.read(this.#nowMs()),
      chart: this.#chart.read({ nowMs: this.#serverNowMs(), isDetached: this.#isDetached, isWholeLog: this.#history === "complete" }),
      connection: this.#connection,
      history: this.#history === "more" && (this.#ring.discarded > 0 || this.#ring.isFull) ? "full" : this.#history,
      from,
      rows,
      ...(anchor === undefined ? {} : { anchor }),
      ...(this.#filterProblem === undefined ? {} : { filterProblem: this.#filterProblem }),
    };
  }

  #serverNowMs(): number {
    return this.#clock.toServerMs(this.#nowMs());
  }

  #range(): { first: number; end: number } {
    return { first: this.#list.first, end: this.#pausedAt === undefined ? this.#list.end : this.#list.indexFrom(this.#pausedAt) };
  }

  #append(event: StreamEvent): number {
    const ordinal = this.#ring.append(event);
    this.#list.dropBefore(this.#ring.first);
    this.#addIfMatching(ordinal);
    return ordinal;
  }

  /** Returns true if the event matches the filter. */
  #addIfMatching(ordinal: number): boolean {
    if (!this.#matches(this.#ring, ordinal)) return false;
    this.#list.append(ordinal, isMarkKind(this.#ring.kind(ordinal)));
    return true;
  }

  /** Adds a change that the stream has sent. */
  #receiveChange(event: StreamEvent): void {
    const isDelete = event.kind === "delete";
    if (!isDelete) this.#clock.noteMessage(event.updatedMs, event.receivedMs);
    // A deletion does not change the record's times. Its own time is estimated until it is read from the log.
    const received = isDelete ? { ...event, atMs: this.#clock.toServerMs(event.receivedMs) } : event;
    if (this.#isDetached) {
      this.#tail.add(received);
      return;
    }
    const ordinal = this.#append(received);
    if (isDelete) this.#times.add(ordinal);
    if (this.#list.end > this.#list.first && this.#list.at(this.#list.end - 1) === ordinal) this.#arrived += 1;
  }

  #mark(kind: "resumed" | "gap", sentence: string, seq: number, atMs: number): number {
    const data = JSON.stringify(sentence);
    return this.#append({ kind, seq, atMs, receivedMs: atMs, recordId: MARK_ID, createdMs: atMs, updatedMs: atMs, data });
  }

  #rewriteMark(ordinal: number, kind: "resumed" | "gap", sentence: string): void {
    if (!this.#ring.holds(ordinal)) return;
    this.#ring.rewriteMark(ordinal, kind, JSON.stringify(sentence));
    this.#rows.forget(ordinal);
  }
}

/** The indexes of the rows that the page shows. */
function toWindow(view: View, { first, end }: { first: number; end: number }): { from: number; to: number } {
  const from = view.follow ? Math.max(first, end - view.count) : Math.min(Math.max(first, view.from), end);
  return { from, to: Math.min(end, from + view.count) };
}

/** The end of the log when the page was read. */
function toSeq({ cursor }: LogPage): number {
  return parseCursor(cursor)?.seq ?? 0;
}
