/** Finds buffered changes by their seq. Pure. */
import { isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";

/** The oldest buffered change, apart from those that a search has found. */
export function findOldest(ring: EventRing): number | undefined {
  for (let ordinal = ring.denseFirst; ordinal < ring.end; ordinal += 1) if (!isMarkKind(ring.kind(ordinal))) return ordinal;
  return undefined;
}

/** The newest buffered change. */
export function findNewest(ring: EventRing): number | undefined {
  for (let ordinal = ring.end - 1; ordinal >= ring.first; ordinal -= 1) if (!isMarkKind(ring.kind(ordinal))) return ordinal;
  return undefined;
}

/** The seqs of the newest buffered changes of each endpoint. */
export function findNewestSeqs(ring: EventRing): Map<number, number> {
  const seqs = new Map<number, number>();
  for (let ordinal = ring.first; ordinal < ring.end; ordinal += 1) {
    const source = ring.source(ordinal);
    if (ring.seq(ordinal) > (seqs.get(source) ?? -1)) seqs.set(source, ring.seq(ordinal));
  }
  return seqs;
}

/** The ordinal of the change of an endpoint with a seq, if it is buffered. */
export function findOrdinal(ring: EventRing, seq: number, source = 0): number | undefined {
  if (ring.isMixed) return findMixed(ring, seq, source);
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

/** The changes of several endpoints are not ordered by seq. */
function findMixed(ring: EventRing, seq: number, source: number): number | undefined {
  for (let ordinal = ring.end - 1; ordinal >= ring.first; ordinal -= 1)
    if (ring.seq(ordinal) === seq && ring.source(ordinal) === source && !isMarkKind(ring.kind(ordinal))) return ordinal;
  return undefined;
}
