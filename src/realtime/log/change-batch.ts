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
  return new SharedBatch(encoded, position, before);
}

/** A class, because one is created for nearly every change, and most batches have the bytes of one format only. */
class SharedBatch implements ChangeBatch {
  readonly encoded: readonly EncodedChange[];
  readonly position: DeliveredPosition;
  readonly before: DeliveredPosition | undefined;
  /** The first format, and its bytes. */
  #format: StreamFormat | undefined;
  #bytes: Buffer | undefined;
  /** The bytes of other formats. There are few. */
  #others: Map<StreamFormat, Buffer> | undefined;
  /** The bytes for formats with a limit, by the number of messages that fit. That number determines which ones fit, so there are no more entries than messages, whatever limits clients have. */
  #limited: Map<StreamFormat, Map<number, Buffer>> | undefined;

  constructor(encoded: readonly EncodedChange[], position: DeliveredPosition, before: DeliveredPosition | undefined) {
    this.encoded = encoded;
    this.position = position;
    this.before = before;
  }

  toBytes(format: StreamFormat): Buffer | undefined {
    if (format.limit) return this.#toLimitedBytes(format, format.limit);
    if (format === this.#format) return this.#bytes;
    const known = this.#others?.get(format);
    if (known) return known;
    const bytes = join(this.#toMessages(format));
    if (this.#format === undefined) {
      this.#format = format;
      this.#bytes = bytes;
    } else if (bytes) {
      this.#others ??= new Map();
      this.#others.set(format, bytes);
    }
    return bytes;
  }

  #toMessages(format: StreamFormat): Buffer[] {
    const { encoded, position } = this;
    const messages = format.joinsUploads ? encoded.filter(({ change }) => change.remainingInUpload === undefined) : encoded;
    return messages.map((each) => format.change(each, position.epoch));
  }

  #toLimitedBytes(format: StreamFormat, { bytesMax, whole }: NonNullable<StreamFormat["limit"]>): Buffer | undefined {
    const joined = this.toBytes(whole);
    if (joined === undefined || joined.byteLength <= bytesMax) return joined;
    const messages = this.#toMessages(whole);
    const fitting = messages.filter((message) => whole.messageBytes(message) <= bytesMax).length;
    if (fitting === messages.length) return joined;
    this.#limited ??= new Map();
    const byFitting = this.#limited.get(whole) ?? new Map<number, Buffer>();
    this.#limited.set(whole, byFitting);
    const known = byFitting.get(fitting) ?? Buffer.concat(this.#toMessages(format));
    byFitting.set(fitting, known);
    return known;
  }
}

function join(messages: readonly Buffer[]): Buffer | undefined {
  return messages.length > 1 ? Buffer.concat(messages) : messages[0];
}
