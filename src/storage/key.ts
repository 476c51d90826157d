/** Checks the keys of stored files. */

const KEY = /^[0-9a-f]{32}$/;

/** Returns the key if it is 32 lowercase hex digits. Throws otherwise, so that text from a client cannot become part of a path. */
export function requireKey(key: string): string {
  if (!KEY.test(key)) throw new Error("This is not the key of a file.");
  return key;
}
