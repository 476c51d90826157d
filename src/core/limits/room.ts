/** A number of entries that lists of one process share, so that all of them together are bounded. */
export interface Room {
  /** Returns false if there is no room for another entry. */
  take(): boolean;
  release(count: number): void;
}

export function createRoom(max: number): Room {
  let taken = 0;
  return {
    take: () => {
      if (taken >= max) return false;
      taken += 1;
      return true;
    },
    release: (count) => {
      taken -= count;
    },
  };
}
