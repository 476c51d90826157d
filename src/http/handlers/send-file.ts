/** GET of a file, whole or a range of it (F2). */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Files } from "@/src/core/files/files";
import { REVALIDATE, toFileHeaders } from "@/src/core/files/headers";
import { type FileConditions, selectPart } from "@/src/core/files/select-part";
import { parseFlag } from "@/src/core/records/parameters";
import { type Admitted, type Handler, headersOf } from "@/src/http/exchange";
import { holdAnswer } from "@/src/http/hold-bytes";
import { parseUniqueId } from "@/src/http/parameters";
import { isClosed, onAnswered } from "@/src/http/reply/answered";
import { respond } from "@/src/http/reply/respond";
import { sendPieces } from "@/src/http/reply/send-pieces";
import type { QueryParameters } from "@/src/shared/http/query";

/** The most bytes that sending a file holds: a chunk from the storage, and what waits for the client. */
const HELD_BYTES_MAX = 512 * 1024;

/** True if the request is for the file rather than its record. A file token gives access to nothing else (F6). Throws `parameter_invalid`. */
export function wantsFile(parameters: QueryParameters): boolean {
  if (parameters.has("fileToken")) return true;
  const isStream = parseFlag(parameters, "stream");
  return parseFlag(parameters, "fileOnly") || (isStream && parameters.has("uniqueId"));
}

export function createSendFileHandler({ files }: { files: Pick<Files, "open"> }): Handler {
  return async (admitted) => {
    const { exchange, grant } = admitted;
    const { request, response } = exchange;
    const id = parseUniqueId(exchange.parameters);
    const file = await files.open({ endpointId: grant.endpoint.id, id, onlyOwner: grant.onlyOwner, judge: grant.judge });
    const headers = {
      ...headersOf(exchange),
      ...toFileHeaders(file),
      "Cache-Control": toCacheControl(admitted),
      "Cross-Origin-Resource-Policy": toResourcePolicy(admitted),
    };
    const part = selectPart(toConditions(request.headers), file);
    if (part.status === 304) return respond(exchange, { status: 304, headers });
    const { status, start, end } = part;
    const head = { ...headers, ...part.headers };
    if (request.method === "HEAD") {
      response.writeHead(status, head).end();
      exchange.onHead?.(status, 0);
      return;
    }
    holdAnswer(exchange, Math.min(end - start + 1, HELD_BYTES_MAX));
    // Opened before the head is sent, so that the response can still report an unavailable storage.
    const bytes = await file.read({ start, end });
    response.writeHead(status, head);
    exchange.onHead?.(status, end - start + 1);
    await send(response, bytes);
  };
}

function toConditions({ range, "if-none-match": ifNoneMatch, "if-range": ifRange }: IncomingHttpHeaders): FileConditions {
  return { range, ifNoneMatch, ifRange: Array.isArray(ifRange) ? ifRange.join(", ") : ifRange };
}

/**
 * If the endpoint's owner has chosen so, and reading needs no user, any cache may keep the file. A cache does not know the caller and selects responses by their
 * address, so the address must contain the key. Otherwise the cache would respond to anybody, with any key or none.
 */
function toCacheControl({ exchange: { parameters }, grant, resolved: { endpoint } }: Admitted): string {
  // A judge decides for each caller.
  const isForEverybody =
    !endpoint.secure && !grant.judge && !grant.master && !parameters.has("fileToken") && Boolean(parameters.get("key"));
  return endpoint.fileCacheSeconds > 0 && isForEverybody ? `public, max-age=${endpoint.fileCacheSeconds}, no-transform` : REVALIDATE;
}

/**
 * Whether other sites may embed the file without CORS (Fetch standard, cross-origin resource policy). The header cannot name origins, so a list of origins means
 * `cross-origin`. Access to the file was decided before. Requests with CORS follow the list itself. File tokens are made for embedding.
 */
function toResourcePolicy({ exchange: { parameters }, grant, resolved: { endpoint, project } }: Admitted): "same-origin" | "cross-origin" {
  return (endpoint.secure || grant.judge !== undefined) && project.allowedOrigins.size === 0 && !parameters.has("fileToken")
    ? "same-origin"
    : "cross-origin";
}

/**
 * Sends the bytes at the client's pace. If either side fails, both end, and the connection is cut, so that half a file is not taken for a whole one. Node's `pipeline` is
 * not used: it never settles for the response to a pipelined request whose connection closes before its turn, because that emits no `close`.
 */
async function send(response: ServerResponse, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  // Nothing else closes a file whose first byte was never read, or whose next one does not arrive.
  const close = (): void => {
    if (bytes instanceof Readable) bytes.destroy();
  };
  const cancel = onAnswered(response, close);
  try {
    for await (const chunk of bytes) if (!(await sendPieces(response, chunk))) return;
    response.end();
  } catch (error) {
    // The client has disconnected, so the error is not reported.
    if (isClosed(response)) return;
    response.destroy();
    throw error;
  } finally {
    cancel();
    close();
  }
}
