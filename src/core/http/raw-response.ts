/** Responds on a bare socket, which has no response object, and ends its connection. */
import type { Duplex } from "node:stream";

/** A client that does not read the response, or does not close the connection after it, is disconnected. */
const LINGER_MS = 2_000;

/** Returns the text of a response, after which the connection must be closed. `reason` is the reason phrase of the status line. */
export function toRawResponse({
  status,
  reason = "Error",
  headers,
  body,
}: {
  status: number;
  reason?: string | undefined;
  headers: Readonly<Record<string, string>>;
  body: string;
}): string {
  const fields = { ...headers, "Content-Length": String(Buffer.byteLength(body)), Connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join("")}\r\n${body}`;
}

/** Sends `text` after what is being sent already, and ends the connection. Never throws, whatever state the socket is in. */
export function endSocket(socket: Duplex, text = ""): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on("error", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
  // The rest of the request is read and dropped: closing with unread data resets the connection, and the response would be lost.
  socket.resume();
  socket.end(text);
}
