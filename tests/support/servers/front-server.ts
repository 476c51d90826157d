/** The web server in front of planes that respond with what they received, for tests over raw sockets. */
import { once } from "node:events";
import type http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { parseConfig } from "@/src/config/config";
import type { DataPlaneRequest } from "@/src/http/data-plane";
import type { ConnectionLimitsConfig } from "@/src/http/server/connection-limits";
import { createDrain } from "@/src/http/server/drain";
import type { FrontOptions } from "@/src/http/server/front";
import { createSlowClients } from "@/src/http/server/slow-clients";
import { composeFront } from "@/src/runtime/web/front";
import type { ErrorCode } from "@/src/shared/errors";
import { connectRaw, parseRaw, type RawConnection } from "@/tests/support/clients/raw-http";
import { expectProblem } from "@/tests/support/expect-problem";
import { until } from "@/tests/support/until";

export interface FrontServerOptions {
  publicUrl?: string;
  /** The front behaves as with a certificate; the server itself does not speak TLS. */
  isTls?: boolean;
  trustProxy?: string[];
  limits?: Partial<ConnectionLimitsConfig>;
  refuseEarly?: FrontOptions["refuseEarly"];
  /** Speaks TLS, in place of plain HTTP. */
  tls?: { cert: Buffer; key: Buffer };
  headersTimeoutMs?: number;
}

/** Each plane responds with `<name> <bytes of the body> <target> <host>`. The test itself responds to a target that contains `slow`. */
export async function startFrontServer(options: FrontServerOptions = {}) {
  const { publicUrl, isTls = options.tls !== undefined, trustProxy = [], limits = {}, refuseEarly = () => undefined, tls } = options;
  let time = 0;
  let read = 0;
  const slow: http.ServerResponse[] = [];
  const headers: http.IncomingHttpHeaders[] = [];
  const connections: RawConnection[] = [];
  const answer = (name: string) => (request: http.IncomingMessage, response: http.ServerResponse, given?: DataPlaneRequest) => {
    headers.push(request.headers);
    if (given?.awaitsContinue) response.writeContinue();
    for (const [at, value] of (given?.headers ?? []).entries()) if (at % 2 === 1) response.setHeader(given?.headers?.[at - 1] ?? "", value);
    if (request.url?.includes("slow")) return void slow.push(response);
    let bytes = 0;
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      read += chunk.byteLength;
    });
    request.on("end", () => response.end(`${name} ${bytes} ${request.url} ${request.headers.host}`));
  };
  const slowClients = createSlowClients({ now: () => time });
  const { server, endConnections } = composeFront({
    slowClients,
    dataPlane: answer("data"),
    health: (response) => response.end("health"),
    refuseEarly,
    pages: answer("page"),
    drain: createDrain({ drainMs: 1_000 }),
    certificate: tls,
    openWebSocket: (request, socket: Duplex, head) => socket.end(`WebSocket ${request.url} ${request.headers.upgrade} ${head.toString()}`),
    config: {
      ...parseConfig({ NODE_ENV: "test" }),
      ...{ publicUrl, isTls, trustProxy, pagesTakeBodies: false },
      connections: { total: 0, perAddress: 0, requestsPerAddress: 0, ...limits },
      headersTimeoutMs: options.headersTimeoutMs ?? 10_000,
    },
    log: { debug: () => undefined },
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const connect = async (text?: string): Promise<RawConnection> => {
    const connection = await connectRaw(port, text);
    connections.push(connection);
    return connection;
  };
  return {
    port,
    server,
    slow,
    /** Of the requests that reached a plane. */
    headers,
    countRead: () => read,
    endConnections,
    connect,
    pass: (seconds: number) => {
      time += seconds * 1000;
      slowClients.sweep();
    },
    /** Sends a whole request, and returns its response. */
    ask: async (text: string) => {
      const connection = await connect(text);
      await until("an answer", () => /\r\n\r\n./s.test(connection.received()));
      return parseRaw(connection.received());
    },
    stop: async () => {
      for (const { socket } of connections) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export type Raw = ReturnType<typeof parseRaw>;

/** Asserts that a response is the problem document of `code`, and returns its detail. */
export const expectRaw = ({ status, headers, body }: Raw, code: ErrorCode) =>
  expectProblem({ status, headers, text: async () => body }, code);

/** The text of a GET request with these header lines. */
export const get = (target: string, lines: readonly string[] = ["Host: test"]) =>
  `GET ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

/** One address of each plane, by kind. */
export const PLACES = [
  "/api/1/ce/some/endpoint?key=k",
  "/api/manage/projects",
  "/api/auth/session",
  "/api/nope",
  "/login",
  "/",
  "/api/health",
];
