/** Sends a JSON text to an address that users have chosen: checked addresses, verified TLS, no redirects, and limits of size and time. */
import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { OutboundError } from "@/src/core/webhooks/outbound-error";
import type { OutboundPost, OutboundReply } from "@/src/core/webhooks/ports";
import type { AddressPolicy } from "./address-policy";
import { HostRefusedError, resolveHost } from "./resolve-host";

/** How much of a response's body is read; the rest is dropped with the connection. */
const REPLY_BYTES_MAX = 16 * 1024;
/** How much of it is kept. */
const EXCERPT_CHARACTERS_MAX = 500;
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MAX = 100;
/** A connection without requests is closed after this time. */
const IDLE_MS = 4_000;

export interface PostJsonOptions {
  policy: AddressPolicy;
  /** Allows addresses without TLS. */
  allowsHttp: boolean;
  /** From the start of a request to the end of its response. */
  timeoutMs: number;
  /** Additional certificate authorities, in PEM. Default: those of Node.js. */
  ca?: string | undefined;
}

/** `close` ends the idle connections. */
export function createPostJson({ policy, allowsHttp, timeoutMs, ca }: PostJsonOptions): { post: OutboundPost; close(): void } {
  const agents = {
    "http:": new http.Agent({ keepAlive: true, timeout: IDLE_MS }),
    "https:": new https.Agent({ keepAlive: true, timeout: IDLE_MS, ...(ca === undefined ? {} : { ca }) }),
  };
  return {
    post: async ({ url: text, headers, body, signal }) => {
      const url = new URL(text);
      if (!isAllowedProtocol(url.protocol, allowsHttp)) throw new OutboundError("This server sends webhooks only to https addresses.");
      signal.throwIfAborted();
      // Not AbortSignal.any: `signal` can outlive thousands of requests, and would keep something of each.
      const ending = new AbortController();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        ending.abort();
      }, timeoutMs);
      const onAbort = () => ending.abort();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        // Also for a kept connection: the policy applies to each request.
        const addresses = await resolveHost(url.hostname, { policy, signal: ending.signal });
        const lookup: LookupFunction = (_host, { all }, done) =>
          all ? done(null, addresses) : done(null, addresses[0].address, addresses[0].family);
        const request = {
          url,
          agent: agents[url.protocol],
          lookup,
          headers,
          body: Buffer.from(body, "utf8"),
          policy,
          signal: ending.signal,
        };
        return await send(request).catch((error: unknown) => {
          // The receiver closed a kept connection at the same moment. The request is sent once more, with the same id.
          if (isClosedWhileIdle(error)) return send({ ...request, agent: false });
          throw error;
        });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof CutResponseError) throw new OutboundError(error.describe(isLate ? timeoutMs : undefined), { cause: error });
        if (isLate) throw new OutboundError(`The receiver did not respond within ${timeoutMs / 1000} s. ${RESPOND_FIRST}`);
        throw toOutboundError(error);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      }
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function isAllowedProtocol(protocol: string, allowsHttp: boolean): protocol is "http:" | "https:" {
  return protocol === "https:" || (protocol === "http:" && allowsHttp);
}

interface Sending {
  url: URL;
  agent: http.Agent | false | undefined;
  lookup: LookupFunction;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  policy: AddressPolicy;
  signal: AbortSignal;
}

/** A response whose body did not arrive. */
class CutResponseError extends Error {
  readonly #status: number;

  constructor(status: number, cause: unknown) {
    super("the response was cut", { cause });
    this.#status = status;
  }

  /** `timeoutMs`: the request has taken this long. */
  describe(timeoutMs: number | undefined): string {
    const begin = `The receiver responded with ${this.#status}, but`;
    if (timeoutMs !== undefined) return `${begin} the response was not complete within ${timeoutMs / 1000} s. ${RESPOND_FIRST}`;
    return `${begin} closed the connection before the response was complete. ${READ_ITS_LOG}`;
  }
}

class ClosedWhileIdleError extends Error {}

function isClosedWhileIdle(error: unknown): boolean {
  return error instanceof ClosedWhileIdleError;
}

function send({ url, agent, lookup, headers, body, policy, signal }: Sending): Promise<OutboundReply> {
  return new Promise((resolve, reject) => {
    const { request: open } = url.protocol === "https:" ? https : http;
    const request = open(url, {
      method: "POST",
      headers: { ...headers, "content-length": String(body.byteLength) },
      lookup,
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      ...(agent === undefined ? {} : { agent }),
    });
    request.maxHeadersCount = HEADERS_MAX;
    /** Of the response, from when its head has arrived. */
    let status: number | undefined;
    request.on("socket", (socket) => {
      // The address was checked before. This holds even if a library resolves the name again.
      const check = () => {
        if (!policy.allows(socket.remoteAddress ?? ""))
          request.destroy(new HostRefusedError("The host has an address that is not allowed."));
      };
      if (socket.connecting) socket.once("connect", check);
      else check();
    });
    request.on("error", (error) => {
      if (status !== undefined) {
        reject(new CutResponseError(status, error));
        return;
      }
      const isReset = "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
      reject(isReset && request.reusedSocket && !signal.aborted ? new ClosedWhileIdleError() : error);
    });
    request.on("response", (response) => {
      const received = response.statusCode ?? 0;
      status = received;
      readReply(response).then(resolve, (error: unknown) => reject(new CutResponseError(received, error)));
    });
    // A reply that changes the protocol has no body. Without this listener, Node.js ends the connection and emits neither a response nor an error.
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, excerpt: "", retryAfter: undefined });
    });
    // A request has an end, whatever else happens to its connection. After a response, its body has one of its own.
    request.on("close", () => {
      if (status === undefined) reject(new OutboundError(CLOSED));
    });
    request.end(body);
  });
}

/** Reads the beginning of the body. A longer body ends the connection, so that nobody has to read it. */
async function readReply(response: http.IncomingMessage): Promise<OutboundReply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A response is complete as soon as enough of its body has arrived. Leaving the loop early destroys the connection.
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > REPLY_BYTES_MAX) break;
  }
  return {
    status: response.statusCode ?? 0,
    excerpt: toExcerpt(Buffer.concat(chunks).subarray(0, REPLY_BYTES_MAX)),
    retryAfter: response.headers["retry-after"],
  };
}

/** Readable text without control characters, which a database or a terminal could not take. */
function toExcerpt(body: Buffer): string {
  const text = body.toString("utf8").replace(/[\p{Cc}\p{Cs}]+/gu, " ");
  return [...text.trim()].slice(0, EXCERPT_CHARACTERS_MAX).join("");
}

const RESPOND_FIRST = "Let it respond before it does long work.";
const READ_ITS_LOG = "Its log may say why.";
const CLOSED = `The receiver closed the connection without a response. ${READ_ITS_LOG}`;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "The receiver refused the connection. Check that it runs, and the port in the URL.",
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  ETIMEDOUT: "The connection timed out. Check the host and the port in the URL.",
  EHOSTUNREACH: "The receiver cannot be reached.",
  ENETUNREACH: "The receiver cannot be reached.",
  HPE_HEADER_OVERFLOW: "The response has too many headers.",
  CERT_HAS_EXPIRED: "The receiver's TLS certificate has expired.",
  DEPTH_ZERO_SELF_SIGNED_CERT: "The receiver's TLS certificate is self-signed.",
  SELF_SIGNED_CERT_IN_CHAIN: "The receiver's TLS certificate is self-signed.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "The receiver's TLS certificate cannot be verified.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "The receiver's TLS certificate cannot be verified.",
  ERR_TLS_CERT_ALTNAME_INVALID: "The receiver's TLS certificate is for another host.",
  EPROTO: "The receiver does not use TLS as expected.",
};

/** Errors of connections contain addresses, so users see a fixed text. */
function toOutboundError(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  if (error instanceof HostRefusedError) return new OutboundError(error.message, { cause: error });
  const code = toCode(error);
  const reason = REASONS[code] ?? (code.startsWith("HPE_") ? "The response is not valid HTTP." : "The request failed.");
  return new OutboundError(code === "" ? reason : `${reason} (${code})`, { cause: error });
}

function toCode(error: unknown): string {
  if (error instanceof AggregateError) return toCode(error.errors[0]);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
