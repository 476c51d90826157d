/** Sends HTTP requests from made-up addresses, as the server behind a proxy sees them. */
import http from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface Outgoing {
  method?: string;
  headers?: http.OutgoingHttpHeaders | undefined;
  body?: string | Buffer | Readable | undefined;
  /** The client's address, which the server is configured to trust. */
  address: string;
  /** Default: a new connection. */
  agent?: http.Agent;
}

export interface Answer {
  /** 0: the connection ended before a response. */
  status: number;
  text: string;
  headers: http.IncomingHttpHeaders;
}

/** A request that takes longer is aborted, and counts as one without a response. */
const TIMEOUT_MS = 60_000;
const NO_ANSWER: Answer = { status: 0, text: "", headers: {} };

/** Settles with the complete response. Never rejects, because the server may close the connection of a refused sender first. */
export function send(url: string, { method = "GET", headers = {}, body, address, agent }: Outgoing): Promise<Answer> {
  return new Promise((resolve) => {
    const request = http.request(url, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      method,
      agent: agent ?? false,
      headers: { ...headers, "X-Forwarded-For": address },
    });
    request.on("response", (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString("utf8"), headers: response.headers }),
      );
      response.on("error", () => resolve(NO_ANSWER));
    });
    request.on("error", () => resolve(NO_ANSWER)).on("close", () => resolve(NO_ANSWER));
    if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) request.end(body);
    else pipeline(body, request).catch(() => undefined);
  });
}

export function json(value: unknown): Pick<Outgoing, "body" | "headers"> {
  return { body: JSON.stringify(value), headers: { "Content-Type": "application/json" } };
}
