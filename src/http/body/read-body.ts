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

    // The listeners of the request stay: removing them would take longer than a call that does nothing, once for each of most requests.
    const deadline: Deadline = { isSettled: false, timer: undefined, timeoutMs, onLate: () => refuse(new AppError("body_timeout")) };
    const settle = (): void => {
      deadline.isSettled = true;
      clearTimeout(deadline.timer);
      // Bytes may still be on their way through the inflater.
      inflater?.removeAllListeners().on("error", () => undefined);
      inflater?.destroy();
    };
    const refuse = (error: unknown): void => {
      settle();
      request.pause();
      reject(error);
    };
    const take = (chunk: Uint8Array): void => {
      try {
        body.add(chunk);
      } catch (error) {
        refuse(error);
      }
    };
    const onSent = (chunk: Uint8Array): void => {
      if (deadline.isSettled) return;
      sent += chunk.byteLength;
      if (!inflater) take(chunk);
      else if (sent > sentMax) refuse(createTooLargeError(bytesMax));
      else if (!inflater.write(chunk)) request.pause();
    };
    const finish = (): void => {
      settle();
      resolve(body.toBytes());
    };
    const onEnd = (): void => {
      if (deadline.isSettled) return;
      if (inflater) inflater.end();
      else finish();
    };
    const onClose = (): void => {
      if (deadline.isSettled || (inflater && request.complete)) return;
      settle();
      resolve(undefined);
    };

    if (request.destroyed) return onClose();
    watch(deadline);
    if (inflater && coding !== undefined) {
      inflater.on("data", take).on("drain", () => request.resume());
      inflater.on("end", finish).on("error", (error) => refuse(toCodingError(coding, error)));
    }
    request.on("data", onSent).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

/** When a body must have arrived. */
interface Deadline {
  isSettled: boolean;
  timer: NodeJS.Timeout | undefined;
  timeoutMs: number;
  onLate: () => void;
}

/** The bodies whose reading has begun in this turn of the event loop. */
let begun: Deadline[] = [];

/** Starts the timer of a body that does not arrive in this turn. Most arrive together with their head, and a timer for each would take longer than reading them. */
function watch(deadline: Deadline): void {
  if (begun.push(deadline) === 1) setImmediate(startTimers);
}

function startTimers(): void {
  const waiting = begun;
  begun = [];
  for (const deadline of waiting) if (!deadline.isSettled) deadline.timer = setTimeout(deadline.onLate, deadline.timeoutMs);
}
