/** How many changes to read from the log at a time, so that a page of large records does not fill the memory. It reads nothing itself. */

import type { Change } from "@/src/core/records/ports";
import type { HiddenChange } from "@/src/core/streams/ports";
import { toChangeSize } from "./change-size";

/** The first page is small: the sizes of the records are not known yet. */
export const PAGE_LIMIT_FIRST = 32;
const PAGE_LIMIT_MAX = 512;
const PAGE_BYTES = 1_048_576;

/** The limit of the page after `page`: as many changes of its average size as make about `pageBytes`, but at most four times as many as before. */
export function toNextPageLimit(page: readonly (Change | HiddenChange)[], limit: number, pageBytes = PAGE_BYTES): number {
  const bytes = page.reduce((sum, change) => sum + ("hidden" in change ? 0 : toChangeSize(change)), 0);
  const fitting = Math.floor((Math.min(pageBytes, PAGE_BYTES) * Math.max(page.length, 1)) / Math.max(bytes, 1));
  return Math.max(1, Math.min(fitting, limit * 4, PAGE_LIMIT_MAX));
}
