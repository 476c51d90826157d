/** A real WebSocket client that keeps everything it receives. */
import { WebSocket } from "ws";
import type { StreamMessage } from "../memory/memory-sink";

export interface Closed {
  code: number;
  reason: string;
}

export interface StreamClient {
  readonly webSocket: WebSocket;
  /** The messages so far, as sent. */
  readonly texts: string[];
  /** Settles with the message at `index` (0: the first) when it has arrived. Rejects after 10 s, and if the socket closes first. */
  at(index: number): Promise<StreamMessage>;
  /** Settles with all messages when there are `count`. */
  take(count: number): Promise<StreamMessage[]>;
  /** Settles when the socket has closed. */
  readonly closed: Promise<Closed>;
  /** Closes the socket. Settles when it has closed. */
  close(): Promise<Closed>;
}

export interface ConnectOptions {
  origin?: string;
  headers?: Record<string, string>;
  /** Accept a self-signed certificate. */
  insecure?: boolean;
  autoPong?: boolean;
}

const TIMEOUT_MS = 10_000;

/** Settles when the handshake is complete. Rejects with the response's status if the server refuses. */
export async function connectStream(url: string, options: ConnectOptions = {}): Promise<StreamClient> {
  const { origin, headers = {}, insecure = false, autoPong = true } = options;
  const webSocket = new WebSocket(url, { headers, autoPong, rejectUnauthorized: !insecure, ...(origin === undefined ? {} : { origin }) });
  const texts: string[] = [];
  const messages: StreamMessage[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  let closedWith: Closed | undefined;
  webSocket.on("message", (data, isBinary) => {
    if (isBinary) throw new Error("a binary message");
    const text = data.toString();
    texts.push(text);
    messages.push(JSON.parse(text));
    wake();
  });
  const closed = new Promise<Closed>((resolve) => {
    webSocket.on("close", (code, reason) => {
      closedWith = { code, reason: reason.toString() };
      resolve(closedWith);
      wake();
    });
  });

  const take = (count: number): Promise<StreamMessage[]> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        waiting.delete(check);
        act();
      };
      const fail = (why: string) => settle(() => reject(new Error(`${texts.length} of ${count} messages, then ${why}`)));
      const check = () => {
        if (texts.length >= count) settle(() => resolve([...messages]));
        else if (closedWith) fail(`closed with ${closedWith.code} ${closedWith.reason}`);
      };
      const timer = setTimeout(() => fail("nothing"), TIMEOUT_MS);
      waiting.add(check);
      check();
    });

  await new Promise<void>((resolve, reject) => {
    webSocket.once("open", resolve);
    webSocket.once("error", reject);
  });
  webSocket.on("error", () => undefined);
  return {
    webSocket,
    texts,
    at: async (index) => {
      const message = (await take(index + 1))[index];
      if (!message) throw new Error(`no message ${index}`);
      return message;
    },
    take,
    closed,
    close: () => {
      webSocket.close();
      return closed;
    },
  };
}
