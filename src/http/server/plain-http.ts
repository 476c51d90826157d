/** Serves plain HTTP on the port of an HTTPS server: the first byte of a connection decides between the two. */
import http, { type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import type https from "node:https";
import type { Socket } from "node:net";

export interface PlainHttpOptions {
  /** Counts a connection. Returns false if it was refused and is being closed. */
  admit: (socket: Socket) => boolean;
  limits: ServerOptions;
  /** Responds to a plain HTTP request, and closes its connection. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  onClientError: (error: Error, socket: Socket) => void;
  /** For the first byte, and for the whole of a plain HTTP connection. */
  timeoutMs: number;
}

/** The first byte of a TLS handshake record (RFC 8446, section 5.1). */
const HANDSHAKE = 0x16;

/**
 * Replaces the server's listeners for new connections. Connections that start neither with TLS nor with a method are closed. From then on, the server's
 * `closeAllConnections` closes every connection, whatever was sent on it.
 */
export function acceptPlainHttp(server: https.Server, { admit, limits, onRequest, onClientError, timeoutMs }: PlainHttpOptions): void {
  // Never listens. Connections are passed to it.
  const plain = http.createServer(limits, onRequest);
  plain.on("checkContinue", onRequest);
  plain.on("checkExpectation", onRequest);
  plain.on("clientError", onClientError);
  plain.on("connect", (_request: IncomingMessage, socket: Socket) => socket.destroy());

  // Node.js closes only connections that have sent a request over TLS. Others would delay the end of the server until their timeout.
  const open = new Set<Socket>();
  const closeRequests = server.closeAllConnections.bind(server);
  server.closeAllConnections = () => {
    closeRequests();
    for (const socket of open) socket.destroy();
  };

  const startTls = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    if (!admit(socket)) return;
    const timer = setTimeout(() => socket.destroy(), timeoutMs).unref();
    socket.once("close", () => clearTimeout(timer));
    readFirstByte(socket, (byte) => {
      if (byte === HANDSHAKE) {
        // The handshake has its own timeout.
        clearTimeout(timer);
        for (const listener of startTls) listener.call(server, socket);
      } else if (isLetter(byte)) plain.emit("connection", socket);
      else socket.destroy();
    });
  });
}

/** Leaves the byte in the socket. */
function readFirstByte(socket: Socket, act: (byte: number) => void): void {
  const onEnd = () => void socket.destroy();
  const onReadable = () => {
    const first: unknown = socket.read(1);
    if (!(first instanceof Uint8Array) || first[0] === undefined) return;
    socket.off("readable", onReadable).off("error", onEnd).off("end", onEnd);
    socket.unshift(first);
    act(first[0]);
  };
  socket.on("error", onEnd).on("end", onEnd).on("readable", onReadable);
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
