/** Changes that go out together: what a stream gets of them is put together once, and shared. It must not know who gets it. */
import type { EncodedChange } from "../wire/encode";
import type { StreamFormat } from "../wire/stream-format";
import type { DeliveredPosition } from "./delivered-position";

export interface ChangeBatch {
  /** At least one; ascending by seq. */
  readonly encoded: readonly EncodedChange[];
  /** Where the log was looked through to with them: the last one's place, or after it. */
  readonly position: DeliveredPosition;
  /** Up to where the log had been looked through before them; undefined: not known. */
  readonly before: DeliveredPosition | undefined;
  /** All in one, as the format has them; undefined: none of them ends a message yet. */
  toBytes(format: StreamFormat): Buffer | undefined;
}

export function createChangeBatch(encoded: readonly EncodedChange[], position: DeliveredPosition, before?: DeliveredPosition): ChangeBatch {
  /** There are few formats, and mostly one is asked for. */
  const bytes = new Map<StreamFormat, Buffer>();
  /** Of formats with a limit, by how many messages fit: that says which fit, so there are no more of these than messages, whatever limits clients have. */
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
