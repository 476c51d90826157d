/** Reads a request's body up to a limit. It must not interpret more than JSON. */
import { openBodyHold } from "@/src/control/hold-body";
import type { SentBody } from "@/src/control/write-record";
import { getRuntime } from "@/src/runtime/registry";
import { AppError } from "@/src/shared/errors";

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
 * Raises `body_too_large` as soon as more than `bytesMax` arrived, `server_busy` when too much is held for callers, and `request_invalid` when the body
 * breaks off. See {@link releaseBody}.
 */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const reader = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let counted = 0;
  for (;;) {
    const piece = await reader?.read().catch((cause: unknown) => {
      throw new AppError("request_invalid", { detail: "The body broke off.", cause });
    });
    if (!piece || piece.done) return Buffer.concat(chunks, length);
    length += piece.value.byteLength;
    try {
      if (length > bytesMax) throw tooLarge(bytesMax);
      if (length > COUNTED_BYTES_MIN) {
        holdBody(request, length - counted);
        counted = length;
      }
    } catch (error) {
      reader?.cancel().catch(() => undefined);
      throw error;
    }
    chunks.push(piece.value);
  }
}

/**
 * The body as it arrives. Raises `request_invalid` when it breaks off, and what `signal` is aborted with; then, and when the iteration ends early,
 * the rest is given up.
 */
export async function* readChunks(request: Request, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const reader = request.body?.getReader();
  if (!reader) return;
  const giveUp = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    for (;;) {
      const piece = await reader.read().catch((cause: unknown) => {
        throw new AppError("request_invalid", { detail: "The body broke off.", cause });
      });
      // A read that was given up looks like the end.
      signal.throwIfAborted();
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    signal.removeEventListener("abort", giveUp);
    giveUp();
  }
}

/** The JSON value of a body of `application/json`. Raises `content_type_unsupported`, `body_empty`, `body_invalid`, `body_too_large`. */
export async function readJson(request: Request, bytesMax: number): Promise<unknown> {
  const [mediaType = ""] = (request.headers.get("content-type") ?? "").split(";");
  if (mediaType.trim().toLowerCase() !== "application/json") {
    throw new AppError("content_type_unsupported", { detail: "This content type is not supported. Send application/json." });
  }
  const bytes = await readBytes(request, bytesMax);
  if (bytes.byteLength === 0) throw new AppError("body_empty", { detail: "The body is empty. Send a JSON object." });
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? `it is not JSON (${cause.message})` : "it is not UTF-8";
    throw new AppError("body_invalid", { detail: `The body is not valid: ${reason}.`, cause });
  }
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("body_too_large", { detail: `The body is too large. Send ${bytesMax} bytes at most.` });
}

/** A body as it was sent, for the rules of records to judge. Raises `body_too_large`. */
export async function readSentBody(request: Request, bytesMax: number): Promise<SentBody> {
  return {
    contentType: request.headers.get("content-type") ?? undefined,
    contentEncoding: request.headers.get("content-encoding") ?? undefined,
    bytes: await readBytes(request, bytesMax),
  };
}
