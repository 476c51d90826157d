/** The page's side of the console: speaks with the worker, one flush a frame. It must not know how things are shown. */

import type { StreamEvent } from "../../stream/stream-event";
import type { Flush, FromWorker, PreviousVersion, ToWorker, View } from "./console-messages";
import type { EventFilter } from "./event-filter";

/** Of more changes a second nobody reads each: every second frame is then enough, and the others are free for the reader's own doings. */
const READABLE_RATE = 300;

export interface Detail {
  ordinal: number;
  /** Undefined: no longer held. */
  event: StreamEvent | undefined;
  previous: PreviousVersion;
}

export interface ConsoleClientOptions {
  endpointId: string;
  filter: EventFilter;
  /** What the server painted; shown until the worker has read the log. */
  initial: Flush;
  onFlush: (flush: Flush) => void;
}

export class ConsoleClient {
  readonly #worker: Worker;
  readonly #onFlush: (flush: Flush) => void;
  readonly #details = new Map<number, (detail: Detail) => void>();
  readonly #steps: ((step: { ordinal: number | undefined; index: number }) => void)[] = [];
  #snapshot: Flush;
  #hasBegun = false;
  #frame = 0;

  constructor({ endpointId, filter, initial, onFlush }: ConsoleClientOptions) {
    this.#snapshot = initial;
    this.#onFlush = onFlush;
    this.#worker = new Worker(new URL("./console-worker.ts", import.meta.url), { type: "module", name: "console" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#post({ type: "open", endpointId, origin: window.location.origin, filter });
  }

  setView(view: View): void {
    this.#post({ type: "view", view });
  }
  setFilter(filter: EventFilter, anchor: number | undefined, view: View): void {
    this.#post({ type: "filter", filter, anchor, view });
  }
  pause(): void {
    this.#post({ type: "pause" });
  }
  resume(): void {
    this.#post({ type: "resume" });
  }
  /** Connects at once, also after the stream has ended. */
  reconnect(): void {
    this.#post({ type: "reconnect" });
  }
  loadOlder(): void {
    this.#post({ type: "older" });
  }

  /** An event with the version before it; read from the log where the worker does not hold that. */
  look(ordinal: number): Promise<Detail> {
    return new Promise((resolve) => {
      this.#details.set(ordinal, resolve);
      this.#post({ type: "detail", ordinal });
    });
  }

  /** The event `by` rows away among those shown. */
  step(from: number | undefined, by: number): Promise<{ ordinal: number | undefined; index: number }> {
    return new Promise((resolve) => {
      this.#steps.push(resolve);
      this.#post({ type: "step", from, by });
    });
  }

  /** Ends the worker, and the stream with it. */
  stop(): void {
    cancelAnimationFrame(this.#frame);
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
      case "stepped":
        // Answers come in the order of the questions.
        this.#steps.shift()?.(message);
        return;
    }
  }

  #show(flush: Flush): void {
    this.#hasBegun ||= flush.history !== "loading";
    // Until the log is read the worker knows less than the first paint does.
    this.#snapshot = this.#hasBegun ? flush : { ...this.#snapshot, connection: flush.connection };
    this.#onFlush(this.#snapshot);
    const ready = () => this.#post({ type: "ready" });
    const isFlood = flush.rate > READABLE_RATE;
    this.#frame = requestAnimationFrame(() => {
      if (isFlood) this.#frame = requestAnimationFrame(ready);
      else ready();
    });
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
