/** The form of web origins (U4): one place for what a project may list and how a request's Origin is compared. No I/O. */

/**
 * The serialised origin (`https://example.com`, `http://localhost:3000`) that `text` names: lower-cased, without a default port.
 * Undefined when it is not `http(s)://host[:port]`; a trailing slash is forgiven, a path or a wildcard is not.
 */
export function toOrigin(text: string): string | undefined {
  const trimmed = text.trim();
  if (!/^https?:\/\//i.test(trimmed) || /[*\\\s]/.test(trimmed)) return undefined;
  let url: URL;
  try {
    url = new URL(trimmed);
  } catch {
    return undefined;
  }
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || trimmed.includes("?") || trimmed.includes("#"))
    return undefined;
  return url.origin;
}

/** Splits a form's comma-separated list; answers the origins (each once, in order) and the parts that are none. Empty parts are left out. */
export function parseOrigins(text: string): { origins: string[]; invalid: string[] } {
  const origins = new Set<string>();
  const invalid: string[] = [];
  for (const part of text.split(",").map((piece) => piece.trim())) {
    if (part === "") continue;
    const origin = toOrigin(part);
    if (origin === undefined) invalid.push(part);
    else origins.add(origin);
  }
  return { origins: [...origins], invalid };
}
