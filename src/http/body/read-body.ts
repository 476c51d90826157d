/** Reads a request's body into memory, inflated, within limits. It must not answer, nor look at what the bytes mean. */
import type { IncomingMessage } from "node:http";
import { type ContentCoding, createInflater, INFLATER_BYTES, toCodingError, toSentBytesMax } from "@/src/core/http/content-coding";
import { AppError } from "@/src/shared/errors";

/**
 * The whole body; undefined when the client went away before it was complete, and so gets no answer. Throws `body_too_large` as soon as
 * that is known (from Content-Length, before a byte is read; of an inflated body by what came out of it), `body_timeout`, counted from the call,
 * `body_invalid` for a body that can't be inflated, and what `meter` throws; the request is paused then.
 */
export function readBody({
  request,
  bytesMax,
  timeoutMs,
  meter,
  coding,
}: {
  request: IncomingMessage;
  /** Of what is returned. */
  bytesMax: number;
  timeoutMs: number;
  /** Called with the length so far before more is held. */
  meter: (length: number) => void;
  /** Undefined: the body is returned as it is sent. */
  coding?: ContentCoding | undefined;
}): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): AppError => new AppError("body_too_large", { detail: `The body is too large. The limit is ${bytesMax} bytes.` });
    const sentMax = toSentBytesMax(bytesMax, coding);
    if (Number(request.headers["content-length"] ?? 0) > sentMax) return reject(tooLarge());
    const inflater = coding === undefined ? undefined : createInflater(coding);
    const overhead = inflater ? INFLATER_BYTES : 0;
    const chunks: Uint8Array[] = [];
    let length = 0;
    let sent = 0;

    const settle = (act: () => void): void => {
      clearTimeout(timer);
      request.off("data", onSent).off("end", onEnd).off("close", onGone).off("error", onGone);
      // Bytes that were sent already may be under way through it.
      inflater?.removeAllListeners().on("error", () => undefined);
      inflater?.destroy();
      act();
    };
    const refuse = (error: unknown): void =>
      settle(() => {
        request.pause();
        reject(error);
      });
    const take = (chunk: Uint8Array): void => {
      length += chunk.byteLength;
      try {
        if (length > bytesMax) throw tooLarge();
        meter(length + overhead);
        chunks.push(chunk);
      } catch (error) {
        refuse(error);
      }
    };
    const onSent = (chunk: Uint8Array): void => {
      sent += chunk.byteLength;
      if (!inflater) take(chunk);
      else if (sent > sentMax) refuse(tooLarge());
      else if (!inflater.write(chunk)) request.pause();
    };
    const finish = (): void => settle(() => resolve(concat(chunks)));
    const onEnd = (): void => {
      if (inflater) inflater.end();
      else finish();
    };
    const onGone = (): void => {
      if (inflater && request.complete) return;
      settle(() => resolve(undefined));
    };

    const timer = setTimeout(() => refuse(new AppError("body_timeout")), timeoutMs);
    if (request.destroyed) return settle(() => resolve(undefined));
    if (inflater && coding !== undefined) {
      inflater.on("data", take).on("drain", () => request.resume());
      inflater.on("end", finish).on("error", (error) => refuse(toCodingError(coding, error)));
    }
    request.on("data", onSent).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}
