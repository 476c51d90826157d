/** Plain HTTP on the port of an HTTPS server: the first byte of a connection decides which of them it is. */
import http, { type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import type https from "node:https";
import type { Socket } from "node:net";

export interface PlainHttpOptions {
  /** Counts a connection; false when it was refused, and is closing. */
  admit: (socket: Socket) => boolean;
  limits: ServerOptions;
  /** Answers a request of plain HTTP, and closes its connection. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  onClientError: (error: Error, socket: Socket) => void;
  /** For the first byte, and for the whole of a connection of plain HTTP. */
  timeoutMs: number;
}

/** The first byte of a TLS handshake record (RFC 8446, section 5.1). */
const HANDSHAKE = 0x16;

/**
 * Replaces the server's listeners of new connections. Those that begin neither with TLS nor with the name of a method are closed.
 * The server's `closeAllConnections` closes every connection from then on, whatever was sent on it.
 */
export function acceptPlainHttp(server: https.Server, { admit, limits, onRequest, onClientError, timeoutMs }: PlainHttpOptions): void {
  // Never listens: connections are passed to it.
  const plain = http.createServer(limits, onRequest);
  plain.on("checkContinue", onRequest);
  plain.on("checkExpectation", onRequest);
  plain.on("clientError", onClientError);
  plain.on("connect", (_request: IncomingMessage, socket: Socket) => socket.destroy());

  // Node closes what has sent a request over TLS. Others would hold up the end of the server until their time is over.
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
        // The handshake has a time of its own.
        clearTimeout(timer);
        for (const listener of startTls) listener.call(server, socket);
      } else if (isLetter(byte)) plain.emit("connection", socket);
      else socket.destroy();
    });
  });
}

/** Leaves the byte in the socket. */
function readFirstByte(socket: Socket, act: (byte: number) => void): void {
  const onGone = () => void socket.destroy();
  const onReadable = () => {
    const first: unknown = socket.read(1);
    if (!(first instanceof Uint8Array) || first[0] === undefined) return;
    socket.off("readable", onReadable).off("error", onGone).off("end", onGone);
    socket.unshift(first);
    act(first[0]);
  };
  socket.on("error", onGone).on("end", onGone).on("readable", onReadable);
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
