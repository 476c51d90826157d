/**
 * Handles requests that offer to switch to another protocol (RFC 9110, section 7.8). WebSocket is accepted. Any other offer is ignored, and its request is served as if
 * it had none: Java's HttpClient offers `h2c` with every request.
 */
import { IncomingMessage, Server, type ServerOptions } from "node:http";
import type { Duplex } from "node:stream";
import { findCurrentResponse } from "@/src/http/server/client-error";

/** Headers that belong only to an offer. */
const OFFER_HEADERS = new Set(["upgrade", "http2-settings"]);

export interface OfferedUpgrades {
  /** For `http.createServer` and `https.createServer`. */
  readonly serverOptions: ServerOptions;
  /**
   * True for a request with an offer that arrived while earlier responses of its connection were under way (pipelining). It has no `upgrade` event, and Node.js loses the
   * bytes that arrived together with it, so the connection must be closed after its response.
   */
  isPipelined(request: IncomingMessage): boolean;
  /** Gives the connection of an `upgrade` event back to the server, with the request without its offer. */
  ignore(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** True for a connection that was given back, which is not a new one. */
  wasGivenBack(socket: Duplex): boolean;
}

/** `giveBack` passes a connection to the server's HTTP parser. */
export function createOfferedUpgrades({ giveBack }: { giveBack: (socket: Duplex) => void }): OfferedUpgrades {
  const givenBack = new WeakSet<Duplex>();
  const pipelined = new WeakSet<IncomingMessage>();

  /**
   * Decides whether Node.js emits `upgrade`. It must do so for every protocol, because Node.js loses bytes that arrive together with an offer that it
   * ignores.
   */
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

/** True if a request offers WebSocket, alone or among other protocols. In HTTP/1.0, every offer is ignored. */
export function offersWebSocket({ httpVersion, headers }: Pick<IncomingMessage, "httpVersion" | "headers">): boolean {
  return httpVersion !== "1.0" && toTokens(headers.upgrade ?? "").includes("websocket");
}

/** Node.js 22.21 and 24.9 have an option for this. Earlier versions read a property of the request. */
function toServerOptions(mayTakeOver: (request: IncomingMessage) => boolean): ServerOptions {
  if ("shouldUpgradeCallback" in new Server()) {
    const options: ServerOptions & { shouldUpgradeCallback: typeof mayTakeOver } = { shouldUpgradeCallback: mayTakeOver };
    return options;
  }
  class OfferingMessage extends IncomingMessage {
    // Node.js sets it to the parser's finding, reads it once when the head is complete, and then sets it to its decision.
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

/** The head of the request without the offer. It is not longer than before, so it fits into the limit for headers again. */
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

/** The Connection header without the offer; undefined if nothing is left. */
function withoutOffer(connection: string): string | undefined {
  const kept = toTokens(connection).filter((token) => token !== "" && !OFFER_HEADERS.has(token));
  return kept.length === 0 ? undefined : kept.join(",");
}

function toTokens(list: string): string[] {
  return list.split(",").map((token) => token.trim().toLowerCase());
}
