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
export function toRecordText(
  record: Omit<StoredRecord, "version"> & { version?: number },
  { dataOnly = false }: { dataOnly?: boolean } = {},
): string {
  if (dataOnly) return record.data;
  // Ids and times never contain characters that need escaping.
  return `{"uniqueId":"${record.id}","data":${record.data},"createdAt":"${record.createdAt}","updatedAt":"${record.updatedAt}"}`;
}

const DATA_START = `{"uniqueId":"${"0".repeat(32)}","data":`.length;
const AFTER_DATA = /^,"createdAt":"[^"]+","updatedAt":"[^"]+"\}$/;
/** The length of what follows the data: times have milliseconds and end with `Z`. */
const AFTER_DATA_LENGTH = ',"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}'.length;
const BEFORE_DATA = /^\{"uniqueId":"([0-9a-f]{32})","data":$/;

/** Splits a text of {@link toRecordText} at its data, without parsing it. Throws for any other text. */
export function splitRecordText(text: string): { id: string; before: string; data: string; after: string } {
  const before = text.slice(0, DATA_START);
  const after = text.slice(-AFTER_DATA_LENGTH);
  const [, id] = BEFORE_DATA.exec(before) ?? [];
  if (id === undefined || !AFTER_DATA.test(after)) throw new Error("This is not the text of a record.");
  return { id, before, data: text.slice(DATA_START, -AFTER_DATA_LENGTH), after };
}
