/** Counts changes per second. Pure. */

export class RateCounter {
  #second = 0;
  #count = 0;
  #last = 0;

  count(count: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#count += count;
  }

  /** The count of the last full second. */
  read(nowMs: number): number {
    this.#advance(nowMs);
    return this.#last;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second <= this.#second) return;
    this.#last = second === this.#second + 1 ? this.#count : 0;
    this.#count = 0;
    this.#second = second;
  }
}
