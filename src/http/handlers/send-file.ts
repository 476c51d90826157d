/** GET of a file itself, whole or a range (F2). It must not know where bytes are kept. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { Files } from "@/src/core/files/files";
import { REVALIDATE, toFileHeaders } from "@/src/core/files/headers";
import { type FileConditions, selectPart } from "@/src/core/files/select-part";
import { parseFlag } from "@/src/core/records/parameters";
import { type Admitted, type Handler, headersOf } from "@/src/http/exchange";
import { holdAnswer } from "@/src/http/hold-bytes";
import { parseUniqueId } from "@/src/http/parameters";
import { isGone, onAnswered } from "@/src/http/reply/answered";
import { respond } from "@/src/http/reply/respond";
import { sendPieces } from "@/src/http/reply/send-pieces";

/** What a file that is sent holds: a chunk of the storage, and what waits for the client. */
const HELD_BYTES_MAX = 512 * 1024;

/** True when the file is asked for, rather than its record; with a file token nothing else is answered (F6). Throws `parameter_invalid`. */
export function wantsFile(parameters: URLSearchParams): boolean {
  if (parameters.has("fileToken")) return true;
  const isStream = parseFlag(parameters, "stream");
  return parseFlag(parameters, "fileOnly") || (isStream && parameters.has("uniqueId"));
}

export function createSendFileHandler({ files }: { files: Pick<Files, "open"> }): Handler {
  return async ({ exchange, grant, resolved }) => {
    const { request, response } = exchange;
    const id = parseUniqueId(exchange.parameters);
    const file = await files.open({ endpointId: grant.endpoint.id, id, onlyOwner: grant.onlyOwner });
    const headers = {
      ...headersOf(exchange),
      ...toFileHeaders(file),
      "Cache-Control": toCacheControl({ exchange, grant, resolved }),
      "Cross-Origin-Resource-Policy": toResourcePolicy(resolved, exchange.parameters),
    };
    const part = selectPart(toConditions(request.headers), file);
    if (part.status === 304) return respond(exchange, { status: 304, headers });
    const { status, start, end } = part;
    const head = { ...headers, ...part.headers };
    if (request.method === "HEAD") {
      response.writeHead(status, head).end();
      return;
    }
    holdAnswer(exchange, Math.min(end - start + 1, HELD_BYTES_MAX));
    // Opened before the head is sent: that the storage is away can still be answered.
    const bytes = await file.read({ start, end });
    response.writeHead(status, head);
    await send(response, bytes);
  };
}

function toConditions({ range, "if-none-match": ifNoneMatch, "if-range": ifRange }: IncomingHttpHeaders): FileConditions {
  return { range, ifNoneMatch, ifRange: Array.isArray(ifRange) ? ifRange.join(", ") : ifRange };
}

/**
 * Where the endpoint's owner chose so, and reading needs no user, any cache may keep the file: it does not know who asks. It answers by the address, so
 * the address must have the key: from one without it, anybody would be answered, with any key or none.
 */
function toCacheControl({ exchange: { parameters }, grant, resolved: { endpoint } }: Admitted): string {
  const isForEverybody = !endpoint.secure && !grant.master && !parameters.has("fileToken") && Boolean(parameters.get("key"));
  return endpoint.fileCacheSeconds > 0 && isForEverybody ? `public, max-age=${endpoint.fileCacheSeconds}, no-transform` : REVALIDATE;
}

/**
 * Which pages may embed the file without asking (Fetch standard, cross-origin resource policy). The header can't name origins, so a list of them means
 * cross-origin; who may read is decided in any case before. Requests that ask, by CORS, go by the list itself. A file token is made for embedding.
 */
function toResourcePolicy({ endpoint, project }: ResolvedEndpoint, parameters: URLSearchParams): "same-origin" | "cross-origin" {
  return endpoint.secure && project.allowedOrigins.size === 0 && !parameters.has("fileToken") ? "same-origin" : "cross-origin";
}

/**
 * Sends the bytes at the client's pace. When either side fails, both end: half a file is cut off, and can't be taken for a whole one. Not by Node's
 * `pipeline`: that never settles for the answer to a pipelined request whose connection ends before its turn, which emits no `close`.
 */
async function send(response: ServerResponse, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  // Nothing else closes a file whose first byte was never asked for, or whose next one does not come.
  const close = (): void => {
    if (bytes instanceof Readable) bytes.destroy();
  };
  const cancel = onAnswered(response, close);
  try {
    for await (const chunk of bytes) if (!(await sendPieces(response, chunk))) return;
    response.end();
  } catch (error) {
    // The client went away: nobody is left to be told.
    if (isGone(response)) return;
    response.destroy();
    throw error;
  } finally {
    cancel();
    close();
  }
}
