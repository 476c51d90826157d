/** Parses and validates the bodies of records, and splits the bodies of bulk creates. */
import { isUtf8 } from "node:buffer";
import { readJsonItems } from "@/src/core/json/items";
import { parseLongJsonText } from "@/src/core/json/text";
import { andThen, type MaybePromise } from "@/src/core/maybe-promise";
import { AppError } from "@/src/shared/errors";
import { describeUnsupportedType, isJsonType, isUtf8Charset, parseMediaType } from "@/src/shared/http/content-type";
import type { ContentKind } from "@/src/shared/streams/protocol";
import { BULK_ITEMS_MAX } from "@/src/shared/streams/protocol";

/** A body as it is stored. */
export interface RecordBody {
  contentType: ContentKind;
  /** JSON text. */
  data: string;
}

/**
 * The kind of content that a Content-Type header announces: any JSON type, or plain text. Throws `content_type_unsupported` for other types and for
 * charsets other than UTF-8. The detail quotes the received header and names the one to send.
 */
export function parseContentKind(contentType: string | undefined): ContentKind {
  if (contentType === "application/json") return "json";
  const { essence, charset, isAmbiguous } = parseMediaType(contentType);
  const isText = essence === "text/plain";
  if ((isText || isJsonType(essence)) && !isAmbiguous && isUtf8Charset(charset)) return isText ? "text" : "json";
  throw new AppError("content_type_unsupported", { detail: describeUnsupportedType(contentType, ACCEPTED) });
}

const ACCEPTED = "For JSON, send the header Content-Type: application/json; for text, send Content-Type: text/plain.";

/**
 * Converts a body to the data to store. Returns a promise only if the body is long. JSON stays as sent except for surrounding white space; a text becomes
 * a JSON string. A byte order mark is removed. Throws `body_empty` (also for white space only) and `body_invalid` with the position.
 */
export function parseRecordBody({ kind, bytes }: { kind: ContentKind; bytes: Uint8Array }): MaybePromise<RecordBody> {
  if (!isUtf8(bytes)) {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const advice = isUtf16 ? " It looks like UTF-16. Encode it as UTF-8." : "";
    throw new AppError("body_invalid", {
      detail: `The body is not valid UTF-8 at byte ${invalidUtf8Offset(bytes)} (counted from 0).${advice}`,
    });
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = buffer.toString("utf8", hasMark ? 3 : 0);
  if (!/\S/.test(text)) throw new AppError("body_empty");
  if (kind === "json") return andThen(parseLongJsonText(text), (data) => ({ contentType: "json", data }));
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    throw new AppError("body_invalid", { detail: `The body cannot be stored: there is a NUL character at $, offset ${nul}. Remove it.` });
  }
  return { contentType: "text", data: JSON.stringify(text) };
}

/** The index of the first byte that is not valid UTF-8. The length if all are. */
export function invalidUtf8Offset(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
}

/** The length of the well-formed sequence at `at` (Unicode, table 3-7). 0 if it is not well-formed. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0xff;
  if (first < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  const isNext = (offset: number): boolean => ((bytes[at + offset] ?? 0) & 0xc0) === 0x80;
  if (first >= 0xc2 && first <= 0xdf) return isNext(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const isOverlong = first === 0xe0 && second < 0xa0;
    const isSurrogate = first === 0xed && second > 0x9f;
    return isNext(1) && isNext(2) && !isOverlong && !isSurrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const isOverlong = first === 0xf0 && second < 0x90;
    const isBeyond = first === 0xf4 && second > 0x8f;
    return isNext(1) && isNext(2) && isNext(3) && !isOverlong && !isBeyond ? 4 : 0;
  }
  return 0;
}

/** The items of a valid body, in order. Throws `bulk_needs_array`, and `body_too_large` for more than BULK_ITEMS_MAX items. */
export function splitBulkBody({ contentType, data }: RecordBody): RecordBody[] {
  if (contentType !== "json" || !data.startsWith("[")) throw new AppError("bulk_needs_array");
  const bodies: RecordBody[] = [];
  for (const { text } of readJsonItems(data)) {
    if (bodies.length === BULK_ITEMS_MAX)
      throw new AppError("body_too_large", { detail: `The array is too long. Send at most ${BULK_ITEMS_MAX} items at once.` });
    bodies.push({ contentType, data: text });
  }
  return bodies;
}
