/** A record as clients see it (R1), as text: `data` passes through as it is kept. It must not parse data. */
import type { StoredRecord } from "@/src/core/ports";

/** The JSON text of a record; with `dataOnly` that of its data alone. */
export function toRecordText(record: StoredRecord, { dataOnly = false }: { dataOnly?: boolean } = {}): string {
  if (dataOnly) return record.data;
  // Ids and times have forms that need no escaping.
  return `{"uniqueId":"${record.id}","data":${record.data},"createdAt":"${record.createdAt}","updatedAt":"${record.updatedAt}"}`;
}
