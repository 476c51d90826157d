/** Finds buffered changes by their seq. Pure. */
import { isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";

/** The seq of the oldest buffered change, apart from those that a search has found. */
export function findOldestSeq(ring: EventRing): number | undefined {
  for (let ordinal = ring.denseFirst; ordinal < ring.end; ordinal += 1) if (!isMarkKind(ring.kind(ordinal))) return ring.seq(ordinal);
  return undefined;
}

/** The seq of the newest buffered change. */
export function findNewestSeq(ring: EventRing): number | undefined {
  for (let ordinal = ring.end - 1; ordinal >= ring.first; ordinal -= 1) if (!isMarkKind(ring.kind(ordinal))) return ring.seq(ordinal);
  return undefined;
}

/** The ordinal of the change with a seq, if it is buffered. */
export function findOrdinal(ring: EventRing, seq: number): number | undefined {
  let low = ring.first;
  let high = ring.end;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (ring.seq(middle) < seq) low = middle + 1;
    else high = middle;
  }
  // A mark has the seq of the change before it.
  while (ring.holds(low) && ring.seq(low) === seq && isMarkKind(ring.kind(low))) low += 1;
  return ring.holds(low) && ring.seq(low) === seq ? low : undefined;
}
