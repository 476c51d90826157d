/** A client connection that sends one request at a time and reads only as much of the responses as it needs, so that it costs little CPU time. */
import net from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
/** The end of a chunked body. JSON cannot contain it: line breaks in its strings are escaped, and the servers send no line breaks between values. */
const CHUNKS_END = "\r\n0\r\n\r\n";

export interface HttpConnection {
  /** Sends the bytes of a request. The previous response must have arrived. */
  send(request: Buffer | string): void;
  close(): void;
}

/** Settles when connected. Calls `onResponse` after the last byte of each response, and `onEnd` if the server closes the connection. */
export function openConnection(options: {
  port: number;
  host: string;
  onResponse: (status: number) => void;
  onEnd: (error: Error) => void;
}): Promise<HttpConnection> {
  const { port, host, onResponse, onEnd } = options;
  const reader = createResponseReader(onResponse);
  const socket = net.connect({ port, host, noDelay: true });
  let [connected, closed] = [false, false];
  socket.on("data", reader);
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      if (closed) return;
      closed = true;
      const reason = error ?? new Error("The server closed the connection.");
      if (connected) onEnd(reason);
      else reject(reason);
    };
    socket.once("error", end);
    socket.once("close", () => end());
    socket.once("connect", () => {
      connected = true;
      resolve({
        send: (request) => void socket.write(request),
        close: () => {
          closed = true;
          socket.destroy();
        },
      });
    });
  });
}

/** Returns a function that takes what arrives, and calls `onResponse` at the end of each response. Responses must not overlap (no pipelining). */
export function createResponseReader(onResponse: (status: number) => void): (chunk: Buffer) => void {
  /** The beginning of a head that has not arrived completely. */
  let partial: Buffer | undefined;
  let status = 0;
  /** Bytes of the body that are still to come. */
  let remaining = 0;
  /** The last characters of a chunked body. Undefined: the body is not chunked. */
  let tail: string | undefined;

  const readChunked = (chunk: Buffer): void => {
    tail = (tail ?? "") + chunk.toString("latin1", Math.max(0, chunk.length - CHUNKS_END.length), chunk.length);
    tail = tail.slice(-CHUNKS_END.length);
    if (tail !== CHUNKS_END) return;
    tail = undefined;
    onResponse(status);
  };

  return (received) => {
    if (tail !== undefined) return readChunked(received);
    if (remaining > 0) {
      remaining -= received.length;
      if (remaining === 0) onResponse(status);
      return;
    }
    const chunk = partial === undefined ? received : Buffer.concat([partial, received]);
    partial = undefined;
    const headEnd = chunk.indexOf(HEAD_END);
    if (headEnd < 0) {
      partial = chunk;
      return;
    }
    const head = chunk.toString("latin1", 0, headEnd + 2);
    status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    const bodyStart = headEnd + HEAD_END.length;
    if (length) {
      remaining = Number(length[1]) - (chunk.length - bodyStart);
      if (remaining === 0) onResponse(status);
    } else if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
      // The line break before the first chunk counts as one before a last chunk, for a body without any.
      tail = "\r\n";
      readChunked(chunk.subarray(bodyStart));
    } else {
      onResponse(status);
    }
  };
}
