/** Inflates request bodies that have a Content-Encoding while they arrive (R17). The reader of the inflated bytes limits their length. */
import { pipeline, Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { AppError } from "@/src/shared/errors";

/** Brotli and Zstandard are not supported: their decoders use up to 16 and 8 MiB of memory per body, regardless of its size. */
export type ContentCoding = "gzip" | "deflate";

/** The memory that inflating a body needs in addition to the body: zlib's window and tables, and one chunk. */
export const INFLATER_BYTES = 64 * 1024;
/** The size of an inflated chunk. */
const CHUNK_BYTES = 16 * 1024;

/** The coding of a body, or undefined if it is not encoded. Throws `content_encoding_unsupported` for other codings and for more than one. */
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

/** The maximum length of an encoded body whose decoded length is limited to `bytesMax`. Data that cannot be compressed becomes slightly longer. */
export function toSentBytesMax(bytesMax: number, coding: ContentCoding | undefined): number {
  return coding === undefined ? bytesMax : bytesMax + Math.ceil(bytesMax / 256) + 1024;
}

export function createInflater(coding: ContentCoding): Transform {
  const options = { chunkSize: CHUNK_BYTES };
  return coding === "gzip" ? zlib.createGunzip(options) : zlib.createInflate(options);
}

/** The error of a body that does not match its coding or is incomplete. */
export function toCodingError(coding: ContentCoding, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : "unknown reason";
  return new AppError("body_invalid", { detail: `The body is not valid ${coding}, which Content-Encoding declares: ${reason}.`, cause });
}

/**
 * Yields the inflated bytes of `source` in chunks of at most 16 KiB, and inflates only as many as are read. Throws `body_invalid`, and what `source`
 * throws. Destroys `source` if the iteration ends early.
 */
export async function* inflate(source: AsyncIterable<Uint8Array>, coding: ContentCoding): AsyncGenerator<Uint8Array, void> {
  const sent = Readable.from(source, { objectMode: false });
  const inflater = createInflater(coding);
  let failure: unknown;
  sent.once("error", (error) => {
    failure = error;
  });
  // The loop below throws the errors.
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
