/** The arithmetic of a list with rows of one height: which rows to draw, where to scroll. Pure; everything in pixels and indexes from 0. */

export const ROW_PX = 28;
/** Rows drawn beyond each edge, so that quick scrolling finds them there. */
export const OVERSCAN_ROWS = 12;
/** Closer to the end than this counts as being there: fractions of pixels must not stop the list from following. */
const END_TOLERANCE_PX = 4;

export interface Viewport {
  scrollTop: number;
  height: number;
  /** Height of what lies above the first row. */
  headPx: number;
}

/** The rows to draw: `from` up to and without `to`. */
export function toWindow({ scrollTop, height, headPx }: Viewport, count: number): { from: number; to: number } {
  const above = Math.max(0, scrollTop - headPx);
  const from = clamp(Math.floor(above / ROW_PX) - OVERSCAN_ROWS, 0, count);
  const to = clamp(Math.ceil((Math.max(0, scrollTop - headPx) + height) / ROW_PX) + OVERSCAN_ROWS, 0, count);
  return { from, to };
}

/** How many rows fill a window of this height: what is drawn while the newest are followed. */
export function toRowsInSight(height: number): number {
  return Math.ceil(height / ROW_PX) + 1;
}

/** How many rows a window of this height may have at most. */
export function toWindowSize(height: number): number {
  return toRowsInSight(height) + OVERSCAN_ROWS * 2;
}

/** True when the last row is in sight. */
export function isAtEnd({ scrollTop, height, headPx }: Viewport, count: number): boolean {
  return scrollTop + height >= headPx + count * ROW_PX - END_TOLERANCE_PX;
}

/** Where to scroll so that row `index` is wholly in sight: as little as needed, and not at all when it is. */
export function toScrollTop({ scrollTop, height, headPx }: Viewport, index: number): number {
  const top = headPx + index * ROW_PX;
  if (top < scrollTop) return index === 0 ? 0 : top;
  if (top + ROW_PX > scrollTop + height) return top + ROW_PX - height;
  return scrollTop;
}

/** The scroll position that keeps the same rows in sight when `added` rows (negative: lost ones) appeared above them. */
export function toAnchored(scrollTop: number, added: number): number {
  return Math.max(0, scrollTop + added * ROW_PX);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
