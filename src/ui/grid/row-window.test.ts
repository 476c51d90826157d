import { describe, expect, it } from "vitest";
import { isAtEnd, OVERSCAN_ROWS, ROW_PX, toAnchored, toScrollTop, toVisibleRows, toWindow, toWindowSize } from "./row-window";

const view = (scrollTop: number, height = 10 * ROW_PX) => ({ scrollTop, height, headPx: 28 });

describe("row window", () => {
  it("draws the visible rows and some around them, within the list", () => {
    expect(toWindow(view(0), 100_000)).toEqual({ from: 0, to: 10 + OVERSCAN_ROWS });
    expect(toWindow(view(28 + 1000 * ROW_PX), 100_000)).toEqual({ from: 1000 - OVERSCAN_ROWS, to: 1010 + OVERSCAN_ROWS });
    expect(toWindow(view(28 + 99_990 * ROW_PX), 100_000)).toEqual({ from: 99_990 - OVERSCAN_ROWS, to: 100_000 });
    expect(toWindow(view(0), 3)).toEqual({ from: 0, to: 3 });
    expect(toWindow(view(5000), 0)).toEqual({ from: 0, to: 0 });
  });

  it("never draws more than its size", () => {
    for (let scrollTop = 0; scrollTop < 2000; scrollTop += 7) {
      const { from, to } = toWindow(view(scrollTop, 333), 100_000);
      expect(to - from).toBeLessThanOrEqual(toWindowSize(333));
    }
  });

  it("counts partly visible rows", () => {
    expect([toVisibleRows(0), toVisibleRows(ROW_PX), toVisibleRows(10 * ROW_PX + 1)]).toEqual([1, 2, 12]);
  });

  it("knows when the last row is visible, with tolerance for fractions", () => {
    const bottom = 28 + 50 * ROW_PX - 10 * ROW_PX;
    expect(isAtEnd(view(bottom), 50)).toBe(true);
    expect(isAtEnd(view(bottom - 0.6), 50)).toBe(true);
    expect(isAtEnd(view(bottom - ROW_PX), 50)).toBe(false);
    expect(isAtEnd(view(0), 3)).toBe(true);
  });

  it("scrolls as little as needed to show a row", () => {
    const at = 28 + 100 * ROW_PX;
    expect(toScrollTop(view(at), 105)).toBe(at);
    expect(toScrollTop(view(at), 99)).toBe(at - ROW_PX);
    expect(toScrollTop(view(at), 110)).toBe(at + ROW_PX);
    expect(toScrollTop(view(at), 0)).toBe(0);
  });

  it("keeps its rows in place when others are added or removed above", () => {
    expect(toAnchored(1000, 3)).toBe(1000 + 3 * ROW_PX);
    expect(toAnchored(1000, -2)).toBe(1000 - 2 * ROW_PX);
    expect(toAnchored(10, -2)).toBe(0);
  });
});
