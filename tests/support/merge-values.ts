/** The merge of values (R4): the reference for merges of JSON texts. */

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The deep merge of `patch` into `target`. Objects are merged, everything else is replaced. Maps keep keys that objects cannot, such as `__proto__`. */
export function mergeValues(target: unknown, patch: unknown): unknown {
  if (!isObject(target) || !isObject(patch)) return patch;
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) merged.set(key, merged.has(key) ? mergeValues(merged.get(key), value) : value);
  return Object.fromEntries(merged);
}
