/** Limits bytes a second, for work whose cost is in proportion to its bytes. What was not used within a second is lost. */

export interface ByteRate {
  /** Counts bytes that were taken. Returns how many milliseconds to wait before more is taken; 0: none. */
  take(bytes: number): number;
  /** How many bytes may be taken now; negative while too many were. */
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
