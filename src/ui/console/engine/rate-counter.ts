/** Counts changes per second over the last minute. Pure. */
import { RATE_SECONDS } from "./console-messages";

export class RateCounter {
  readonly #slots = new Uint32Array(RATE_SECONDS + 1);
  #second = 0;

  count(count: number, nowMs: number): void {
    const slot = this.#advance(nowMs) % this.#slots.length;
    this.#slots[slot] = (this.#slots[slot] ?? 0) + count;
  }

  /** The counts of the last full seconds, oldest first. */
  read(nowMs: number): number[] {
    const second = this.#advance(nowMs);
    return Array.from({ length: RATE_SECONDS }, (_, index) => this.#slots[(second - RATE_SECONDS + index) % this.#slots.length] ?? 0);
  }

  /** Clears the slots of seconds that have started since the last call. Returns the current second. */
  #advance(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(second - this.#second, this.#slots.length);
    for (let back = 0; back < passed; back += 1) this.#slots[(second - back) % this.#slots.length] = 0;
    this.#second = Math.max(this.#second, second);
    return second;
  }
}
