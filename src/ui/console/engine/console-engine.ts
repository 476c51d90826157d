/**
 * The console's state: takes messages of the stream, buffers and filters events, and returns the rows that the page shows. Runs in the worker,
 * and on the server for the first paint.
 */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { ConnectionState } from "../../stream/stream-connection";
import { isMarkKind, type StreamEvent } from "../../stream/stream-event";
import { type LogPage, parseStreamMessage } from "../../stream/stream-message";
import { PREVIEW_LENGTH_MAX, type RowView, toPinPaths, toRowView } from "../list/row-view";
import { type Flush, type HistoryState, RATE_SECONDS, type View } from "./console-messages";
import { createMatcher, type EventFilter } from "./event-filter";
import { EventRing, type RingLimits } from "./event-ring";
import type { CompilePattern } from "./match-expression";
import { MatchedList } from "./matched-list";

export const LIMITS: RingLimits = { eventsMax: 100_000, bytesMax: 128 * 1024 * 1024 };

const ROW_CACHE_MAX = 2000;
const MARK_ID = "0".repeat(32);

const GAP_REASONS = {
  expired: "they are no longer in the log",
  epoch_changed: "the log was replaced",
  log_rewound: "the log was rolled back",
} as const;

/** Every method is fast except `setFilter`, which reads the whole buffer. */
export class ConsoleEngine {
  readonly #ring: EventRing;
  readonly #list: MatchedList;
  readonly #nowMs: () => number;
  readonly #rowCache = new Map<number, RowView>();
  readonly #rates = new Uint32Array(RATE_SECONDS + 1);
  #rateSecond = 0;
  #matches: ReturnType<typeof createMatcher>;
  #matchedMarks = 0;
  #generation = 0;
  #view: View = { follow: true, count: 60, characters: PREVIEW_LENGTH_MAX };
  #pins: ReturnType<typeof toPinPaths> = [];
  /** The ordinal of the first event that is hidden by the pause. */
  #pausedAt: number | undefined;
  #connection: ConnectionState = { state: "connecting", attempt: 1 };
  #history: HistoryState = "loading";
  #cursor: string | undefined;
  /** The last seq of the log when the stream is reopened after an interruption. */
  #resumeTo: number | undefined;
  #anchor: number | undefined;
  #filterProblem: string | undefined;

  constructor({ limits, filter, nowMs }: { limits: RingLimits; filter: EventFilter; nowMs: () => number }) {
    this.#ring = new EventRing(limits);
    this.#list = new MatchedList(limits.eventsMax);
    this.#matches = createMatcher(filter);
    this.#nowMs = nowMs;
  }

  /** The cursor to resume the stream from; undefined before the log was read. */
  get cursor(): string | undefined {
    return this.#cursor;
  }
  /** The seq of the oldest buffered change. */
  get oldestSeq(): number | undefined {
    for (let ordinal = this.#ring.first; ordinal < this.#ring.end; ordinal += 1) {
      if (!isMarkKind(this.#ring.kind(ordinal))) return this.#ring.seq(ordinal);
    }
    return undefined;
  }
  get history(): HistoryState {
    return this.#history;
  }

  setConnection(state: ConnectionState): void {
    this.#connection = state;
  }
  setHistory(state: HistoryState): void {
    this.#history = state;
  }
  /** Reports that a filter cannot be applied. The previous one stays. */
  rejectFilter(problem: string): void {
    this.#filterProblem = problem;
  }
  setView(view: View): void {
    if ((view.pins ?? []).join("\n") !== (this.#view.pins ?? []).join("\n")) {
      this.#pins = toPinPaths(view.pins ?? []);
      this.#rowCache.clear();
    }
    this.#view = view;
  }

  /** Fills the list with the newest page of the log, whose cursor is where the stream starts. */
  begin(page: LogPage): void {
    for (const event of page.events.toReversed()) this.#append(event);
    this.#cursor = page.cursor;
    this.#history = page.more ? "more" : "complete";
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
    this.#resumeTo = seq;
  }

  /** Processes a message of the stream. Returns true for READY, the first message. */
  receive(text: string): boolean {
    const message = parseStreamMessage(text, this.#nowMs());
    if (!message) return false;
    switch (message.type) {
      case "ready":
        this.#markResumed(message.cursor);
        this.#cursor = message.cursor;
        return true;
      case "heartbeat":
        this.#cursor = message.cursor;
        return false;
      case "gap":
        this.#markGap(message);
        this.#cursor = message.cursor;
        return false;
      case "changes":
        for (const event of message.events) this.#append(event);
        this.#countRate(message.events.length);
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
    this.#matches = createMatcher(filter, compile);
    this.#filterProblem = undefined;
    this.#generation += 1;
    this.#list.clear();
    this.#matchedMarks = 0;
    for (let ordinal = this.#ring.first; ordinal < this.#ring.end; ordinal += 1) this.#addIfMatching(ordinal);
    this.#anchor = anchor === undefined ? undefined : this.#list.indexFrom(anchor);
  }

  /** The event `by` rows from `from` in the filtered list, and its index. Without `from`: the newest event. */
  step(from: number | undefined, by: number): { ordinal: number | undefined; index: number } {
    const { first, end } = this.#range();
    if (end === first) return { ordinal: undefined, index: first };
    let index = from === undefined ? end - 1 : this.#list.indexFrom(from);
    if (from !== undefined) {
      const isShown = index < end && this.#list.at(index) === from;
      // One step from an event that the filter hides leads to its neighbour.
      index += isShown || by < 0 ? by : by - 1;
    }
    index = Math.min(Math.max(index, first), end - 1);
    return { ordinal: this.#list.at(index), index };
  }

  /** The event, and the previous event of its record if that is buffered. Undefined if the event is not buffered. */
  get(ordinal: number): { event: StreamEvent; previous: StreamEvent | undefined } | undefined {
    if (!this.#ring.holds(ordinal)) return undefined;
    const previous = this.#ring.previous(ordinal);
    return { event: this.#ring.read(ordinal), previous: previous === undefined ? undefined : this.#ring.read(previous) };
  }

  /** The events that match the filter, oldest first. While paused, those that are shown. */
  *matching(): Generator<StreamEvent, void> {
    const { first, end } = this.#range();
    for (let index = first; index < end; index += 1) yield this.#ring.read(this.#list.at(index));
  }

  /** The current state for the page. */
  flush(): Flush {
    const { first, end } = this.#range();
    const from = this.#view.follow ? Math.max(first, end - this.#view.count) : Math.min(Math.max(first, this.#view.from), end);
    const to = Math.min(end, from + this.#view.count);
    const rows: RowView[] = [];
    for (let index = from; index < to; index += 1) rows.push(cutPreview(this.#rowView(this.#list.at(index)), this.#view.characters));
    const rates = this.#readRates();
    const anchor = this.#anchor;
    this.#anchor = undefined;
    return {
      type: "flush",
      generation: this.#generation,
      first,
      end,
      total: this.#ring.changes,
      matched: this.#list.end - this.#list.first - this.#matchedMarks,
      buffered: this.#list.end - end,
      paused: this.#pausedAt !== undefined,
      discarded: this.#ring.discarded,
      rate: rates.at(-1) ?? 0,
      rates,
      connection: this.#connection,
      history: this.#history === "more" && (this.#ring.discarded > 0 || this.#ring.isFull) ? "full" : this.#history,
      from,
      rows,
      ...(anchor === undefined ? {} : { anchor }),
      ...(this.#filterProblem === undefined ? {} : { filterProblem: this.#filterProblem }),
    };
  }

  #range(): { first: number; end: number } {
    return { first: this.#list.first, end: this.#pausedAt === undefined ? this.#list.end : this.#list.indexFrom(this.#pausedAt) };
  }

  #append(event: StreamEvent): void {
    const ordinal = this.#ring.append(event);
    this.#dropLost();
    this.#addIfMatching(ordinal);
  }

  #addIfMatching(ordinal: number): void {
    if (!this.#matches(this.#ring, ordinal)) return;
    this.#list.append(ordinal);
    if (isMarkKind(this.#ring.kind(ordinal))) this.#matchedMarks += 1;
  }

  /** Drops events that the ring has dropped. Marks are rare, so they are recounted only then. */
  #dropLost(): void {
    const before = this.#list.first;
    this.#list.dropBefore(this.#ring.first);
    if (this.#list.first === before || this.#matchedMarks === 0) return;
    let marks = 0;
    for (let index = this.#list.first; index < this.#list.end; index += 1)
      if (isMarkKind(this.#ring.kind(this.#list.at(index)))) marks += 1;
    this.#matchedMarks = marks;
  }

  #markResumed(cursor: string): void {
    const to = this.#resumeTo;
    this.#resumeTo = undefined;
    const from = parseCursor(cursor)?.seq;
    if (to === undefined || from === undefined) return;
    const missed = to - from;
    this.#mark(
      "resumed",
      missed > 0 ? `Resumed · recovered ${missed} ${missed === 1 ? "change" : "changes"}` : "Resumed · no changes missed",
      from,
    );
  }

  #markGap({ from, to, reason }: { from: string; to: string; reason: keyof typeof GAP_REASONS }): void {
    const [start, end] = [parseCursor(from), parseCursor(to)];
    const part =
      start && end && start.epoch === end.epoch && end.seq > start.seq ? `changes ${start.seq + 1} to ${end.seq}` : "some changes";
    this.#mark("gap", `Gap · ${part} were missed: ${GAP_REASONS[reason]}`, end?.seq ?? 0);
  }

  #mark(kind: "resumed" | "gap", sentence: string, seq: number): void {
    const atMs = this.#nowMs();
    this.#append({
      kind,
      seq,
      atMs,
      receivedMs: atMs,
      recordId: MARK_ID,
      createdMs: atMs,
      updatedMs: atMs,
      data: JSON.stringify(sentence),
    });
  }

  #rowView(ordinal: number): RowView {
    const cached = this.#rowCache.get(ordinal);
    if (cached) return cached;
    if (this.#rowCache.size >= ROW_CACHE_MAX) this.#rowCache.clear();
    const row = toRowView(this.#ring, ordinal, this.#pins);
    this.#rowCache.set(ordinal, row);
    return row;
  }

  #countRate(count: number): void {
    const second = this.#advanceRates();
    const slot = second % this.#rates.length;
    this.#rates[slot] = (this.#rates[slot] ?? 0) + count;
  }

  /** Clears the slots of seconds that have started since the last call. Returns the current second. */
  #advanceRates(): number {
    const second = Math.floor(this.#nowMs() / 1000);
    const passed = Math.min(second - this.#rateSecond, this.#rates.length);
    for (let back = 0; back < passed; back += 1) this.#rates[(second - back) % this.#rates.length] = 0;
    this.#rateSecond = Math.max(this.#rateSecond, second);
    return second;
  }

  #readRates(): number[] {
    const second = this.#advanceRates();
    return Array.from({ length: RATE_SECONDS }, (_, index) => this.#rates[(second - RATE_SECONDS + index) % this.#rates.length] ?? 0);
  }
}

/** Cuts the preview to what fits, so that the page needs neither long texts nor CSS to shorten them. */
function cutPreview(row: RowView, characters: number): RowView {
  return row.preview.length > characters ? { ...row, preview: `${row.preview.slice(0, characters - 1)}…` } : row;
}
