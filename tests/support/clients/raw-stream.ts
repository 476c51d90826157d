/** A WebSocket client that can behave as libraries do not: stop reading, ignore pings, and send invalid frames. */
import { once } from "node:events";
import net from "node:net";
import { readServerFrames, type ServerFrame } from "./read-frames";

export interface RawStream {
  socket: net.Socket;
  /** The status line and headers of the response to the handshake. */
  answer: string;
  /** The frames so far. */
  frames(): ServerFrame[];
  /** Settles with all frames when a close frame has arrived or the server has closed the connection. Resumes reading if it was paused. */
  ended(): Promise<ServerFrame[]>;
}

/** A valid handshake. */
export function toHandshake(path: string, headers: readonly string[] = []): string {
  return [
    `GET ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
    "\r\n",
  ].join("\r\n");
}

/** Sends the handshake, with `tail` in the same packet. Settles when the response's headers have arrived. */
export async function openRawStream(port: number, path: string, tail: Buffer = Buffer.alloc(0)): Promise<RawStream> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  let answer: string | undefined;
  let rest: Buffer = Buffer.alloc(0);
  const frames: ServerFrame[] = [];
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const headerEnd = rest.indexOf("\r\n\r\n");
    if (answer === undefined && headerEnd >= 0) {
      answer = rest.subarray(0, headerEnd).toString("latin1");
      rest = rest.subarray(headerEnd + 4);
    }
    if (answer === undefined) return;
    const read = readServerFrames(rest);
    frames.push(...read.frames);
    rest = read.rest;
  });
  socket.write(Buffer.concat([Buffer.from(toHandshake(path)), tail]));
  while (answer === undefined) {
    if (socket.closed) throw new Error("closed before an answer");
    await Promise.race([once(socket, "data"), once(socket, "close")]);
  }
  return {
    socket,
    answer,
    frames: () => frames,
    ended: async () => {
      socket.resume();
      await new Promise<void>((resolve) => {
        const check = () => {
          if (frames.at(-1)?.kind === "close" || socket.readableEnded || socket.closed) resolve();
        };
        socket.on("data", check).on("end", check).on("close", check);
        check();
      });
      socket.destroy();
      return frames;
    },
  };
}

/** A client's frame: masked (with zeros), final, of at most 65,535 bytes. */
export function toClientFrame(payload: string, opcode = 1): Buffer {
  const data = Buffer.from(payload);
  const header =
    data.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | data.length])
      : Buffer.from([0x80 | opcode, 0xfe, data.length >> 8, data.length & 0xff]);
  return Buffer.concat([header, Buffer.alloc(4), data]);
}
