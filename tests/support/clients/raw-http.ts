/** HTTP written by hand, for requests that no client library would send. */
import { once } from "node:events";
import net from "node:net";

export interface RawConnection {
  socket: net.Socket;
  /** Everything received so far. */
  received(): string;
  /** Waits until the received text matches. Rejects with that text if the connection closes first. */
  receive(pattern: RegExp): Promise<string>;
  /** Waits until the server has closed the connection, and returns everything received. */
  closed(): Promise<string>;
}

/** Connects, and sends `text` if given. */
export async function connectRaw(port: number, text?: string | Uint8Array): Promise<RawConnection> {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    received += chunk;
  });
  await once(socket, "connect");
  if (text !== undefined) socket.write(text);
  return {
    socket,
    received: () => received,
    receive: async (pattern) => {
      while (!pattern.test(received)) {
        if (socket.closed || socket.readableEnded) throw new Error(`The connection closed after: ${JSON.stringify(received)}`);
        await Promise.race([once(socket, "data"), once(socket, "close"), once(socket, "end")]);
      }
      return received;
    },
    closed: async () => {
      if (!socket.closed) await once(socket, "close");
      return received;
    },
  };
}

/** The parts of one response with a body. */
export function parseRaw(text: string): { status: number; headers: Headers; body: string } {
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  return {
    status: Number(statusLine.split(" ")[1]),
    headers: new Headers(
      lines.map((line): [string, string] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
    ),
    body: text.slice(end + 4),
  };
}
