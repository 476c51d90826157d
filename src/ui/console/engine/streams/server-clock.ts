/** Estimates the server's clock, which can differ from this computer's by any amount. Pure. */

/** The estimate forgets older samples after one to two of these. */
const WINDOW_MS = 60_000;

/** The quickest message of the last minute gives the difference: it was on its way for the shortest time. */
export class ServerClock {
  /** This computer's time minus the server's, in milliseconds: the lowest of the current and of the previous window. */
  #current: number | undefined;
  #previous: number | undefined;
  #windowStartMs = 0;
  #rough: number | undefined;

  /** A message with the time of its writing arrived. */
  noteMessage(writtenMs: number, receivedMs: number): void {
    if (Number.isNaN(writtenMs)) return;
    if (receivedMs - this.#windowStartMs > WINDOW_MS || receivedMs < this.#windowStartMs) {
      this.#previous = this.#current;
      this.#current = undefined;
      this.#windowStartMs = receivedMs;
    }
    this.#current = Math.min(this.#current ?? Number.POSITIVE_INFINITY, receivedMs - writtenMs);
  }

  /** A response with the header `Date`, which has whole seconds, arrived. Used until there is a message. */
  noteResponse(dateMs: number, receivedMs: number): void {
    if (!Number.isNaN(dateMs)) this.#rough = receivedMs - (dateMs + 500);
  }

  /** The server's time at this computer's time `ms`. */
  toServerMs(ms: number): number {
    const [one, other] = [this.#current, this.#previous];
    const measured = one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
    // A rough difference of less than two seconds can be the rounding alone.
    const rough = this.#rough !== undefined && Math.abs(this.#rough) > 2000 ? this.#rough : 0;
    return Math.round(ms - (measured ?? rough));
  }
}
