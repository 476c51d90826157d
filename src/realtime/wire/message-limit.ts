/** Limits the size of a stream's messages (W27): a message that is too large is replaced by a notice. */
import { readJsonItems } from "@/src/core/json/items";
import { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import type { Cursor } from "@/src/shared/streams/cursor";
import type { EncodedChange } from "./encode";
import type { Omission } from "./message-text";
import type { StreamFormat } from "./stream-format";

/** The smallest `maxMessage`, in bytes. Every notice fits into it: ten ids, twice, and the longest name of an endpoint are shorter. */
const BYTES_MIN = 2_048;

/** Parses the parameter `maxMessage`, in bytes; undefined if it is not sent. Throws `parameter_invalid`. */
export function parseMaxMessage(parameters: QueryParameters): number | undefined {
  const [text, ...others] = parameters.getAll("maxMessage");
  if (text === undefined) return undefined;
  const bytes = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (others.length === 0 && bytes >= BYTES_MIN) return bytes;
  const detail = `maxMessage is the largest message that the client accepts, in bytes. Use a whole number, ${BYTES_MIN} or more.`;
  throw new AppError("parameter_invalid", { detail });
}

/**
 * Returns the same format with messages of at most `bytesMax`. A larger change becomes a notice with its cursor, and the stream continues after it. A larger page
 * of a snapshot becomes several messages, and a record that is too large by itself becomes a notice. `path` is the path of the endpoint.
 */
export function limitFormat(whole: StreamFormat, { bytesMax, path }: { bytesMax: number; path: string }): StreamFormat {
  const excess = (message: Buffer): number | undefined => {
    const size = whole.messageBytes(message);
    return size > bytesMax ? size : undefined;
  };

  function toSnapshotMessages(items: string, cursor: Cursor | undefined): Buffer[] {
    const messages: Buffer[] = [];
    const envelopeBytes = whole.messageBytes(whole.snapshot("", cursor));
    let group: string[] = [];
    let bytes = envelopeBytes;
    const flush = () => {
      if (group.length > 0) messages.push(whole.snapshot(group.join(","), undefined));
      group = [];
      bytes = envelopeBytes;
    };
    for (const { text } of readJsonItems(`[${items}]`)) {
      const size = whole.messageBytes(whole.snapshot(text, cursor));
      const itemBytes = size - envelopeBytes + 1;
      if (bytes + itemBytes > bytesMax) flush();
      if (size > bytesMax) messages.push(whole.omitted({ change: "SNAPSHOT", ...toAddress(path, [readId(text)]), size }, undefined));
      else {
        group.push(text);
        bytes += itemBytes;
      }
    }
    // Only the last message has the cursor, even if it is empty.
    if (cursor !== undefined) messages.push(whole.snapshot(group.join(","), cursor));
    else flush();
    return messages;
  }

  return {
    ...whole,
    limit: { bytesMax, whole },
    change: (encoded, epoch) => {
      const message = whole.change(encoded, epoch);
      const size = excess(message);
      return size === undefined
        ? message
        : whole.omitted(toOmission(encoded, { path, size, joins: whole.joinsUploads }), encoded.cursor(epoch));
    },
    snapshot: (items, cursor) => {
      const message = whole.snapshot(items, cursor);
      return excess(message) === undefined ? message : Buffer.concat(toSnapshotMessages(items, cursor));
    },
  };
}

function toOmission({ change, upload }: EncodedChange, { path, size, joins }: { path: string; size: number; joins: boolean }): Omission {
  const { type, record } = change;
  const { uniqueId, url } = toAddress(
    path,
    (joins ? upload : [change]).map((each) => each.record.id),
  );
  return { change: type, uniqueId, version: record.version, size, ...(type === "DELETE" ? {} : { url }) };
}

function toAddress(path: string, ids: readonly string[]): { uniqueId: string | string[]; url: string } {
  const [first = ""] = ids;
  return { uniqueId: ids.length === 1 ? first : [...ids], url: `${path}?uniqueId=${ids.join(",")}` };
}

/** A record's JSON text begins with its id (core/records/record-text.ts). */
function readId(text: string): string {
  return /^\{"uniqueId":"([0-9a-f]{32})"/.exec(text)?.[1] ?? "";
}
