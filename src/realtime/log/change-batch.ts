/** Changes that are sent together. Their bytes are encoded once for each format and shared by all streams. */
import type { EncodedChange } from "../wire/encode";
import type { StreamFormat } from "../wire/stream-format";
import type { DeliveredPosition } from "./delivered-position";

export interface ChangeBatch {
  /** At least one; ascending by seq. */
  readonly encoded: readonly EncodedChange[];
  /** The position up to which the log was read with them: the place of the last change, or later. */
  readonly position: DeliveredPosition;
  /** The position up to which the log was read before them; undefined if it is not known. */
  readonly before: DeliveredPosition | undefined;
  /** All messages in one buffer. Undefined if the changes complete no message. */
  toBytes(format: StreamFormat): Buffer | undefined;
}

export function createChangeBatch(encoded: readonly EncodedChange[], position: DeliveredPosition, before?: DeliveredPosition): ChangeBatch {
  /** There are few formats, and most batches use one. */
  const bytes = new Map<StreamFormat, Buffer>();
  /** The bytes for formats with a limit, by the number of messages that fit. That number determines which ones fit, so there are no more entries than messages, whatever limits clients have. */
  const limited = new Map<StreamFormat, Map<number, Buffer>>();

  function toMessages(format: StreamFormat): Buffer[] {
    const messages = format.joinsUploads ? encoded.filter(({ change }) => change.remainingInUpload === undefined) : encoded;
    return messages.map((each) => format.change(each, position.epoch));
  }

  function toBytes(format: StreamFormat): Buffer | undefined {
    if (format.limit) return toLimitedBytes(format, format.limit);
    const known = bytes.get(format);
    if (known) return known;
    const joined = join(toMessages(format));
    if (joined) bytes.set(format, joined);
    return joined;
  }

  function toLimitedBytes(format: StreamFormat, { bytesMax, whole }: NonNullable<StreamFormat["limit"]>): Buffer | undefined {
    const joined = toBytes(whole);
    if (joined === undefined || joined.byteLength <= bytesMax) return joined;
    const messages = toMessages(whole);
    const fitting = messages.filter((message) => whole.messageBytes(message) <= bytesMax).length;
    if (fitting === messages.length) return joined;
    const byFitting = limited.get(whole) ?? new Map<number, Buffer>();
    limited.set(whole, byFitting);
    const known = byFitting.get(fitting) ?? Buffer.concat(toMessages(format));
    byFitting.set(fitting, known);
    return known;
  }

  return { encoded, position, before, toBytes };
}

function join(messages: readonly Buffer[]): Buffer | undefined {
  return messages.length > 1 ? Buffer.concat(messages) : messages[0];
}
