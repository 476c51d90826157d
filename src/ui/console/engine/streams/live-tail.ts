/** Keeps the newest changes of the stream while the list shows an earlier part of the log, so that both can be joined without a gap. */
import type { StreamEvent } from "../../../stream/stream-event";

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

  /** The changes that follow those up to `newestOf` their endpoint. Undefined if some of them were dropped. */
  after(newestOf: (source: number) => number | undefined): StreamEvent[] | undefined {
    const kept = this.#events.slice(this.#first);
    if (this.#isCut) {
      const seen = new Set<number>();
      for (const { source = 0, seq } of kept) {
        const newest = newestOf(source);
        if (!seen.has(source) && newest !== undefined && seq > newest + 1) return undefined;
        seen.add(source);
      }
    }
    return kept.filter(({ source = 0, seq }) => seq > (newestOf(source) ?? -1));
  }

  clear(): void {
    this.#events = [];
    this.#first = 0;
    this.#length = 0;
    this.#received = 0;
    this.#isCut = false;
  }
}
