/** Takes the body of a bulk create apart (R8): one record an item, as sent. It must not store anything. */
import { readJsonItems } from "@/src/core/json/items";
import type { RecordBody } from "@/src/core/records/record-body";
import { AppError } from "@/src/shared/errors";
import { BULK_ITEMS_MAX } from "@/src/shared/streams/protocol";

/** The items of a body, which is valid already, in order. Raises `bulk_needs_array`, and `body_too_large` for more than BULK_ITEMS_MAX. */
export function splitBulkBody({ contentType, data }: RecordBody): RecordBody[] {
  if (contentType !== "json" || !data.startsWith("[")) throw new AppError("bulk_needs_array");
  const bodies: RecordBody[] = [];
  for (const { text } of readJsonItems(data)) {
    if (bodies.length === BULK_ITEMS_MAX)
      throw new AppError("body_too_large", { detail: `At most ${BULK_ITEMS_MAX} items are taken at once.` });
    bodies.push({ contentType, data: text });
  }
  return bodies;
}
