/** Web origins (U4) as people write them and as browsers send them. Isomorphic; no I/O. */

/** How many origins a project may allow. */
export const ORIGINS_MAX = 100;

export type ParsedOrigin = { ok: true; origin: string } | { ok: false; problem: string };

/**
 * An allowed origin in the form in which browsers send it: `http(s)://host[:port]`, lower-case, IDN as punycode, without a
 * default port. A lone `/` at the end is forgiven; a path, query, user or wildcard is a problem, said as a sentence for people.
 */
export function parseOrigin(text: string): ParsedOrigin {
  const trimmed = text.trim();
  const problem = (sentence: string): ParsedOrigin => ({ ok: false, problem: sentence });
  if (!/^https?:\/\//i.test(trimmed)) return problem("Start with http:// or https://, like https://example.com.");
  if (trimmed.length > 300) return problem("Use 300 characters at most.");
  if (trimmed.includes("*")) return problem("Wildcards are not supported. List each origin.");
  if (!URL.canParse(trimmed)) return problem("This is not a valid origin. Use the form https://example.com or http://localhost:3000.");
  const url = new URL(trimmed);
  if (url.username || url.password) return problem("Leave out the user name and password.");
  if (url.pathname !== "/" || /[?#\\]/.test(trimmed)) return problem(`Leave out what follows the host: ${url.origin}.`);
  return { ok: true, origin: url.origin };
}

/** The origins of a form's comma-separated (or line-separated) text; empty pieces are dropped. */
export function splitOrigins(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "");
}
