/** Opens a stream of any of the servers under test: a WebSocket, Centrifugo's protocol over one, or PocketBase's server-sent events. */
import net from "node:net";

const HOST = "127.0.0.1";

export interface StreamSpec {
  kind: "websocket" | "centrifugo" | "pocketbase";
  /** The bytes of the first request. */
  opening: string;
  /** The text that arrives when the stream is open. */
  ready: string;
  /** The bytes of a message, if the server joins messages in one frame. */
  joinedBytes?: number;
  /** Messages to send after the handshake. */
  afterUpgrade?: readonly string[];
  /** The topic to which a client of PocketBase subscribes, with a second request. */
  subscribe?: string;
}

/** Settles when the stream is open. The caller adds listeners for the messages. */
export async function openStream(port: number, spec: StreamSpec): Promise<net.Socket> {
  const { opening, ready, afterUpgrade = [], subscribe } = spec;
  const socket = net.connect({ port, host: HOST, noDelay: true });
  const text = await new Promise<string>((resolve, reject) => {
    let received = "";
    let upgraded = false;
    const onData = (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (!upgraded && received.includes("\r\n\r\n")) {
        upgraded = true;
        if (!/^HTTP\/1\.1 (101|200)/.test(received)) return reject(new Error(received));
        for (const message of afterUpgrade) socket.write(toTextFrame(message));
      }
      if (!received.includes(ready)) return;
      socket.off("data", onData);
      socket.pause();
      resolve(received);
    };
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("The server closed a stream while it was being opened.")));
    socket.on("data", onData);
    socket.write(opening);
  });
  if (subscribe !== undefined) {
    const clientId = /"clientId":"([^"]+)"/.exec(text)?.[1];
    const body = JSON.stringify({ clientId, subscriptions: [subscribe] });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`http://${HOST}:${port}/api/realtime`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`The subscription failed with ${response.status}.`);
  }
  return socket.resume();
}

/** A text frame from a client, masked with zeros. */
function toTextFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 125)
    return Buffer.concat([Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]), payload]);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
