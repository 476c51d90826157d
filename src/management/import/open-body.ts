/** Opens the body of an import, counted against the memory that bodies may hold. */
import { toNetwork } from "@/src/core/access/client-network";
import { INFLATER_BYTES, inflate, parseContentCoding, toSentBytesMax } from "@/src/core/http/content-coding";
import type { ByteBudget, ByteHold } from "@/src/core/limits/byte-budget";
import { AppError } from "@/src/shared/errors";

/** Holds nothing yet. `address`: the client's; null when unknown, which counts as one. Release it when the request was answered. */
export function openBodyHold(bodies: ByteBudget, address: string | null): ByteHold {
  return bodies.hold([`management ${address === null ? "unknown" : toNetwork(address)}`], 0);
}

export interface OpenBody {
  /** The bytes as they are meant. They may be more than were sent: whoever reads them bounds them. */
  bytes: AsyncIterable<Uint8Array>;
  /** What reading holds besides the bytes. */
  overheadBytes: number;
}

/**
 * Throws `content_encoding_unsupported`, and `body_too_large` where the announced length can't be that of a body of `bytesMax`; the bytes throw
 * `body_too_large` when so much was sent, `body_invalid` when they can't be inflated, and what `sent` throws.
 */
export function openBody(options: {
  sent: AsyncIterable<Uint8Array>;
  contentEncoding: string | null;
  contentLength: string | null;
  bytesMax: number;
}): OpenBody {
  const { sent, contentEncoding, contentLength, bytesMax } = options;
  const coding = parseContentCoding(contentEncoding);
  const sentMax = toSentBytesMax(bytesMax, coding);
  const tooLarge = () => new AppError("body_too_large", { detail: `The body is too large. The limit is ${bytesMax} bytes.` });
  if (Number(contentLength ?? 0) > sentMax) throw tooLarge();
  if (coding === undefined) return { bytes: sent, overheadBytes: 0 };
  return { bytes: inflate(bound(sent, sentMax, tooLarge), coding), overheadBytes: INFLATER_BYTES };
}

/** Of a body that inflates to little, or to nothing, the length that is sent has a bound too. */
async function* bound(sent: AsyncIterable<Uint8Array>, bytesMax: number, toError: () => AppError): AsyncGenerator<Uint8Array, void> {
  let length = 0;
  for await (const chunk of sent) {
    length += chunk.byteLength;
    if (length > bytesMax) throw toError();
    yield chunk;
  }
}
