/** Limits the connections of a server, in total and of each network, and the requests of each network that are under way (U14). */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { toClientAddress, toNetwork } from "@/src/core/access/client-network";
import type { CountExchange, SharedGauge } from "@/src/core/limits/ports";
import { onAnswered } from "@/src/http/reply/answered";
import { AppError } from "@/src/shared/errors";

/** At the same time; 0: no limit. */
export interface ConnectionLimitsConfig {
  total: number;
  /** An IPv6 /64 is one address. Connections of trusted proxies are excluded, because they carry requests of many clients. */
  perAddress: number;
  /** Requests under way, by the client's address. Behind a trusted proxy, it is the forwarded address. */
  requestsPerAddress: number;
}

export interface ConnectionLimits {
  /** Counts a new connection until it closes. Throws `server_busy` or `rate_limited`. The caller must then close the connection, which is not counted. */
  accept(socket: Socket): void;
  /** Counts a request until its response closes. Throws `rate_limited`; the request is then not counted. */
  begin(request: IncomingMessage, response: ServerResponse): void;
}

const RETRY_AFTER_SECONDS = 5;

/** `isProxy`: true for the address of a trusted proxy. `exchange`: counts together with the other workers of this server. */
export function createConnectionLimits(
  { total, perAddress, requestsPerAddress }: ConnectionLimitsConfig,
  { isProxy, exchange }: { isProxy: (address: string) => boolean; exchange?: CountExchange | undefined },
): ConnectionLimits {
  const all = createCounter(total, exchange?.gauge("connections"));
  const connections = createCounter(perAddress, exchange?.gauge("connections by network"));
  const requests = createCounter(requestsPerAddress, exchange?.gauge("requests by network"));

  return {
    accept(socket) {
      if (all.isFull("")) {
        const detail = `Too many open connections: the server's limit is ${total}. Try again shortly.`;
        throw new AppError("server_busy", { detail, retryAfterSeconds: RETRY_AFTER_SECONDS });
      }
      const address = socket.remoteAddress ?? "";
      const network = isProxy(address) ? undefined : toNetwork(address);
      if (network !== undefined && !connections.add(network)) {
        const detail = `Too many open connections: the limit per address is ${perAddress}. Close some, then connect again.`;
        throw new AppError("rate_limited", { detail, retryAfterSeconds: RETRY_AFTER_SECONDS });
      }
      all.add("");
      socket.once("close", () => {
        all.remove("");
        if (network !== undefined) connections.remove(network);
      });
    },
    begin(request, response) {
      if (requestsPerAddress === 0) return;
      const network = toNetwork(toClientAddress(request));
      if (!requests.add(network)) {
        const detail = `Too many requests in progress: the limit per address is ${requestsPerAddress}. Wait for some of them, then try again.`;
        throw new AppError("rate_limited", { detail, retryAfterSeconds: 1 });
      }
      onAnswered(response, () => requests.remove(network));
    },
  };
}

interface Counter {
  isFull(name: string): boolean;
  /** Returns false, and counts nothing, if the maximum is reached. */
  add(name: string): boolean;
  remove(name: string): void;
}

function createCounter(max: number, shared: SharedGauge | undefined): Counter {
  const counts = new Map<string, number>();
  const isFull = (name: string) => max > 0 && (counts.get(name) ?? 0) + (shared?.others(name) ?? 0) >= max;
  return {
    isFull,
    add(name) {
      if (isFull(name)) return false;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      shared?.add(name, 1);
      return true;
    },
    remove(name) {
      const count = (counts.get(name) ?? 0) - 1;
      if (count > 0) counts.set(name, count);
      else counts.delete(name);
      shared?.add(name, -1);
    },
  };
}
