/**
 * The console's state: takes messages of the stream, buffers and filters events, and returns the rows that the page shows. Runs in the worker,
 * and on the server for the first paint.
 */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { ConnectionState } from "../../stream/stream-connection";
import type { StreamEvent } from "../../stream/stream-event";
import { type LogPage, parseStreamMessage } from "../../stream/stream-message";
import type { Place, PlaceOf } from "../log/log-place";
import { ChartCounter } from "./change-chart";
import type { EngineState, Flush, HistoryState, NewerState, SearchState } from "./console-messages";
import { EventBuffer, toWindow } from "./event-buffer";
import type { EventFilter } from "./event-filter";
import type { RingLimits } from "./event-ring";
import type { CompilePattern } from "./match-expression";
import { findNewest, findNewestSeqs, findOldest } from "./seq-lookup";
import { LiveTail } from "./streams/live-tail";
import { RateCounter } from "./streams/rate-counter";
import { ServerClock } from "./streams/server-clock";
import { StreamSources } from "./streams/stream-sources";

export const LIMITS: RingLimits = { eventsMax: 100_000, bytesMax: 128 * 1024 * 1024 };

const MARK_ID = "0".repeat(32);
const MARK_HIDDEN = Number.NaN;

/** Every method is fast except `setFilter`, which reads the whole buffer. */
export class ConsoleEngine extends EventBuffer {
  readonly #nowMs: () => number;
  readonly #rates = new RateCounter();
  #generation = 0;
  #connection: ConnectionState = { state: "connecting", attempt: 1 };
  #history: HistoryState = "loading";
  readonly #clock = new ServerClock();
  readonly #sources: StreamSources;
  readonly #placeOf: PlaceOf;
  /** Changes of several endpoints that have arrived since the last flush. They are sorted by time. */
  #arriving: StreamEvent[] = [];
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

  /** `placeOf`: how the log names the place of a change. Default: by its seq. */
  constructor({
    limits,
    filter,
    nowMs,
    placeOf = ({ seq }) => seq,
  }: {
    limits: RingLimits;
    filter: EventFilter;
    nowMs: () => number;
    placeOf?: PlaceOf;
  }) {
    super(limits);
    this.#placeOf = placeOf;
    this.#chart = new ChartCounter(this.ring);
    this.#applyFilter(filter);
    this.#nowMs = nowMs;
    this.#sources = new StreamSources((source) => ({
      // A list that shows another part of the log has no place for marks.
      mark: (...mark) => (this.#isDetached ? MARK_HIDDEN : this.#mark(source, ...mark)),
      rewrite: (...mark) => this.#rewriteMark(...mark),
    }));
  }

  /** The state that decides which part of the log to read next. */
  get state(): EngineState {
    return {
      cursor: this.cursor(0),
      oldest: this.#toPlace(findOldest(this.ring)),
      newest: this.#toPlace(findNewest(this.ring)),
      held: this.ring.changes,
      history: this.#history,
      isDetached: this.#isDetached,
      newer: this.#newer,
      search: this.#search,
      matched: this.matched,
      rowsShown: this.view.count,
    };
  }
  get clock(): ServerClock {
    return this.#clock;
  }
  /** Where to resume a stream; undefined before the log was read. */
  cursor(source: number): string | undefined {
    return this.#sources.cursor(source);
  }
  setCursor(source: number, cursor: string): void {
    this.#sources.setCursor(source, cursor);
  }
  nameSource(source: number, name: string): void {
    this.ring.nameSource(source, name);
  }
  placeOf(event: StreamEvent): Place {
    return this.#placeOf(event);
  }

  /** The state of a stream. */
  setConnection(state: ConnectionState, source = 0): void {
    if (this.#sources.setConnection(source, state, this.#nowMs())) this.#sources.recovery(source).finish(this.#serverNowMs());
    if (!this.ring.isMixed) this.#connection = state;
  }
  /** The state that the console shows for all streams together. */
  showConnection(state: ConnectionState): void {
    this.#connection = state;
  }
  /** Adds a line about an endpoint. */
  markSource(source: number, sentence: string): void {
    if (!this.#isDetached) this.#mark(source, "gap", sentence, 0, this.#serverNowMs());
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
  /** Fills the list with the newest page of the log, whose cursor is where the stream starts. */
  begin(page: LogPage): void {
    for (const event of page.events.toReversed()) this.append(event);
    if (page.cursor !== "") this.#sources.setCursor(0, page.cursor);
    this.#history = page.more ? "more" : "complete";
  }

  /** The stream's changes are kept aside from now on, because the list will show another part of the log. */
  detach(): void {
    if (this.#isDetached) return;
    this.#settle();
    this.#isDetached = true;
    this.#tail.clear();
    this.#sources.forget();
  }

  /** Replaces the list by a part of the log: `newer` begins at the place, `older` ends before it. The place is scrolled into view. */
  showPlace({ older, newer }: { older: LogPage; newer: LogPage }): void {
    this.#restart();
    for (const event of [...older.events.toReversed(), ...newer.events.toReversed()]) this.append(event);
    this.#history = older.more ? "more" : "complete";
    const first = newer.events.at(-1);
    this.#anchor = first && this.locate(first.seq, first.source)?.index;
    this.#newer = "more";
    if (!newer.more) this.#attach(newer);
  }

  /** Scrolls a row into view. */
  reveal(index: number): void {
    this.#anchor = index;
    this.#generation += 1;
  }

  /** Replaces the list by the newest page of the log, and follows the stream again. */
  showNewest(page: LogPage): void {
    this.#restart();
    for (const event of page.events.toReversed()) this.append(event);
    this.#history = page.more ? "more" : "complete";
    this.#attach(page);
  }

  /** Follows the stream again with the list as it is, because another part could not be read. */
  reattach(): void {
    this.#attach(undefined);
  }

  /** Appends the page of the log after the newest buffered change. At the log's end the list follows the stream again. */
  addNewer(page: LogPage): void {
    if (!this.#isDetached) return;
    for (const event of page.events.toReversed()) this.append(event);
    this.#newer = "more";
    if (!page.more) this.#attach(page);
  }

  /** `page`: the newest one of the log. The list has everything up to its end. */
  #attach(page: LogPage | undefined): void {
    const newest = findNewestSeqs(this.ring);
    const end = page && page.cursor !== "" ? parseCursor(page.cursor)?.seq : undefined;
    if (end !== undefined || !this.ring.isMixed) newest.set(0, Math.max(end ?? 0, newest.get(0) ?? 0));
    const missing = this.#tail.after((source) => newest.get(source));
    // Too many changes have arrived in the meantime: the next page has them.
    if (!missing) return;
    this.#isDetached = false;
    this.#tail.clear();
    for (const event of missing) this.append(event);
  }

  #restart(): void {
    this.#arriving = [];
    this.clear();
    this.#search = undefined;
    this.#generation += 1;
  }

  /** Prepends an older page, whose events are ordered newest first. */
  addOlder(page: LogPage): void {
    this.#history = !this.prepend(page.events) ? "full" : page.more ? "more" : "complete";
  }

  /**
   * Applies a filter to the whole buffer. The next flush reports the index of the ordinal `anchor`, or of the next ordinal in the list. `compile`: for
   * the filter's regular expressions. Throws what it throws, and then keeps the previous filter.
   */
  setFilter(filter: EventFilter, anchor: number | undefined, compile?: CompilePattern): void {
    this.#settle();
    this.#applyFilter(filter, compile);
    this.#filterProblem = undefined;
    this.#search = undefined;
    this.#generation += 1;
    this.refilter();
    this.#anchor = anchor === undefined ? undefined : this.list.indexFrom(anchor);
  }

  #applyFilter(filter: EventFilter, compile?: CompilePattern): void {
    this.compile(filter, compile);
    this.#chart.setRange(filter.range);
  }

  /** Called before the stream is reopened, with the last seq of the log. Changes up to there were missed while disconnected. */
  expectResume(seq: number, source = 0): void {
    this.#sources.recovery(source).expect(seq, this.#clock.toServerMs(this.#sources.lostMs(source) ?? this.#nowMs()));
  }

  /** Processes a message of a stream. Returns true for READY, the first message. */
  receive(text: string, source = 0): boolean {
    const message = parseStreamMessage(text, this.#nowMs());
    if (!message) return false;
    const recovery = this.#sources.recovery(source);
    this.#sources.setCursor(source, message.cursor);
    switch (message.type) {
      case "ready":
        recovery.begin(parseCursor(message.cursor)?.seq, this.#serverNowMs());
        return true;
      case "heartbeat":
        recovery.receive(0, parseCursor(message.cursor)?.seq, this.#serverNowMs());
        return false;
      case "gap":
        recovery.receiveGap(message, this.#serverNowMs());
        return false;
      case "changes":
        for (const event of message.events) this.#receiveChange(source === 0 ? event : { ...event, source });
        this.#rates.count(message.events.length, this.#nowMs());
        recovery.receive(message.events.length, parseCursor(message.cursor)?.seq, this.#serverNowMs());
        return false;
    }
  }

  /** The current state for the page. */
  flush(): Flush {
    this.#settle();
    const { first, end } = this.range();
    const { from, to } = toWindow(this.view, this.range());
    const rows = Array.from({ length: to - from }, (_, offset) => this.rows.get(this.list.at(from + offset), this.view.characters));
    const anchor = this.#anchor;
    this.#anchor = undefined;
    return {
      type: "flush",
      generation: this.#generation,
      first,
      end,
      total: this.ring.changes,
      matched: this.matched,
      arrived: this.#arrived,
      detached: this.#isDetached ? { arrived: this.#tail.received, newer: this.#newer } : undefined,
      search: this.#search,
      buffered: this.list.end - end,
      paused: this.isPaused,
      discarded: this.ring.discarded,
      rate: this.#rates.read(this.#nowMs()),
      chart: this.#chart.read({ nowMs: this.#serverNowMs(), isDetached: this.#isDetached, isWholeLog: this.#history === "complete" }),
      connection: this.#connection,
      history: this.#history === "more" && (this.ring.discarded > 0 || this.ring.isFull) ? "full" : this.#history,
      from,
      rows,
      ...(anchor === undefined ? {} : { anchor }),
      ...(this.#filterProblem === undefined ? {} : { filterProblem: this.#filterProblem }),
    };
  }

  #serverNowMs(): number {
    return this.#clock.toServerMs(this.#nowMs());
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
    if (this.ring.isMixed) this.#arriving.push(received);
    else this.#add(received);
  }

  /** Adds what has arrived, in the order of time. */
  #settle(): void {
    const arrived = this.#arriving;
    if (arrived.length === 0) return;
    this.#arriving = [];
    for (const event of arrived.toSorted((one, other) => one.atMs - other.atMs)) this.#add(event);
  }

  #add(event: StreamEvent): void {
    const isDelete = event.kind === "delete";
    const ordinal = this.append(event);
    if (isDelete) this.times.add(ordinal);
    if (this.list.end > this.list.first && this.list.at(this.list.end - 1) === ordinal) this.#arrived += 1;
  }

  #toPlace(ordinal: number | undefined): Place | undefined {
    return ordinal === undefined
      ? undefined
      : this.#placeOf({ seq: this.ring.seq(ordinal), atMs: this.ring.atMs(ordinal), source: this.ring.source(ordinal) });
  }

  #mark(source: number, kind: "resumed" | "gap", sentence: string, seq: number, atMs: number): number {
    this.#settle();
    const data = JSON.stringify(sentence);
    return this.append({ kind, source, seq, atMs, receivedMs: atMs, recordId: MARK_ID, createdMs: atMs, updatedMs: atMs, data });
  }

  #rewriteMark(ordinal: number, kind: "resumed" | "gap", sentence: string): void {
    if (!this.ring.holds(ordinal)) return;
    this.ring.rewriteMark(ordinal, kind, JSON.stringify(sentence));
    this.rows.forget(ordinal);
  }
}
