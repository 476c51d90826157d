/** Reads the headers of one part of a form (RFC 7578), as browsers and HTTP libraries write them. */

/** The parsed headers of a part. */
export interface PartHeaders {
  /** The field's name. */
  name: string;
  /** Undefined: the part is a text field. Empty: a file input without a file. */
  filename: string | undefined;
  /** `Content-Type` as sent. */
  type: string | undefined;
  /** `Content-Transfer-Encoding` in lower case; "" when there is none. */
  encoding: string;
}

/** Decodes the bytes of a header or a text field as UTF-8, or as windows-1252 if they are not valid UTF-8, because old clients and forms send that. */
export function decodeFormText(bytes: Uint8Array, charset?: string): string {
  // If the charset is unknown or does not match, the bytes may still be in one of the two others.
  const declared = charset === undefined ? undefined : decodeStrictly(charset, bytes);
  return declared ?? decodeStrictly("utf-8", bytes) ?? decodeWindows1252(bytes);
}

/**
 * `header` maps lowercase header names to lists of values, whose characters are bytes. Returns a sentence that describes the problem if the part cannot be used.
 * `filename*` (RFC 8187) takes precedence over `filename`.
 */
export function readPartHeaders(header: object): PartHeaders | string {
  const disposition = first(header, "content-disposition");
  if (disposition === undefined) return "A part has no Content-Disposition header.";
  const [kind, parameters] = parseHeader(disposition);
  if (kind !== "form-data") return "A part's Content-Disposition is not form-data.";
  const name = parameters.get("name");
  if (!name) return "A part has no name.";
  const extended = parameters.get("filename*");
  const plain = parameters.get("filename");
  return {
    name: unescapeName(toText(name)),
    filename: (extended === undefined ? undefined : decodeExtended(extended)) ?? (plain === undefined ? undefined : toFileName(plain)),
    type: first(header, "content-type"),
    encoding: (first(header, "content-transfer-encoding") ?? "").trim().toLowerCase(),
  };
}

/** One parameter of a header value; undefined if it has none of that name. */
export function findParameter(value: string, name: string): string | undefined {
  return parseHeader(value)[1].get(name);
}

function first(header: object, name: string): string | undefined {
  const values: unknown = Reflect.get(header, name);
  const value: unknown = Array.isArray(values) ? values[0] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The value before the parameters, in lower case, and the parameters by lowercase name. Of several with the same name, the first counts. */
function parseHeader(value: string): [string, Map<string, string>] {
  const parameters = new Map<string, string>();
  const end = value.indexOf(";");
  if (end < 0) return [value.trim().toLowerCase(), parameters];
  let place = end;
  while (place >= 0 && place < value.length) {
    const equals = value.indexOf("=", place);
    if (equals < 0) break;
    const name = value
      .slice(place + 1, equals)
      .trim()
      .toLowerCase();
    const [text, next] = readValue(value, equals + 1);
    if (!parameters.has(name)) parameters.set(name, text);
    place = value.indexOf(";", next);
  }
  return [value.slice(0, end).trim().toLowerCase(), parameters];
}

/** A quoted string or a token, and the index of its end. */
function readValue(value: string, start: number): [string, number] {
  let place = start;
  while (value[place] === " " || value[place] === "\t") place += 1;
  if (value[place] !== '"') {
    const end = value.indexOf(";", place);
    const token = value.slice(place, end < 0 ? undefined : end);
    return [token.trim(), end < 0 ? value.length : end];
  }
  let text = "";
  for (place += 1; place < value.length; place += 1) {
    const character = value[place] ?? "";
    if (character === '"') return [text, place + 1];
    const next = value[place + 1];
    // Other backslashes are literal, because old browsers send Windows paths unescaped. A backslash before the last quote does not escape it.
    const isEscape = character === "\\" && (next === "\\" || (next === '"' && value.indexOf('"', place + 2) >= 0));
    if (isEscape) place += 1;
    text += isEscape ? next : character;
  }
  return [text, value.length];
}

function toText(binary: string): string {
  return decodeFormText(Buffer.from(binary, "latin1"));
}

function toFileName(binary: string): string {
  const text = toText(binary);
  return decodeEncodedWords(text) ?? unescapeName(text);
}

/** The three characters that forms escape in names (HTML standard, multipart/form-data encoding). */
function unescapeName(name: string): string {
  return name.replace(/%(?:22|0[ad])/gi, (escaped) => String.fromCharCode(Number.parseInt(escaped.slice(1), 16)));
}

/** Decodes `UTF-8'en'a%20name`. Undefined if it is malformed, or its charset is unknown or does not match. */
function decodeExtended(value: string): string | undefined {
  const [, charset, encoded] = /^([\w-]{1,40})'[\w-]*'(.*)$/s.exec(value) ?? [];
  if (charset === undefined || encoded === undefined || /%(?![0-9a-f]{2})/i.test(encoded)) return undefined;
  const binary = encoded.replace(/%[0-9a-f]{2}/gi, (escaped) => String.fromCharCode(Number.parseInt(escaped.slice(1), 16)));
  return decodeStrictly(charset, Buffer.from(binary, "latin1"));
}

/** Decodes `=?UTF-8?Q?na=C3=AFve.txt?=` (RFC 2047), which mail libraries and HTTP libraries based on them write. Undefined if it is not such a word. */
function decodeEncodedWords(name: string): string | undefined {
  if (!ENCODED_WORDS.test(name)) return undefined;
  let text = "";
  for (const [, charset = "", kind = "", encoded = ""] of name.matchAll(ENCODED_WORD)) {
    const bytes =
      kind.toLowerCase() === "b"
        ? Buffer.from(encoded, "base64")
        : Buffer.from(
            encoded.replaceAll("_", " ").replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
            "latin1",
          );
    const word = decodeStrictly(charset, bytes);
    if (word === undefined) return undefined;
    text += word;
  }
  return text;
}

const ENCODED_WORDS = /^(?:=\?[\w-]{1,40}\?[bq]\?[^?]*\?=\s*)+$/i;
const ENCODED_WORD = /=\?([\w-]{1,40})\?([bq])\?([^?]*)\?=/gi;

/** Undefined if the charset is unknown, or the bytes are not valid in it. */
function decodeStrictly(charset: string, bytes: Uint8Array): string | undefined {
  try {
    const decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
    return decoder.encoding === "windows-1252" ? decodeWindows1252(bytes) : decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Some releases of Node.js decode windows-1252 as ISO 8859-1, which has control characters from 0x80 to 0x9F. */
function decodeWindows1252(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("latin1")
    .replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80] ?? character);
}

/** The characters from 0x80 to 0x9F. */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
