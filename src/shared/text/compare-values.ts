/** Compares texts and numbers as PostgreSQL does, for filters (G13) and access rules (A1). */

/** Orders texts by code points, as PostgreSQL does with COLLATE "C". UTF-16 code units would order surrogate pairs before U+E000. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a === b) continue;
    return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1;
  }
  return left.length - right.length;
}

/** A surrogate that differs belongs to a code point above U+FFFF. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

interface Decimal {
  sign: -1 | 0 | 1;
  /** Without zeros at either end. */
  digits: string;
  /** The value is 0.digits × 10 ^ magnitude. */
  magnitude: number;
}

const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/;
const NUMBER_LENGTH_MAX = 399;

/** True for the numbers that can be compared: at most 399 characters, and at most 4 digits of exponent. */
export function isComparableNumber(text: string): boolean {
  return toDecimal(text) !== undefined;
}

function toDecimal(text: string): Decimal | undefined {
  const match = text.length <= NUMBER_LENGTH_MAX ? DECIMAL.exec(text) : null;
  if (!match) return undefined;
  const [, minus, whole = "", fraction = "", exponent = "0"] = match;
  const written = (whole + fraction).replace(/^0+/, "");
  const zeros = whole.length + fraction.length - written.length;
  const digits = written.replace(/0+$/, "");
  if (digits === "") return { sign: 0, digits, magnitude: 0 };
  return { sign: minus === "-" ? -1 : 1, digits, magnitude: whole.length - zeros + Number(exponent) };
}

/** Compares exactly, whatever the number of digits. Undefined if one of them is out of range. */
export function compareNumbers(left: string, right: string): number | undefined {
  const [a, b] = [toDecimal(left), toDecimal(right)];
  if (!a || !b) return undefined;
  if (a.sign !== b.sign || a.sign === 0) return a.sign - b.sign;
  if (a.magnitude !== b.magnitude) return a.sign * (a.magnitude - b.magnitude);
  // Texts of digits without zeros at the end have the order of the fractions.
  return a.sign * (a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1);
}
