/** Validates WebSocket handshakes (RFC 6455, section 4.2.1). */
import type { IncomingMessage } from "node:http";
import { AppError } from "@/src/shared/errors";

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const PROTOCOL_TOKENS = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/;

/** An error with the status and headers of its response. */
export interface HandshakeProblem {
  error: AppError;
  status: number;
  headers: Readonly<Record<string, string>>;
}

/** Returns what is wrong with the handshake (W14) of a request that offers WebSocket, or undefined. */
export function handshakeProblem(request: Pick<IncomingMessage, "method" | "headers">): HandshakeProblem | undefined {
  const { method, headers } = request;
  const problem = (detail: string): HandshakeProblem => ({ error: new AppError("upgrade_invalid", { detail }), status: 400, headers: {} });
  if (method !== "GET") return problem("A WebSocket handshake must be a GET request.");
  const key = headers["sec-websocket-key"];
  if (key === undefined) return problem("The Sec-WebSocket-Key header is missing.");
  if (!KEY.test(key)) return problem("The Sec-WebSocket-Key header is not valid: it must be 16 random bytes in base64.");
  if (headers["sec-websocket-version"] !== "13") {
    const detail = "This version of the WebSocket protocol is not supported. Send Sec-WebSocket-Version: 13.";
    return {
      error: new AppError("upgrade_invalid", { detail }),
      status: 426,
      headers: { Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
    };
  }
  const protocols = headers["sec-websocket-protocol"];
  if (protocols !== undefined && !PROTOCOL_TOKENS.test(protocols)) return problem("The Sec-WebSocket-Protocol header is not valid.");
  return undefined;
}
