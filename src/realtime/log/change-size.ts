/** How large a change is as a message, about: for bounds and slices. It must not encode. */
import type { Change } from "@/src/core/records/ports";

/** What a message has besides the record's data. */
const ENVELOPE_BYTES = 250;

/** In octets of UTF-8, as it is sent. */
export function toChangeSize({ record }: Change): number {
  return Buffer.byteLength(record.data) + ENVELOPE_BYTES;
}
