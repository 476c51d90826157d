/** A receiver of webhooks: a real HTTP server that records requests, and responds as a test decides. */
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { until } from "../until";

/** A request that it has received completely. */
export interface Received {
  id: string;
  headers: Record<string, string>;
  text: string;
  event: ReceivedEvent;
}

/** The body of a request, as it was sent. Only the members of its `type` are there. */
export interface ReceivedEvent {
  type: string;
  timestamp: string;
  endpoint: string;
  cursor: string;
  record: { uniqueId: string; data: unknown };
  /** Of a GAP. */
  from: string;
  to: string;
  reason: string;
  /** Of a change that is too large. */
  size: number;
}

/** Responds to a request. Without a call of `response.end` the request hangs. */
export type Respond = (response: http.ServerResponse, received: Received) => void;

export interface WebhookReceiver {
  url: string;
  port: number;
  /** In the order of their arrival. */
  received: Received[];
  /** Replaces how it responds from now on. Default: 204. */
  respond(respond: Respond): void;
  /** Waits until it has received this number of requests. */
  take(count: number): Promise<Received[]>;
  /** Closes it with all connections. */
  close(): Promise<void>;
}

/** A member of the data of the record in an event. */
export function readMember({ record }: ReceivedEvent, name: string): unknown {
  const value: unknown = Reflect.get(Object(record.data), name);
  return value;
}

export const OK: Respond = (response) => void response.writeHead(204).end();
export const respondWith =
  (status: number, headers: Record<string, string> = {}): Respond =>
  (response) =>
    void response.writeHead(status, headers).end("because of the test");

export async function startReceiver({
  port = 0,
  tls,
}: {
  port?: number;
  tls?: { cert: string; key: string };
} = {}): Promise<WebhookReceiver> {
  const received: Received[] = [];
  let respond = OK;
  const onRequest: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const entry: Received = { id: headers["webhook-id"] ?? "", headers, text, event: JSON.parse(text) };
      received.push(entry);
      respond(response, entry);
    });
  };
  const server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${bound}/hooks?token=abc`,
    port: bound,
    received,
    respond: (next) => {
      respond = next;
    },
    take: async (count) => {
      await until(`${count} requests (there are ${received.length})`, () => received.length >= count, { timeoutMs: 15_000 });
      return received;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
