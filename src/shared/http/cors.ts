/** Parts of CORS that more than one plane needs (U5, G5). Isomorphic; it must not decide which origins are allowed. */

/** How long browsers may remember a preflight: Chromium keeps none longer than this. Every request is checked again all the same. */
export const PREFLIGHT_SECONDS = "7200";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Longer lists are not looked at. A request's headers have 64 KiB in all. */
const REQUESTED_CHARACTERS_MAX = 4096;

/**
 * The value of `Access-Control-Allow-Headers`: the `known` names, and each valid name of `Access-Control-Request-Headers` that is not one of them.
 * Which headers a page may send protects nothing here: the origin decides, and a header that no rule reads is ignored.
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
