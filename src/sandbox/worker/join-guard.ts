/** The maximum number of characters, and of items, of a list that is joined. */
const JOINED_LENGTH_MAX = 64 * 1024 * 1024;

/**
 * Statements of the harnesses that run in QuickJS. QuickJS does not interrupt native code: `$pad(text, width)` of JSONata joins as many items as the width, which
 * takes ten seconds for a billion.
 */
export const JOIN_GUARD = `
  const { join } = Array.prototype;
  Array.prototype.join = function (separator) {
    const gap = separator === undefined ? 1 : String(separator).length;
    if (this.length * Math.max(1, gap) > ${JOINED_LENGTH_MAX}) throw new Error("string too long");
    return join.call(this, separator);
  };`;
