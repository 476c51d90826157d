/** Sends HTTP requests from made-up addresses, as the server behind a proxy sees them. */
import http from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface Outgoing {
  method?: string;
  headers?: http.OutgoingHttpHeaders | undefined;
  body?: string | Buffer | Readable | undefined;
  /** The client's address: the server is told to believe it. */
  address: string;
  /** Default: a connection of its own. */
  agent?: http.Agent;
}

export interface Answer {
  /** 0: the connection ended before an answer. */
  status: number;
  text: string;
  headers: http.IncomingHttpHeaders;
}

/** Whatever takes longer is given up: the answer did not come. */
const TIMEOUT_MS = 60_000;
const NO_ANSWER: Answer = { status: 0, text: "", headers: {} };

/** Settles with the whole answer; never rejects, since a refused sender may lose its connection first. */
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
