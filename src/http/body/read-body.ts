/** Reads a request's body into memory, inflated, within limits. */
import type { IncomingMessage } from "node:http";
import { CollectedBody, createTooLargeError } from "@/src/core/http/collect-body";
import { type ContentCoding, createInflater, INFLATER_BYTES, toCodingError, toSentBytesMax } from "@/src/core/http/content-coding";
import { AppError } from "@/src/shared/errors";

/**
 * Returns the whole body, or undefined if the client disconnected before it was complete. Throws `body_too_large` as soon as that is known: from Content-Length
 * before a byte is read, or from the inflated length. Throws `body_timeout`, counted from the call, `body_invalid` if the body cannot be inflated, and what
 * `meter` throws. The request is then paused.
 */
export function readBody({
  request,
  bytesMax,
  timeoutMs,
  meter,
  coding,
}: {
  request: IncomingMessage;
  /** The most bytes that are returned. */
  bytesMax: number;
  timeoutMs: number;
  /** Called with the length so far, before a chunk is kept. */
  meter: (length: number) => void;
  /** Undefined: the body is returned as sent. */
  coding?: ContentCoding | undefined;
}): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const sentMax = toSentBytesMax(bytesMax, coding);
    if (Number(request.headers["content-length"] ?? 0) > sentMax) return reject(createTooLargeError(bytesMax));
    const inflater = coding === undefined ? undefined : createInflater(coding);
    const overhead = inflater ? INFLATER_BYTES : 0;
    const body = new CollectedBody({ bytesMax, meter: overhead === 0 ? meter : (length) => meter(length + overhead) });
    let sent = 0;

    const settle = (act: () => void): void => {
      clearTimeout(timer);
      request.off("data", onSent).off("end", onEnd).off("close", onClose).off("error", onClose);
      // Bytes may still be on their way through the inflater.
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
      try {
        body.add(chunk);
      } catch (error) {
        refuse(error);
      }
    };
    const onSent = (chunk: Uint8Array): void => {
      sent += chunk.byteLength;
      if (!inflater) take(chunk);
      else if (sent > sentMax) refuse(createTooLargeError(bytesMax));
      else if (!inflater.write(chunk)) request.pause();
    };
    const finish = (): void => settle(() => resolve(body.toBytes()));
    const onEnd = (): void => {
      if (inflater) inflater.end();
      else finish();
    };
    const onClose = (): void => {
      if (inflater && request.complete) return;
      settle(() => resolve(undefined));
    };

    const timer = setTimeout(() => refuse(new AppError("body_timeout")), timeoutMs);
    if (request.destroyed) return settle(() => resolve(undefined));
    if (inflater && coding !== undefined) {
      inflater.on("data", take).on("drain", () => request.resume());
      inflater.on("end", finish).on("error", (error) => refuse(toCodingError(coding, error)));
    }
    request.on("data", onSent).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}
