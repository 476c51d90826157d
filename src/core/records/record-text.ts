/** A record as clients see it (R1), as text: `data` passes through as it is kept. It must not parse data. */
import type { StoredRecord } from "@/src/core/records/ports";

/**
 * The JSON text that answers a change to a key of scope `write` (U7): such a key reads nothing, and a merge or a deletion would show it what others stored.
 * `updatedAt` is the time of the change itself; a deletion has none.
 */
export function toReceiptText({ id, updatedAt }: Pick<StoredRecord, "id"> & { updatedAt?: string | undefined }): string {
  return updatedAt === undefined ? `{"uniqueId":"${id}"}` : `{"uniqueId":"${id}","updatedAt":"${updatedAt}"}`;
}

/** The JSON text of a record; with `dataOnly` that of its data alone. */
export function toRecordText(record: StoredRecord, { dataOnly = false }: { dataOnly?: boolean } = {}): string {
  if (dataOnly) return record.data;
  // Ids and times have forms that need no escaping.
  return `{"uniqueId":"${record.id}","data":${record.data},"createdAt":"${record.createdAt}","updatedAt":"${record.updatedAt}"}`;
}
