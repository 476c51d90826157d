/** Parses Content-Type headers as clients send them (R2). Each operation decides which types it accepts. */

export interface MediaType {
  /** Type and subtype in lower case, without parameters. Empty: there is none. */
  essence: string;
  /** In lower case, without quotes. Undefined: there is none. */
  charset: string | undefined;
  /** Several different values were sent, for example in repeated headers that a proxy joined. */
  isAmbiguous: boolean;
}

/** The value of `Accept-Encoding` in a response that rejects a Content-Encoding (RFC 9110, section 15.5.16). */
export const ACCEPTED_CODINGS = "gzip, deflate";

/** The labels of UTF-8 (WHATWG Encoding, section 4.2), and of ASCII, a subset of it. */
const UTF8_CHARSETS: ReadonlySet<string> = new Set([
  "utf-8",
  "utf8",
  "utf_8",
  "unicode-1-1-utf-8",
  "unicode11utf8",
  "unicode20utf8",
  "x-unicode20utf8",
  "us-ascii",
  "ascii",
  "us_ascii",
  "ansi_x3.4-1968",
  "iso646-us",
  "iso_646.irv:1991",
]);
/** How many characters of a header errors quote. */
const SHOWN_CHARACTERS_MAX = 100;

export function parseMediaType(header: string | null | undefined): MediaType {
  // A comma between two types separates joined headers; one in a parameter does not.
  const [first = "", ...others] = (header ?? "")
    .split(/,(?=\s*[\w.+-]+\/[\w.+-]+\s*(?:[;,]|$))/)
    .map((value) => value.trim().toLowerCase());
  const [essence = "", ...parameters] = first.split(";").map((part) => part.trim());
  let charset: string | undefined;
  for (const parameter of parameters) {
    const equals = parameter.indexOf("=");
    if (parameter.slice(0, equals).trim() === "charset")
      charset ??= parameter
        .slice(equals + 1)
        .trim()
        .replace(/^(["'])(.*)\1$/, "$2");
  }
  return { essence, charset, isAmbiguous: others.some((other) => other !== first) };
}

/** True for every JSON type: `application/json`, `text/json`, and types that end with `+json` (RFC 6839). */
export function isJsonType(essence: string): boolean {
  return essence === "application/json" || essence === "text/json" || /^[\w.-]+\/[^\s+][^\s]*\+json$/.test(essence);
}

/** True for a charset that is UTF-8 or a subset of it, is empty, or is missing. */
export function isUtf8Charset(charset: string | undefined): boolean {
  return !charset || UTF8_CHARSETS.has(charset);
}

/**
 * The detail of the error for an unsupported type: the received header, why common clients send it, and the type to send. `accepted`: a sentence with
 * the accepted types.
 */
export function describeUnsupportedType(header: string | null | undefined, accepted: string): string {
  const { essence, charset, isAmbiguous } = parseMediaType(header);
  if (isAmbiguous) return `The Content-Type headers differ (${show(header)}). Send one. ${accepted}`;
  if (essence === "") return `The Content-Type header is missing. ${accepted}`;
  const received = `The content type ${show(header)} is not supported here.`;
  if (essence === "application/x-www-form-urlencoded") return `${received} HTML forms and curl -d send it by default. ${accepted}`;
  if (essence === "multipart/form-data") return `${received} Upload files by POST to a data endpoint. ${accepted}`;
  if (!isUtf8Charset(charset)) return `The charset ${show(charset)} is not supported. Send UTF-8.`;
  return `${received} ${accepted}`;
}

function show(text: string | null | undefined): string {
  const all = text ?? "";
  return all.length > SHOWN_CHARACTERS_MAX ? `${all.slice(0, SHOWN_CHARACTERS_MAX)}…` : all;
}
