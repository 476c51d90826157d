/** Sends a request from the browser to this server, and reads as much of the response as can be displayed. */
import type { Call, CallContext } from "./call";

export interface CallResponse {
  status: number;
  statusText: string;
  durationMs: number;
  /** All headers except cookies, which browsers hide from pages. */
  headers: readonly (readonly [string, string])[];
  /** Undefined if the body is not text. */
  text: string | undefined;
  /** The number of bytes of the body that were read. */
  bytes: number;
  /** True if the body was longer. The rest was not read. */
  isCut: boolean;
}

const BYTES_MAX = 256 * 1024;
const TIMEOUT_MS = 60_000;
const TEXT = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml|x-ndjson))/;

/** Throws an Error with a message for the user if there is no response. */
export async function sendCall({ method, path, headers, body }: Call, { secrets, withCookies }: CallContext): Promise<CallResponse> {
  const all = new Headers(headers);
  for (const { header, prefix, value } of secrets) all.set(header, `${prefix}${value}`);
  const startMs = performance.now();
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      method: method.toUpperCase(),
      headers: all,
      cache: "no-store",
      credentials: withCookies ? "same-origin" : "omit",
      signal: abort.signal,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : toForm(body) }),
    });
    const { bytes, isCut } = await readStart(response);
    const durationMs = Math.round(performance.now() - startMs);
    const isText = TEXT.test(response.headers.get("content-type") ?? "text/plain");
    return {
      status: response.status,
      statusText: response.statusText,
      durationMs,
      headers: [...response.headers],
      text: isText ? new TextDecoder().decode(bytes) : undefined,
      bytes: bytes.byteLength,
      isCut,
    };
  } catch (error) {
    if (abort.signal.aborted) throw new Error("The server didn’t respond within a minute. Try again.", { cause: error });
    throw new Error("Couldn’t send the request. Check that the server is reachable and that headers contain no line breaks.", {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

function toForm(files: readonly File[]): FormData {
  const form = new FormData();
  for (const file of files) form.append("file", file);
  return form;
}

async function readStart(response: Response): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return { bytes: join(chunks, length), isCut: false };
    chunks.push(piece.value);
    length += piece.value.byteLength;
    if (length > BYTES_MAX) {
      await reader?.cancel();
      return { bytes: join(chunks, length).subarray(0, BYTES_MAX), isCut: true };
    }
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
