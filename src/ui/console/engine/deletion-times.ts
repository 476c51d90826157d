/** Remembers deletions whose time is an estimate, until it is read from the log. The stream does not send the time of a deletion. */
import type { StreamEvent } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";
import { findOrdinal } from "./seq-lookup";

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

  /** The seqs of those of the ordinals whose time is an estimate. */
  seqsOf(ordinals: readonly number[]): number[] {
    return ordinals.flatMap((ordinal) => (this.#ordinals.has(ordinal) ? [this.#ring.seq(ordinal)] : []));
  }

  /** Takes over the times of changes from the log. Returns the ordinals of those that had an estimate. */
  set(events: readonly StreamEvent[]): number[] {
    return events.flatMap(({ seq, atMs }) => {
      const ordinal = findOrdinal(this.#ring, seq);
      if (ordinal === undefined || !this.#ordinals.delete(ordinal)) return [];
      this.#ring.setAtMs(ordinal, atMs);
      return [ordinal];
    });
  }

  clear(): void {
    this.#ordinals.clear();
  }
}
