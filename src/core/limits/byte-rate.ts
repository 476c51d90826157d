/** Limits bytes per second, for work whose cost is proportional to its bytes. An unused allowance expires after a second. */

export interface ByteRate {
  /** Counts bytes that were taken. Returns the number of milliseconds to wait before more is taken, or 0. */
  take(bytes: number): number;
  /** How many bytes may be taken now. Negative if too many were taken. */
  readLeft(): number;
}

/** `now`: monotonic, in ms. */
export function createByteRate({
  bytesPerSecond,
  now = () => performance.now(),
}: {
  bytesPerSecond: number;
  now?: () => number;
}): ByteRate {
  let left = bytesPerSecond;
  let refilledAt = now();

  function refill(): void {
    const at = now();
    left = Math.min(bytesPerSecond, left + ((at - refilledAt) / 1000) * bytesPerSecond);
    refilledAt = at;
  }

  return {
    take(bytes) {
      refill();
      left -= bytes;
      return left >= 0 ? 0 : Math.ceil((-left / bytesPerSecond) * 1000);
    },
    readLeft() {
      refill();
      return left;
    },
  };
}
