/** The form of the keys under which files are kept. */

const KEY = /^[0-9a-f]{32}$/;

/** The key, when it is one: 32 lowercase hex digits. Raises for anything else: a path must never come from outside. */
export function requireKey(key: string): string {
  if (!KEY.test(key)) throw new Error("This is not the key of a file.");
  return key;
}
