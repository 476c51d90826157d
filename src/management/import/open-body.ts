/** Opens the body of an import, counted against the memory that bodies may hold. */
import { toNetwork } from "@/src/core/access/client-network";
import { CollectedBody, createTooLargeError } from "@/src/core/http/collect-body";
import { INFLATER_BYTES, inflate, parseContentCoding, toSentBytesMax } from "@/src/core/http/content-coding";
import type { ByteBudget, ByteHold } from "@/src/core/limits/byte-budget";

/** Opens an account of held bytes for a client. `address` is the client's; null is unknown and counts as one address. Release it after the response. */
export function openBodyHold(bodies: ByteBudget, address: string | null): ByteHold {
  return bodies.hold([`management ${address === null ? "unknown" : toNetwork(address)}`], 0);
}

export interface OpenBody {
  /** The inflated bytes. They can be more than were sent, so the reader must limit them. */
  bytes: AsyncIterable<Uint8Array>;
  /** The memory that reading holds besides the bytes. */
  overheadBytes: number;
}

/**
 * Throws `content_encoding_unsupported`, and `body_too_large` if the announced length exceeds that of any body of `bytesMax` bytes. Reading the bytes
 * throws `body_too_large` if too many were sent, `body_invalid` if they cannot be inflated, and what `sent` throws.
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
  if (Number(contentLength ?? 0) > sentMax) throw createTooLargeError(bytesMax);
  if (coding === undefined) return { bytes: sent, overheadBytes: 0 };
  return { bytes: inflate(bound(sent, { sentMax, bytesMax }), coding), overheadBytes: INFLATER_BYTES };
}

/** Returns all bytes of a body. Throws `body_too_large` if there are more than `bytesMax`, and what reading or `meter` throws. */
export async function collectBody(
  { bytes, overheadBytes }: OpenBody,
  { bytesMax, meter }: { bytesMax: number; meter: (length: number) => void },
): Promise<Uint8Array> {
  const body = new CollectedBody({ bytesMax, meter: (length) => meter(length + overheadBytes) });
  for await (const chunk of bytes) body.add(chunk);
  return body.toBytes();
}

/** Limits the sent length too, for bodies that inflate to little or nothing. */
async function* bound(
  sent: AsyncIterable<Uint8Array>,
  { sentMax, bytesMax }: { sentMax: number; bytesMax: number },
): AsyncGenerator<Uint8Array, void> {
  let length = 0;
  for await (const chunk of sent) {
    length += chunk.byteLength;
    if (length > sentMax) throw createTooLargeError(bytesMax);
    yield chunk;
  }
}
