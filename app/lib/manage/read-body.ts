/** Reads a request's body up to a limit. */
import { collectBody, type OpenBody, openBody, openBodyHold } from "@/src/management/import/open-body";
import type { SentBody } from "@/src/management/records/write-record";
import { getRuntime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";
import { describeUnsupportedType, isJsonType, isUtf8Charset, parseMediaType } from "@/src/shared/http/content-type";

/** Smaller bodies are not counted. */
const COUNTED_BYTES_MIN = 64 * 1024;

/** The bytes that bodies hold in memory until their requests have their responses. */
const holds = new WeakMap<Request, ReturnType<typeof openBodyHold>>();

/** Releases what the body of a request holds. Call it when the request has its response. */
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
 * Returns the whole body, inflated. Throws `body_too_large` as soon as more than `bytesMax` bytes arrived, `server_busy` if bodies hold too many bytes,
 * `content_encoding_unsupported`, `body_invalid` if it cannot be inflated, and `request_invalid` if it is cut off. See {@link releaseBody}.
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
 * Returns the body as it arrives, inflated. Throws `body_too_large` and `content_encoding_unsupported` immediately. The iteration throws `request_invalid` if the body is
 * cut off, `body_too_large` if more than `bytesMax` bytes are sent, `body_invalid` if it cannot be inflated, and the reason of `signal`. Then, and if the
 * iteration ends early, the rest is not read. The caller must limit the inflated bytes.
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
      // A cancelled read looks like the end.
      signal?.throwIfAborted();
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    signal?.removeEventListener("abort", giveUp);
    giveUp();
  }
}

/** Returns the JSON value of a body. Throws what {@link readJsonText} throws. */
export async function readJson(request: Request, bytesMax: number): Promise<unknown> {
  return (await readJsonText(request, bytesMax)).value;
}

/**
 * Returns the JSON value of a body, and its text, which has the digits as sent. Throws `content_type_unsupported`, `body_empty`, `body_invalid`, and what
 * {@link readBytes} throws.
 */
export async function readJsonText(request: Request, bytesMax: number): Promise<{ value: unknown; text: string }> {
  const contentType = request.headers.get("content-type");
  const { essence, charset, isAmbiguous } = parseMediaType(contentType);
  if (!isJsonType(essence) || isAmbiguous || !isUtf8Charset(charset)) {
    throw new AppError("content_type_unsupported", {
      detail: describeUnsupportedType(contentType, "Send the header Content-Type: application/json."),
    });
  }
  const bytes = await readBytes(request, bytesMax);
  try {
    // Removes the byte order mark.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!/\S/.test(text)) throw new AppError("body_empty", { detail: "The body is empty. Send a JSON object." });
    return { value: JSON.parse(text), text };
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    const reason = cause instanceof SyntaxError ? `it is not JSON (${cause.message})` : "it is not UTF-8";
    throw new AppError("body_invalid", { detail: `The body is not valid: ${reason}.`, cause });
  }
}

/** Returns a body and its type, inflated, for the rules of records. Throws what {@link readBytes} throws. */
export async function readSentBody(request: Request, bytesMax: number): Promise<SentBody> {
  return { contentType: request.headers.get("content-type") ?? undefined, bytes: await readBytes(request, bytesMax) };
}
