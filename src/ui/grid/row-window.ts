/** Calculates which rows of a list to draw and where to scroll, for rows of a fixed height. In pixels and indexes from 0. Pure. */

export const ROW_PX = 28;
/** Rows drawn beyond each edge, so that fast scrolling shows no blank area. */
export const OVERSCAN_ROWS = 12;
/** The distance to the end that still counts as the end, because scroll positions can be fractions of pixels. */
const END_TOLERANCE_PX = 4;

export interface Viewport {
  scrollTop: number;
  height: number;
  /** The height of the content above the first row. */
  headPx: number;
}

/** The rows to draw: from `from` up to, but not including, `to`. */
export function toWindow({ scrollTop, height, headPx }: Viewport, count: number): { from: number; to: number } {
  const above = Math.max(0, scrollTop - headPx);
  const from = clamp(Math.floor(above / ROW_PX) - OVERSCAN_ROWS, 0, count);
  const to = clamp(Math.ceil((Math.max(0, scrollTop - headPx) + height) / ROW_PX) + OVERSCAN_ROWS, 0, count);
  return { from, to };
}

/** The number of rows that fill a viewport of this height. */
export function toVisibleRows(height: number): number {
  return Math.ceil(height / ROW_PX) + 1;
}

/** The maximum number of rows that are drawn for a viewport of this height. */
export function toWindowSize(height: number): number {
  return toVisibleRows(height) + OVERSCAN_ROWS * 2;
}

/** True if the last row is visible. */
export function isAtEnd({ scrollTop, height, headPx }: Viewport, count: number): boolean {
  return scrollTop + height >= headPx + count * ROW_PX - END_TOLERANCE_PX;
}

/** The scroll position that makes the row `index` fully visible, as close as possible to the current one. */
export function toScrollTop({ scrollTop, height, headPx }: Viewport, index: number): number {
  const top = headPx + index * ROW_PX;
  if (top < scrollTop) return index === 0 ? 0 : top;
  if (top + ROW_PX > scrollTop + height) return top + ROW_PX - height;
  return scrollTop;
}

/** The scroll position that keeps the visible rows in place after `added` rows were added above them (negative: removed). */
export function toAnchored(scrollTop: number, added: number): number {
  return Math.max(0, scrollTop + added * ROW_PX);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
