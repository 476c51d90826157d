/** Inflates bodies with a Content-Encoding as they arrive (R17). It must not judge how long a body may be; its readers do. */
import { pipeline, Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { AppError } from "@/src/shared/errors";

/** Brotli and Zstandard are left out: their decoders take up to 16 and 8 MiB of memory for each body, whatever its size. */
export type ContentCoding = "gzip" | "deflate";

/** What inflating a body holds besides its bytes: zlib's window and tables, and a piece on its way. */
export const INFLATER_BYTES = 64 * 1024;
/** What is inflated at once. */
const CHUNK_BYTES = 16 * 1024;

/** The one coding of a body; undefined: it is sent as it is. Throws `content_encoding_unsupported`. */
export function parseContentCoding(header: string | null | undefined): ContentCoding | undefined {
  if (!header) return undefined;
  const codings = header
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
  const [coding] = codings;
  if (coding === undefined) return undefined;
  if (codings.length === 1 && (coding === "gzip" || coding === "x-gzip")) return "gzip";
  if (codings.length === 1 && coding === "deflate") return "deflate";
  const detail = `The Content-Encoding ${header.slice(0, 100)} is not supported. Send the body uncompressed, or as gzip or deflate.`;
  throw new AppError("content_encoding_unsupported", { detail });
}

/** How many bytes may be sent of a body that may have `bytesMax`: data that can't be compressed become a little longer. */
export function toSentBytesMax(bytesMax: number, coding: ContentCoding | undefined): number {
  return coding === undefined ? bytesMax : bytesMax + Math.ceil(bytesMax / 256) + 1024;
}

export function createInflater(coding: ContentCoding): Transform {
  const options = { chunkSize: CHUNK_BYTES };
  return coding === "gzip" ? zlib.createGunzip(options) : zlib.createInflate(options);
}

/** The error of a body that its coding does not fit, or that is cut off. */
export function toCodingError(coding: ContentCoding, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : "unknown reason";
  return new AppError("body_invalid", { detail: `The body is not valid ${coding}, as Content-Encoding says: ${reason}.`, cause });
}

/**
 * The inflated bytes of `source`, in pieces of 16 KiB at most, no more of them than are asked for. Throws `body_invalid`, and what `source` throws; it is
 * given up when the iteration ends early.
 */
export async function* inflate(source: AsyncIterable<Uint8Array>, coding: ContentCoding): AsyncGenerator<Uint8Array, void> {
  const sent = Readable.from(source, { objectMode: false });
  const inflater = createInflater(coding);
  let failure: unknown;
  sent.once("error", (error) => {
    failure = error;
  });
  // What fails is thrown by the loop.
  pipeline(sent, inflater, () => undefined);
  try {
    for await (const chunk of inflater) yield chunk;
  } catch (error) {
    throw failure ?? toCodingError(coding, error);
  } finally {
    inflater.destroy();
    sent.destroy();
  }
}
