/** The places of the grid's cells. Head and rows share them, so that their columns line up. */
import { DATA_PX, type ShownColumn } from "./grid-layout";

const CELL = "min-w-0 shrink-0 truncate px-2";
const CHECKBOX_PX = 36;
const ID_PX = 112;
const TIME_PX = 136;

/** The times stay in view at the right edge, unless the screen is narrow. The line shows where they cover other columns. */
const TIME = `${CELL} w-34 border-l border-line text-muted max-sm:hidden @min-[40rem]:sticky @min-[40rem]:z-[1]`;
export const PLACES = {
  checkbox: "w-9 shrink-0 grid place-items-center",
  id: `${CELL} w-28 text-muted`,
  data: CELL,
  created: `${TIME} right-0 in-data-updated:right-34`,
  updated: `${TIME} right-0`,
};

/** The width of a data column: its own, or a share of the room. */
export function toDataStyle({ width }: ShownColumn): { flex: string } {
  return { flex: width === undefined ? `1 0 ${DATA_PX}px` : `0 0 ${width}px` };
}

/** The width below which the grid scrolls. */
export function toMinWidth(columns: readonly ShownColumn[]): { wide: number; narrow: number } {
  const data = columns.reduce((sum, { path, width }) => sum + (path ? (width ?? DATA_PX) : 0), 0);
  const times = columns.filter(({ key }) => key === "created" || key === "updated").length;
  const narrow = CHECKBOX_PX + ID_PX + data;
  return { narrow, wide: narrow + times * TIME_PX };
}
