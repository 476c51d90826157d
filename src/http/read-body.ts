/** Reads a request's body into memory, within limits. It must not answer, nor look at what the bytes mean. */
import type { IncomingMessage } from "node:http";
import { AppError } from "@/src/shared/errors";

/**
 * The whole body; undefined when the client went away before it was complete, and so gets no answer. Raises `body_too_large` as soon as
 * that is known (from Content-Length, before a byte is read), `body_timeout`, counted from the call, and what `meter` raises; the request is paused then.
 */
export function readBody({
  request,
  bytesMax,
  timeoutMs,
  meter,
}: {
  request: IncomingMessage;
  bytesMax: number;
  timeoutMs: number;
  /** Called with the length so far before more is held. */
  meter: (length: number) => void;
}): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): AppError =>
      new AppError("body_too_large", { detail: `The body is too large: at most ${bytesMax} bytes are taken.` });
    if (Number(request.headers["content-length"] ?? 0) > bytesMax) return reject(tooLarge());
    const chunks: Uint8Array[] = [];
    let length = 0;

    const settle = (act: () => void): void => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      act();
    };
    const refuse = (error: unknown): void =>
      settle(() => {
        request.pause();
        reject(error);
      });
    const onData = (chunk: Uint8Array): void => {
      length += chunk.byteLength;
      try {
        if (length > bytesMax) throw tooLarge();
        meter(length);
        chunks.push(chunk);
      } catch (error) {
        refuse(error);
      }
    };
    const onEnd = (): void => settle(() => resolve(concat(chunks)));
    const onGone = (): void => settle(() => resolve(undefined));

    const timer = setTimeout(() => refuse(new AppError("body_timeout")), timeoutMs);
    if (request.destroyed) return onGone();
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}
