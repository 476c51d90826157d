/** Parts of CORS that several planes share (U5, G5). The allowed origins are decided elsewhere. */

/** How long browsers may cache a preflight, in seconds. Chromium's maximum. Every request is checked anyway. */
export const PREFLIGHT_SECONDS = "7200";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Longer lists are ignored. The headers of a request are limited to 64 KiB in total. */
const REQUESTED_CHARACTERS_MAX = 4096;

/**
 * The value of `Access-Control-Allow-Headers`: the `known` names, and every other valid name in `Access-Control-Request-Headers`. Restricting the
 * headers of a page would protect nothing: the origin decides, and unknown headers are ignored.
 */
export function toAllowedHeaders(requested: string | undefined, known: readonly string[]): string {
  if (requested === undefined || requested.length > REQUESTED_CHARACTERS_MAX) return known.join(", ");
  const names = new Map(known.map((name) => [name.toLowerCase(), name]));
  for (const piece of requested.split(",")) {
    const name = piece.trim().toLowerCase();
    if (TOKEN.test(name) && !names.has(name)) names.set(name, name);
  }
  return [...names.values()].join(", ");
}
