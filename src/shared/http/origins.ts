/** Parses, compares and splits origins and lists of allowed origins. */

/** How many origins a project may allow. */
export const ORIGINS_MAX = 100;

export type ParsedOrigin = { ok: true; origin: string } | { ok: false; problem: string };

/** Origins of pages without a host: sandboxed frames, files, and some redirects. Any site can create such a page. */
export const OPAQUE_ORIGINS: readonly string[] = ["null", "file://"];

/** Schemes whose pages send one of {@link OPAQUE_ORIGINS}. */
const OPAQUE_SCHEMES: ReadonlySet<string> = new Set(["about:", "blob:", "data:", "file:", "javascript:"]);
/** The host of an origin of apps and extensions. The URL parser would accept almost anything. */
const APP_HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/**
 * Parses an allowed origin into the form that browsers and apps send: `scheme://host[:port]`, in lower case, IDN as punycode, without a default port,
 * such as `https://example.com`, `capacitor://localhost` or `chrome-extension://<id>`. A `/` at the end is dropped. A path, query, user or wildcard
 * is a problem, which is described in a sentence.
 */
export function parseOrigin(text: string): ParsedOrigin {
  const trimmed = text.trim();
  const problem = (sentence: string): ParsedOrigin => ({ ok: false, problem: sentence });
  const scheme = /^([a-z][a-z0-9+.-]*:)\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (OPAQUE_ORIGINS.includes(trimmed.toLowerCase()) || (scheme !== undefined && OPAQUE_SCHEMES.has(scheme)))
    return problem(OPAQUE_PROBLEM);
  if (scheme === undefined)
    return problem("Start with a scheme, like https://example.com, http://localhost:3000 or capacitor://localhost.");
  if (scheme === "ws:" || scheme === "wss:") return problem("Use the page's origin, which starts with https:// or http://.");
  if (trimmed.length > 300) return problem("Use 300 characters at most.");
  if (trimmed.includes("*")) return problem("Wildcards are not supported. List each origin.");
  if (!URL.canParse(trimmed)) return problem("This is not a valid origin. Use the form https://example.com or http://localhost:3000.");
  const url = new URL(trimmed);
  if (url.username || url.password) return problem("Remove the user name and password.");
  const origin = `${url.protocol}//${url.host.toLowerCase()}`;
  if (!/^\/?$/.test(url.pathname) || /[?#\\]/.test(trimmed)) return problem(`Remove everything after the host: ${origin}.`);
  if (!isWebOrigin(origin) && !APP_HOST.test(url.host.toLowerCase()))
    return problem("This is not a valid origin. Use the form scheme://host or scheme://host:port.");
  return { ok: true, origin };
}

/** True for an http or https origin, as pages of the web have. */
export function isWebOrigin(origin: string): boolean {
  return /^https?:\/\//.test(origin);
}

const OPAQUE_PROBLEM =
  "This origin cannot be listed, because pages of any site can have it. To allow the origin null, set allowNullOrigin (“Allow the origin null”).";

/** Splits the text of a form by commas and line breaks. Empty pieces are dropped. */
export function splitOrigins(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "");
}
