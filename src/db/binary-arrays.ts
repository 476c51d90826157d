/**
 * Arrays as values of SQL parameters in PostgreSQL's binary form. The driver would write them as array literals: text in which every quote and
 * backslash is escaped, by replacements that copy each JSON text several times, and which PostgreSQL reads one character at a time. In the binary form
 * the texts are copied once, on both sides.
 *
 * The form (array_send in PostgreSQL's source): the number of dimensions, 1 if there are nulls, the type of the elements, the number of elements, the
 * first index; then for each element its length and its bytes, or -1 for null. All numbers are 32-bit big endian.
 */

/** The types of elements, with their ids in pg_type. These ids never change. */
const TYPES = { boolean: 16, int: 23, text: 25, json: 114, uuid: 2950 } as const;

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const UUID_BYTES = 16;
const NULL_LENGTH = -1;

type Values<T> = readonly (T | null | undefined)[];

/** An array of `text` or `json`. Null and undefined become null. Half of a surrogate pair becomes U+FFFD, as in every text that the driver sends. */
export function encodeTexts(type: "text" | "json", values: Values<string>): Buffer {
  let bytes = HEADER_BYTES + values.length * LENGTH_BYTES;
  for (const value of values) if (typeof value === "string") bytes += Buffer.byteLength(value);
  const buffer = createArray(type, values, bytes);
  let offset = HEADER_BYTES;
  for (const value of values) {
    if (typeof value !== "string") {
      offset = buffer.writeInt32BE(NULL_LENGTH, offset);
      continue;
    }
    const written = buffer.write(value, offset + LENGTH_BYTES);
    buffer.writeInt32BE(written, offset);
    offset += LENGTH_BYTES + written;
  }
  return buffer;
}

/** An array of `uuid`. The ids have 32 hex digits, with or without dashes. Throws for any other text. */
export function encodeUuids(values: Values<string>): Buffer {
  return encodeFixed("uuid", values, UUID_BYTES, (buffer, value, offset) => {
    const digits = value.length === 2 * UUID_BYTES ? value : value.replaceAll("-", "");
    if (digits.length !== 2 * UUID_BYTES || buffer.write(digits, offset, "hex") !== UUID_BYTES) throw new Error("an id is not a UUID");
  });
}

/** An array of `int`. */
export function encodeInts(values: Values<number>): Buffer {
  return encodeFixed("int", values, 4, (buffer, value, offset) => buffer.writeInt32BE(value, offset));
}

/** An array of `boolean`. */
export function encodeBooleans(values: Values<boolean>): Buffer {
  return encodeFixed("boolean", values, 1, (buffer, value, offset) => buffer.writeUInt8(value ? 1 : 0, offset));
}

function encodeFixed<T>(
  type: keyof typeof TYPES,
  values: Values<T>,
  size: number,
  write: (buffer: Buffer, value: T, offset: number) => void,
): Buffer {
  let bytes = HEADER_BYTES + values.length * LENGTH_BYTES;
  for (const value of values) if (value !== null && value !== undefined) bytes += size;
  const buffer = createArray(type, values, bytes);
  let offset = HEADER_BYTES;
  for (const value of values) {
    const isNull = value === null || value === undefined;
    offset = buffer.writeInt32BE(isNull ? NULL_LENGTH : size, offset);
    if (isNull) continue;
    write(buffer, value, offset);
    offset += size;
  }
  return buffer;
}

function createArray(type: keyof typeof TYPES, values: readonly unknown[], bytes: number): Buffer {
  // Every byte is written.
  const buffer = Buffer.allocUnsafe(bytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(values.some((value) => value === null || value === undefined) ? 1 : 0, 4);
  buffer.writeInt32BE(TYPES[type], 8);
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}
