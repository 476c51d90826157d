/** Reads a request's body up to a limit. It must not interpret more than JSON. */
import { collectBody, type OpenBody, openBody, openBodyHold } from "@/src/management/import/open-body";
import type { SentBody } from "@/src/management/records/write-record";
import { getRuntime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";
import { describeUnsupportedType, isJsonType, isUtf8Charset, parseMediaType } from "@/src/shared/http/content-type";

/** Smaller bodies are not counted. */
const COUNTED_BYTES_MIN = 64 * 1024;

/** What bodies hold in memory until their requests are answered. */
const holds = new WeakMap<Request, ReturnType<typeof openBodyHold>>();

/** Gives back what the body of a request held. Call it when the request was answered. */
export function releaseBody(request: Request): void {
  holds.get(request)?.release();
}

function holdBody(request: Request, bytes: number): void {
  let hold = holds.get(request);
  if (!hold) {
    hold = openBodyHold(getRuntime().held.bodies, request.headers.get("x-forwarded-for"));
    holds.set(request, hold);
  }
  hold.add(bytes);
}

/**
 * The whole body, inflated. Throws `body_too_large` as soon as more than `bytesMax` arrived, `server_busy` when too much is held for callers,
 * `content_encoding_unsupported`, `body_invalid` when it can't be inflated, and `request_invalid` when the body breaks off. See {@link releaseBody}.
 */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  let counted = 0;
  return collectBody(open(request, bytesMax, readSent(request)), {
    bytesMax,
    meter: (length) => {
      if (length <= COUNTED_BYTES_MIN) return;
      holdBody(request, length - counted);
      counted = length;
    },
  });
}

/**
 * The body as it arrives, inflated. Throws `body_too_large` and `content_encoding_unsupported` at once; the bytes throw `request_invalid` when they break
 * off, `body_too_large` when more than `bytesMax` are sent, `body_invalid` when they can't be inflated, and what `signal` is aborted with; then, and
 * when the iteration ends early, the rest is given up. Whoever reads them bounds what they inflate to.
 */
export function readChunks(request: Request, { signal, bytesMax }: { signal: AbortSignal; bytesMax: number }): AsyncIterable<Uint8Array> {
  return open(request, bytesMax, readSent(request, signal)).bytes;
}

function open(request: Request, bytesMax: number, sent: AsyncIterable<Uint8Array>): OpenBody {
  const { headers } = request;
  return openBody({ sent, contentEncoding: headers.get("content-encoding"), contentLength: headers.get("content-length"), bytesMax });
}

async function* readSent(request: Request, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const reader = request.body?.getReader();
  if (!reader) return;
  const giveUp = () => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    for (;;) {
      const piece = await reader.read().catch((cause: unknown) => {
        throw new AppError("request_invalid", { detail: "The body was cut off.", cause });
      });
      // A read that was given up looks like the end.
      signal?.throwIfAborted();
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    signal?.removeEventListener("abort", giveUp);
    giveUp();
  }
}

/** The JSON value of a body. Throws `content_type_unsupported`, `body_empty`, `body_invalid`, and what {@link readBytes} throws. */
export async function readJson(request: Request, bytesMax: number): Promise<unknown> {
  const contentType = request.headers.get("content-type");
  const { essence, charset, isAmbiguous } = parseMediaType(contentType);
  if (!isJsonType(essence) || isAmbiguous || !isUtf8Charset(charset)) {
    throw new AppError("content_type_unsupported", {
      detail: describeUnsupportedType(contentType, "Send the header Content-Type: application/json."),
    });
  }
  const bytes = await readBytes(request, bytesMax);
  try {
    // Without the byte order mark.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!/\S/.test(text)) throw new AppError("body_empty", { detail: "The body is empty. Send a JSON object." });
    return JSON.parse(text);
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    const reason = cause instanceof SyntaxError ? `it is not JSON (${cause.message})` : "it is not UTF-8";
    throw new AppError("body_invalid", { detail: `The body is not valid: ${reason}.`, cause });
  }
}

/** A body as it was sent, but for its Content-Encoding, for the rules of records to judge. Throws what {@link readBytes} throws. */
export async function readSentBody(request: Request, bytesMax: number): Promise<SentBody> {
  return { contentType: request.headers.get("content-type") ?? undefined, bytes: await readBytes(request, bytesMax) };
}
