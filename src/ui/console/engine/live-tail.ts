/** Keeps the newest changes of the stream while the list shows an earlier part of the log, so that both can be joined without a gap. */
import type { StreamEvent } from "../../stream/stream-event";

const EVENTS_MAX = 5_000;
const LENGTH_MAX = 16 * 1024 * 1024;

export class LiveTail {
  #events: StreamEvent[] = [];
  #length = 0;
  #first = 0;
  #received = 0;
  #isCut = false;

  /** The number of changes that have arrived, also of those that are no longer kept. */
  get received(): number {
    return this.#received;
  }

  add(event: StreamEvent): void {
    this.#received += 1;
    this.#events.push(event);
    this.#length += event.data.length;
    while (this.#events.length - this.#first > EVENTS_MAX || (this.#length > LENGTH_MAX && this.#events.length - this.#first > 1)) {
      this.#length -= this.#events[this.#first]?.data.length ?? 0;
      this.#first += 1;
      this.#isCut = true;
    }
    if (this.#first > EVENTS_MAX) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The changes after `seq`. Undefined if some of those that follow it were dropped. */
  after(seq: number): StreamEvent[] | undefined {
    const kept = this.#events.slice(this.#first);
    const [oldest] = kept;
    if (this.#isCut && oldest && oldest.seq > seq + 1) return undefined;
    return kept.filter((event) => event.seq > seq);
  }

  clear(): void {
    this.#events = [];
    this.#first = 0;
    this.#length = 0;
    this.#received = 0;
    this.#isCut = false;
  }
}
