/** Formats records as the JSON that clients receive (R1). `data` is inserted as stored, without parsing it. */
import type { StoredRecord } from "@/src/core/records/ports";

/**
 * The JSON text of the response to a change that was made with a key of scope `write` (U7). Such a key must not read: the full response of a merge or
 * a deletion would reveal what others stored. `updatedAt` is the time of the change; a deletion has none.
 */
export function toReceiptText({ id, updatedAt }: Pick<StoredRecord, "id"> & { updatedAt?: string | undefined }): string {
  return updatedAt === undefined ? `{"uniqueId":"${id}"}` : `{"uniqueId":"${id}","updatedAt":"${updatedAt}"}`;
}

/** The JSON text of a record. With `dataOnly` only its data. */
export function toRecordText(record: StoredRecord, { dataOnly = false }: { dataOnly?: boolean } = {}): string {
  if (dataOnly) return record.data;
  // Ids and times never contain characters that need escaping.
  return `{"uniqueId":"${record.id}","data":${record.data},"createdAt":"${record.createdAt}","updatedAt":"${record.updatedAt}"}`;
}
