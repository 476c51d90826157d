/** GET of a file itself, whole or a range (F2). It must not know where bytes are kept. */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import parseRange from "range-parser";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { Files, OpenFile } from "@/src/core/files/files";
import { toFileHeaders } from "@/src/core/files/headers";
import { isNamedBy } from "@/src/core/http/entity-tag";
import { parseFlag } from "@/src/core/records/parameters";
import { type Admitted, type Handler, headersOf } from "@/src/http/exchange";
import { holdAnswer } from "@/src/http/hold-bytes";
import { parseUniqueId } from "@/src/http/parameters";
import { isGone, onAnswered } from "@/src/http/reply/answered";
import { respond } from "@/src/http/reply/respond";
import { sendPieces } from "@/src/http/reply/send-pieces";
import { AppError } from "@/src/shared/errors";

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
    if (isNamedBy(request.headers["if-none-match"], file.sha256)) return respond(exchange, { status: 304, headers });

    const range = selectRange(request.headers, file);
    if (range === "unsatisfiable") {
      exchange.headers["Content-Range"] = `bytes */${file.size}`;
      throw new AppError("range_not_satisfiable");
    }
    const { start, end } = range ?? { start: 0, end: file.size - 1 };
    const partial = range ? { "Content-Range": `bytes ${start}-${end}/${file.size}` } : {};
    const head = { ...headers, ...partial, "Content-Length": String(end - start + 1) };
    if (request.method === "HEAD") {
      response.writeHead(range ? 206 : 200, head).end();
      return;
    }
    holdAnswer(exchange, Math.min(end - start + 1, HELD_BYTES_MAX));
    // Opened before the head is sent: that the storage is away can still be answered.
    const bytes = await file.read({ start, end });
    response.writeHead(range ? 206 : 200, head);
    await send(response, bytes);
  };
}

/** Browsers may keep the file, and ask whether they may still use it, and whether it is the same, each time (RFC 9111, section 5.2.2.4). */
const REVALIDATE = "private, no-cache, no-transform";

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

/** The one range that is asked for; undefined: the whole file. Several ranges are answered by the whole, as RFC 9110 (section 14.2) allows. */
function selectRange(
  headers: { range?: string | undefined; "if-range"?: string | string[] | undefined },
  { size, sha256 }: Pick<OpenFile, "size" | "sha256">,
): { start: number; end: number } | "unsatisfiable" | undefined {
  if (headers.range === undefined) return undefined;
  const ifRange = headers["if-range"];
  if (ifRange !== undefined && ifRange !== `"${sha256}"`) return undefined;
  const ranges = parseRange(size, withinSuffixes(headers.range, size), { combine: true });
  if (ranges === -1) return "unsatisfiable";
  if (ranges === -2 || ranges.type !== "bytes" || ranges.length !== 1) return undefined;
  return ranges[0];
}

/** The parser takes "the last 500 bytes" of a shorter file for unsatisfiable; it is the whole file (RFC 9110, section 14.1.2). */
function withinSuffixes(range: string, size: number): string {
  return range.replace(/(?<=[=,\s])-(\d+)/g, (suffix, length: string) => (Number(length) > size ? `-${size}` : suffix));
}
