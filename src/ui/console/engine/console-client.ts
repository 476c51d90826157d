/**
 * The page's connection to the console's worker: at most one flush per frame. The list draws every flush; the rest of the page, which React
 * renders, receives fewer of them during a flood.
 */

import type { StreamEvent } from "../../stream/stream-event";
import type { ExportRequest, ExportState } from "../export/export-changes";
import type { LogPlace } from "../log/log-place";
import type { ConsoleScope, Flush, FromWorker, PreviousVersion, ToWorker, View } from "./console-messages";
import type { EventFilter } from "./event-filter";

/** Above this rate no one can read every change. Only every second frame is then drawn, which leaves time for input. */
const READABLE_RATE = 300;
/** The interval of the flushes that the rest of the page receives during a flood. */
const FLOOD_INTERVAL_MS = 250;

export interface Detail {
  ordinal: number;
  /** Undefined: no longer in the buffer. */
  event: StreamEvent | undefined;
  previous: PreviousVersion;
}

export interface ConsoleClientOptions {
  scope: ConsoleScope;
  filter: EventFilter;
  /** The first paint by the server; shown until the worker has read the log. */
  initial: Flush;
  /** Called with every flush, but at most every 250 ms during a flood unless the state of the console changes. */
  onFlush: (flush: Flush) => void;
  /** Undefined: the newest changes are shown first. */
  place: LogPlace | undefined;
  paused: boolean;
  onSought: (sought: Sought) => void;
  /** Of a project: called when its endpoints have changed. */
  onEndpoints: (endpoints: EndpointsOfConsole) => void;
}

export type EndpointsOfConsole = FromWorker & { type: "endpoints" };

export type Sought = FromWorker & { type: "sought" };

export class ConsoleClient {
  readonly #worker: Worker;
  readonly #onFlush: (flush: Flush) => void;
  readonly #onSought: (sought: Sought) => void;
  readonly #onEndpoints: (endpoints: EndpointsOfConsole) => void;
  readonly #details = new Map<number, (detail: Detail) => void>();
  readonly #steps: ((step: { ordinal: number | undefined; index: number }) => void)[] = [];
  readonly #exports = new Map<number, (state: ExportState) => void>();
  #lastExport = 0;
  readonly #listeners = new Set<(flush: Flush) => void>();
  #snapshot: Flush;
  #hasLog = false;
  #frame = 0;
  #reported: Flush;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #reportTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ scope, filter, initial, place, paused, onFlush, onSought, onEndpoints }: ConsoleClientOptions) {
    this.#snapshot = initial;
    this.#reported = initial;
    this.#onFlush = onFlush;
    this.#onSought = onSought;
    this.#onEndpoints = onEndpoints;
    this.#worker = new Worker(new URL("./console-worker.ts", import.meta.url), { type: "module", name: "console" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#post({ type: "open", scope, origin: window.location.origin, filter, place, paused });
  }

  /** Calls `listener` with every flush, once a frame, before the browser paints. Returns a function that unsubscribes. */
  subscribe(listener: (flush: Flush) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setView(view: View): void {
    this.#post({ type: "view", view });
  }
  setFilter(filter: EventFilter, anchor: number | undefined, view: View): void {
    this.#post({ type: "filter", filter, anchor, view });
  }
  /** Sets how much time the chart shows. */
  setSpan(spanMs: number): void {
    this.#post({ type: "span", spanMs });
  }
  pause(): void {
    this.#post({ type: "pause" });
  }
  resume(): void {
    this.#post({ type: "resume" });
  }
  /** Connects immediately, even after the stream has ended. */
  reconnect(): void {
    this.#post({ type: "reconnect" });
  }
  /** Loads older changes, or searches further if there is a filter. */
  loadOlder(): void {
    this.#post({ type: "older" });
  }
  /** Loads what follows the list while it ends before the newest change. */
  loadNewer(): void {
    this.#post({ type: "newer" });
  }
  stopSearch(): void {
    this.#post({ type: "stop-search" });
  }
  /** Shows the part of the log around a place, or its end. `onSought` is called with the result, unless another place is requested meanwhile. */
  seek(place: LogPlace | { kind: "newest" }): void {
    this.#post({ type: "seek", place });
  }

  /** An event with the previous version of its record, which is read from the log if it is not in the buffer. */
  get(ordinal: number): Promise<Detail> {
    return new Promise((resolve) => {
      this.#details.set(ordinal, resolve);
      this.#post({ type: "detail", ordinal });
    });
  }

  /** The event `by` rows away in the filtered list. */
  step(from: number | undefined, by: number): Promise<{ ordinal: number | undefined; index: number }> {
    return new Promise((resolve) => {
      this.#steps.push(resolve);
      this.#post({ type: "step", from, by });
    });
  }

  /** Makes a file of changes. `onState` is called until the export has ended. Returns a function that stops it. */
  export(request: ExportRequest, onState: (state: ExportState) => void): () => void {
    this.#lastExport += 1;
    const id = this.#lastExport;
    this.#exports.set(id, onState);
    this.#post({ type: "export", id, request });
    return () => this.#post({ type: "stop-export", id });
  }

  /** Terminates the worker and its stream. */
  stop(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#reportTimer);
    this.#worker.onmessage = null;
    this.#worker.terminate();
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "flush":
        this.#show(message);
        return;
      case "detail":
        this.#details.get(message.ordinal)?.(message);
        this.#details.delete(message.ordinal);
        return;
      case "sought":
        this.#onSought(message);
        return;
      case "endpoints":
        this.#onEndpoints(message);
        return;
      case "exported":
        this.#exports.get(message.id)?.(message.state);
        if (message.state.state !== "reading") this.#exports.delete(message.id);
        return;
      case "stepped":
        // Replies arrive in the order of the requests.
        this.#steps.shift()?.(message);
        return;
    }
  }

  #show(flush: Flush): void {
    this.#hasLog ||= flush.history !== "loading";
    // Until the worker has read the log, the first paint has more events.
    this.#snapshot = this.#hasLog ? flush : { ...this.#snapshot, connection: flush.connection };
    this.#frame = requestAnimationFrame(() => {
      for (const listener of this.#listeners) listener(this.#snapshot);
      this.#report();
      const ready = () => this.#post({ type: "ready" });
      if (flush.rate > READABLE_RATE) this.#frame = requestAnimationFrame(ready);
      else ready();
    });
  }

  /** Passes the newest flush on, immediately or at the end of the interval. */
  #report(): void {
    clearTimeout(this.#reportTimer);
    const waitMs = this.#reportedMs + FLOOD_INTERVAL_MS - performance.now();
    if (this.#snapshot.rate > READABLE_RATE && waitMs > 0 && isSameState(this.#snapshot, this.#reported)) {
      this.#reportTimer = setTimeout(() => this.#report(), waitMs);
      return;
    }
    this.#reported = this.#snapshot;
    this.#reportedMs = performance.now();
    this.#onFlush(this.#snapshot);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}

/** True if two flushes differ only in counts and rows. */
function isSameState(one: Flush, other: Flush): boolean {
  return (
    one.generation === other.generation &&
    one.paused === other.paused &&
    one.history === other.history &&
    one.connection === other.connection &&
    one.search?.state === other.search?.state &&
    (one.detached === undefined) === (other.detached === undefined) &&
    one.total > 0 === other.total > 0 &&
    one.matched > 0 === other.matched > 0
  );
}
