/** How large a change is as a message, about: for bounds and slices. It must not encode. */
import type { Change } from "@/src/core/ports";

/** What a message has besides the record's data. */
const ENVELOPE_BYTES = 250;

export function toChangeSize({ record }: Change): number {
  return record.data.length + ENVELOPE_BYTES;
}
