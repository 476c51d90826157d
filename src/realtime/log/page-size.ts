/** Chooses how many changes to read from the log at a time, so that a page of large records does not fill the memory. */
import type { Change } from "@/src/core/records/ports";
import type { HiddenChange } from "@/src/core/streams/ports";

/** The first page is small because the sizes of the records are not known yet. */
export const PAGE_LIMIT_FIRST = 32;
const PAGE_LIMIT_MAX = 512;
const PAGE_BYTES = 1_048_576;
/** The parts of a message other than the record's data. */
const ENVELOPE_BYTES = 250;

/** The approximate size of a change as a message, in bytes of UTF-8. */
export function toChangeSize({ record }: Change): number {
  return Buffer.byteLength(record.data) + ENVELOPE_BYTES;
}

/**
 * The limit of the page after `page`: as many changes of the same average size as fit into `pageBytes` (at most 1 MiB). It is at most four times the previous
 * limit, and at most 512.
 */
export function toNextPageLimit(page: readonly (Change | HiddenChange)[], limit: number, pageBytes = PAGE_BYTES): number {
  const bytes = page.reduce((sum, change) => sum + ("hidden" in change ? 0 : toChangeSize(change)), 0);
  const fitting = Math.floor((Math.min(pageBytes, PAGE_BYTES) * Math.max(page.length, 1)) / Math.max(bytes, 1));
  return Math.max(1, Math.min(fitting, limit * 4, PAGE_LIMIT_MAX));
}
