/** The limits of the HTTP server. */
import type { IncomingMessage, ServerOptions } from "node:http";

/** 1,000 uniqueIds (R3) fit into a URL, which counts as a header. */
const HEADERS_BYTES_MAX = 64 * 1024;
/** Longer than the idle time of common load balancers (60 s), so that they close idle connections, and not the server. */
const KEEP_ALIVE_MS = 65_000;
/** The data plane responds to a slow body itself (408) before the server closes the connection. */
const REQUEST_SLACK_MS = 10_000;
const CHECK_INTERVAL_MS = 2_000;

/** Routes of the management API whose bodies are files. */
const UPLOAD_PATH = /^\/api\/manage\/endpoints\/[^/?]+\/(?:files|import)(?:$|\?)/;

/** Options for `http.createServer` and `https.createServer`. */
export function createHttpLimits(config: { headersTimeoutMs: number; bodyTimeoutMs: number; uploadTimeoutMs: number }): ServerOptions {
  return {
    maxHeaderSize: HEADERS_BYTES_MAX,
    headersTimeout: config.headersTimeoutMs,
    // Each route has its own timeout for bodies. This one is longer than all of them.
    requestTimeout: config.headersTimeoutMs + Math.max(config.bodyTimeoutMs, config.uploadTimeoutMs) + REQUEST_SLACK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    // Our own check responds with a problem document (U12).
    requireHostHeader: false,
  };
}

/** How long the body of a request for the dashboard or the management API may take to arrive. */
export function toBodyTimeout(url: string, config: { bodyTimeoutMs: number; uploadTimeoutMs: number }): number {
  return UPLOAD_PATH.test(url) ? config.uploadTimeoutMs : config.bodyTimeoutMs;
}

/** True if a request announces a body that is not empty. */
export function hasBody({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
