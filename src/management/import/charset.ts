/** Finds the character encoding of an import file, and decodes it in chunks (G14). */
import { AppError } from "@/src/shared/errors";
import { ANSI_CHARSET } from "@/src/shared/record-limits";

/** An encoding that a request names. */
export interface NamedCharset {
  /** A name returned by `toCharset`. */
  name: string;
  /** A byte order mark takes precedence over a content type, which libraries add by default, but not over a parameter. */
  from: "parameter" | "content-type";
}

export interface FoundCharset {
  name: string;
  /** True if the encoding was guessed: the file declares none and is not UTF-8, so it is read as windows-1252. */
  isGuess: boolean;
}

export interface DecodeOptions {
  charset?: NamedCharset | undefined;
  /** Reads files that are not UTF-8 and declare no encoding as windows-1252. If false, they are rejected. */
  mayGuess: boolean;
  /** The current line, counted from 1. */
  line: () => number;
  /** Call it once, at the end of the file. */
  onFound: (found: FoundCharset) => void;
}

export const CHARSET_LENGTH_MAX = 40;
/** Labels that need no decoder of their own: ASCII is UTF-8, and "utf-16" leaves the byte order to the file. */
const OWN_LABELS: Readonly<Record<string, string>> = { ansi: ANSI_CHARSET, ascii: "utf-8", "us-ascii": "utf-8", "utf-16": "utf-16" };

/** Returns the name of an encoding in the Encoding Standard, or undefined for an unknown label. */
export function toCharset(label: string): string | undefined {
  const lower = label.trim().toLowerCase();
  if (lower.length > CHARSET_LENGTH_MAX) return undefined;
  const own = Object.hasOwn(OWN_LABELS, lower) ? OWN_LABELS[lower] : undefined;
  if (own !== undefined) return own;
  try {
    return new TextDecoder(lower).encoding;
  } catch {
    return undefined;
  }
}

/** The number of bytes that are examined before decoding. */
const HEAD_BYTES = 1024;
/** The share of ASCII characters, line breaks and delimiters included, that identifies UTF-16. */
const ZEROS_MIN = 0.1;

/** Decodes a file in chunks. Throws `body_invalid`. */
export async function* decodeChunks(bytes: AsyncIterable<Uint8Array>, options: DecodeOptions): AsyncGenerator<string, void> {
  let head: Uint8Array | undefined = new Uint8Array();
  let decoder: ChunkDecoder | undefined;
  for await (const chunk of bytes) {
    if (head) {
      head = Buffer.concat([head, chunk]);
      if (head.length < HEAD_BYTES) continue;
      decoder = createDecoder(head, options);
      yield decoder.push(head);
      head = undefined;
    } else if (decoder) yield decoder.push(chunk);
  }
  decoder ??= createDecoder(head ?? new Uint8Array(), options);
  if (head) yield decoder.push(head);
  yield decoder.end();
  options.onFound(decoder.found);
}

interface ChunkDecoder {
  readonly found: FoundCharset;
  push(chunk: Uint8Array): string;
  end(): string;
}

function createDecoder(head: Uint8Array, options: DecodeOptions): ChunkDecoder {
  refuseWorkbook(head);
  const mark = toMark(head);
  const { charset } = options;
  if (charset?.from === "parameter" || (charset && mark === undefined)) {
    const name = charset.name === "utf-16" ? (mark ?? "utf-16le") : charset.name;
    return new StrictDecoder(name, () => notThat(name, options.line()));
  }
  const found = mark ?? guessUtf16(head);
  if (found !== undefined) return new StrictDecoder(found, () => notThat(found, options.line()));
  return new Utf8Decoder(options);
}

/** Returns the encoding that a byte order mark declares. */
function toMark(head: Uint8Array): string | undefined {
  const [first, second, third, fourth] = head;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe && third === 0 && fourth === 0) {
    throw new AppError("body_invalid", { detail: "The file is UTF-32, which cannot be imported. Save it as UTF-8." });
  }
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}

/** NUL characters cannot be stored, so frequent zero bytes are halves of UTF-16 code units. */
function guessUtf16(head: Uint8Array): string | undefined {
  const zeros = { even: 0, odd: 0 };
  for (const [index, byte] of head.entries()) if (byte === 0) zeros[index % 2 === 0 ? "even" : "odd"] += 1;
  if (Math.max(zeros.even, zeros.odd) < (head.length / 2) * ZEROS_MIN || zeros.even === zeros.odd) return undefined;
  return zeros.odd > zeros.even ? "utf-16le" : "utf-16be";
}

function refuseWorkbook(head: Uint8Array): void {
  const begin = Buffer.from(head.subarray(0, 4)).toString("hex");
  if (begin !== "504b0304" && begin !== "d0cf11e0") return;
  throw new AppError("body_invalid", { detail: "This is a workbook or an archive, not text. Save it as CSV UTF-8, then try again." });
}

function notThat(name: string, line: number): AppError {
  const detail = `Line ${line} or one after it is not ${name}. Choose the file's encoding (charset), or save the file as UTF-8.`;
  return new AppError("body_invalid", { detail });
}

class StrictDecoder implements ChunkDecoder {
  readonly found: FoundCharset;
  readonly #decoder: TextDecoder;
  readonly #createError: () => AppError;

  constructor(name: string, createError: () => AppError) {
    this.found = { name, isGuess: false };
    this.#decoder = new TextDecoder(name, { fatal: true });
    this.#createError = createError;
  }

  push(chunk: Uint8Array): string {
    return this.#decode(() => this.#decoder.decode(chunk, { stream: true }));
  }

  end(): string {
    return this.#decode(() => this.#decoder.decode());
  }

  #decode(work: () => string): string {
    try {
      return work();
    } catch {
      throw this.#createError();
    }
  }
}

const NOT_ASCII = /[^\0-\x7f]/;

/** Decodes UTF-8. Switches to windows-1252 at the first bytes that are not UTF-8 if all bytes before them are ASCII, which is the same in both. */
class Utf8Decoder implements ChunkDecoder {
  readonly #options: DecodeOptions;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true });
  /** Set when the file is known not to be UTF-8. */
  #ansi: TextDecoder | undefined;
  #isAscii = true;
  /** An incomplete character at the end of the last chunk, while everything before it is ASCII. */
  #pending: Uint8Array = new Uint8Array();

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  get found(): FoundCharset {
    return this.#ansi ? { name: ANSI_CHARSET, isGuess: true } : { name: "utf-8", isGuess: false };
  }

  push(chunk: Uint8Array): string {
    if (this.#ansi) return this.#ansi.decode(chunk, { stream: true });
    try {
      const text = this.#utf8.decode(chunk, { stream: true });
      this.#isAscii &&= !NOT_ASCII.test(text);
      if (this.#isAscii) {
        const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
        this.#pending = bytes.slice(bytes.length - countLastHigh(bytes));
      }
      return text;
    } catch {
      return this.#begin(Buffer.concat([this.#pending, chunk]));
    }
  }

  end(): string {
    if (this.#ansi) return this.#ansi.decode();
    try {
      return this.#utf8.decode();
    } catch {
      return this.#begin(this.#pending);
    }
  }

  /** Continues as windows-1252. */
  #begin(bytes: Uint8Array): string {
    const lenient = new TextDecoder("utf-8").decode(bytes);
    const broken = lenient.split("\ufffd").length - 1;
    const line = this.#options.line() + lenient.slice(0, Math.max(lenient.indexOf("\ufffd"), 0)).split("\n").length - 1;
    // Most multi-byte characters are valid, so the file is UTF-8 with an error.
    const isUtf8 = !this.#isAscii || (lenient.match(/[^\0-\x7f\ufffd]/g)?.length ?? 0) > broken;
    if (isUtf8) {
      throw new AppError("body_invalid", {
        detail: `Line ${line}: these bytes are not UTF-8, while others of the file are. Choose the file's encoding (charset), or save the file as UTF-8.`,
      });
    }
    if (!this.#options.mayGuess) {
      const detail = `Line ${line}: the file is not UTF-8. Excel's ordinary CSV is ${ANSI_CHARSET} in Western countries: add charset=${ANSI_CHARSET}, or the encoding's name. Or save the file as CSV UTF-8.`;
      throw new AppError("body_invalid", { detail });
    }
    this.#ansi = new TextDecoder(ANSI_CHARSET);
    return this.#ansi.decode(bytes, { stream: true });
  }
}

/** Returns the number of trailing bytes beyond ASCII. */
function countLastHigh(chunk: Uint8Array): number {
  let count = 0;
  while (count < chunk.length && (chunk[chunk.length - 1 - count] ?? 0) >= 0x80) count += 1;
  return count;
}
