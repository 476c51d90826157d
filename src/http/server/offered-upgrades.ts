/**
 * Requests that offer to switch to another protocol (RFC 9110, section 7.8). WebSocket is accepted; any other offer is ignored, and its request is
 * served like one without it: Java's HttpClient offers `h2c` with every request.
 */
import { IncomingMessage, Server, type ServerOptions } from "node:http";
import type { Duplex } from "node:stream";
import { findCurrentResponse } from "@/src/http/server/client-error";

/** Headers that belong to an offer alone. */
const OFFER_HEADERS = new Set(["upgrade", "http2-settings"]);

export interface OfferedUpgrades {
  /** For `http.createServer` and `https.createServer`. */
  readonly serverOptions: ServerOptions;
  /**
   * True for a request with an offer that came while earlier answers of its connection were under way (pipelining). It has no `upgrade` event, and
   * Node loses what arrived together with it: the connection must be closed after its answer.
   */
  isPipelined(request: IncomingMessage): boolean;
  /** Gives the connection of a server's `upgrade` event back to the server, with the request as it would be without its offer. */
  ignore(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** True for connections that were given back: they are not new ones. */
  wasGivenBack(socket: Duplex): boolean;
}

/** `giveBack` passes a connection to the server's HTTP parser. */
export function createOfferedUpgrades({ giveBack }: { giveBack: (socket: Duplex) => void }): OfferedUpgrades {
  const givenBack = new WeakSet<Duplex>();
  const pipelined = new WeakSet<IncomingMessage>();

  /** Decides whether Node emits `upgrade`. Not "is it WebSocket": Node loses what arrives together with an offer that it ignores by itself. */
  function mayTakeOver(request: IncomingMessage): boolean {
    if (!findCurrentResponse(request.socket)) return true;
    pipelined.add(request);
    return false;
  }

  return {
    serverOptions: toServerOptions(mayTakeOver),
    isPipelined: (request) => pipelined.has(request),
    ignore: (request, socket, head) => {
      givenBack.add(socket);
      socket.unshift(Buffer.concat([Buffer.from(toHead(request), "latin1"), head]));
      giveBack(socket);
    },
    wasGivenBack: (socket) => givenBack.has(socket),
  };
}

/** True when a request offers WebSocket, alone or among other protocols. In HTTP/1.0 every offer is to be ignored. */
export function offersWebSocket({ httpVersion, headers }: Pick<IncomingMessage, "httpVersion" | "headers">): boolean {
  return httpVersion !== "1.0" && toTokens(headers.upgrade ?? "").includes("websocket");
}

/** The option for it came with Node 22.21 and 24.9. Before, Node asks the request itself. */
function toServerOptions(mayTakeOver: (request: IncomingMessage) => boolean): ServerOptions {
  if ("shouldUpgradeCallback" in new Server()) {
    const options: ServerOptions & { shouldUpgradeCallback: typeof mayTakeOver } = { shouldUpgradeCallback: mayTakeOver };
    return options;
  }
  class OfferingMessage extends IncomingMessage {
    // Node sets it to the parser's finding, reads it once when the head is complete, and then sets it to its decision.
    declare isOffered: unknown;
    get upgrade(): boolean {
      return this.isOffered === true && (this.method === "CONNECT" || mayTakeOver(this));
    }
    set upgrade(offered: unknown) {
      this.isOffered = offered;
    }
  }
  return { IncomingMessage: OfferingMessage };
}

/** The request's head without the offer. No longer than it was, so that it fits into the limit for headers again. */
function toHead({ method = "GET", url = "/", httpVersion, rawHeaders }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    if (OFFER_HEADERS.has(name.toLowerCase())) continue;
    const kept = name.toLowerCase() === "connection" ? withoutOffer(value) : value;
    if (kept !== undefined) head += `${name}:${kept}\r\n`;
  }
  return `${head}\r\n`;
}

/** What is left of a Connection header; undefined: nothing. */
function withoutOffer(connection: string): string | undefined {
  const kept = toTokens(connection).filter((token) => token !== "" && !OFFER_HEADERS.has(token));
  return kept.length === 0 ? undefined : kept.join(",");
}

function toTokens(list: string): string[] {
  return list.split(",").map((token) => token.trim().toLowerCase());
}
