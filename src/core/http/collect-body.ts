/** Collects the bytes of a body within its limit, whatever transport they arrive by. */
import { AppError } from "@/src/shared/errors";

export class CollectedBody {
  readonly #bytesMax: number;
  readonly #meter: (length: number) => void;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  /** `meter` is called with the length so far before a chunk is kept. */
  constructor({ bytesMax, meter }: { bytesMax: number; meter: (length: number) => void }) {
    this.#bytesMax = bytesMax;
    this.#meter = meter;
  }

  /** Throws `body_too_large`, and what `meter` throws. */
  add(chunk: Uint8Array): void {
    this.#length += chunk.byteLength;
    if (this.#length > this.#bytesMax) throw createTooLargeError(this.#bytesMax);
    this.#meter(this.#length);
    this.#chunks.push(chunk);
  }

  /** Returns all bytes. A single chunk is not copied. */
  toBytes(): Uint8Array {
    const [only] = this.#chunks;
    return this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#length);
  }
}

/** Returns the error for a body of more than `bytesMax` bytes. */
export function createTooLargeError(bytesMax: number): AppError {
  return new AppError("body_too_large", { detail: `The body is too large. The limit is ${bytesMax} bytes.` });
}
