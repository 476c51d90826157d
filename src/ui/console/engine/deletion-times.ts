/** Remembers deletions whose time is an estimate, until it is read from the log. The stream does not send the time of a deletion. */
import type { StreamEvent } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";

const ORDINALS_MAX = 10_000;

export class DeletionTimes {
  readonly #ring: EventRing;
  readonly #ordinals = new Set<number>();

  constructor(ring: EventRing) {
    this.#ring = ring;
  }

  get isEmpty(): boolean {
    return this.#ordinals.size === 0;
  }

  add(ordinal: number): void {
    const [oldest] = this.#ordinals;
    if (oldest !== undefined && this.#ordinals.size >= ORDINALS_MAX) this.#ordinals.delete(oldest);
    this.#ordinals.add(ordinal);
  }

  has(ordinal: number): boolean {
    return this.#ordinals.has(ordinal);
  }

  /** Those of the ordinals whose time is an estimate. */
  of(ordinals: readonly number[]): { source: number; seq: number }[] {
    return ordinals.flatMap((ordinal) =>
      this.#ordinals.has(ordinal) ? [{ source: this.#ring.source(ordinal), seq: this.#ring.seq(ordinal) }] : [],
    );
  }

  /** Takes over the times of changes from the log. Returns the ordinals of those that had an estimate. */
  set(events: readonly StreamEvent[]): number[] {
    const times = new Map(events.map(({ source = 0, seq, atMs }) => [`${source} ${seq}`, atMs]));
    const found: number[] = [];
    for (const ordinal of this.#ordinals) {
      if (!this.#ring.holds(ordinal)) continue;
      const atMs = times.get(`${this.#ring.source(ordinal)} ${this.#ring.seq(ordinal)}`);
      if (atMs === undefined) continue;
      this.#ring.setAtMs(ordinal, atMs);
      found.push(ordinal);
    }
    for (const ordinal of found) this.#ordinals.delete(ordinal);
    return found;
  }

  clear(): void {
    this.#ordinals.clear();
  }
}
