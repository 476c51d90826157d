/** Runs Next.js in this process: the dashboard and the management API. */
import { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setNextAuthEnvironment } from "@/src/config/next-auth-environment";
import type { RateVerdict } from "@/src/core/limits/ports";
import type { Runtime } from "../registry";
import { createDashboard } from "./serve-dashboard";

/** The dashboard and the management API, wherever they run. */
export interface Pages {
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** The rate verdict if a request to the management API or the sign-in is over its rate limit. */
  refuseEarly(request: IncomingMessage): RateVerdict | undefined;
  /** Takes over an upgrade request. Returns false if the pages have no socket at its address. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  close(): Promise<void>;
}

/** The socket of hot reload in development, the only upgrade that Next.js handles. */
const HMR_PATH = "/_next/hmr";

/** Loads Next.js only when it is called, because it makes promises of its process slower. */
export async function startNext({ config, managementLimits, log }: Pick<Runtime, "config" | "managementLimits" | "log">): Promise<Pages> {
  const isDev = config.mode === "development";
  // Next.js adds an upgrade listener to the server that it receives, and ends sockets that it does not know. It receives a substitute.
  const decoy = new EventEmitter();
  setNextAuthEnvironment(config);
  const { default: next } = await import("next");
  const app = next({ dev: isDev, dir: process.cwd(), hostname: config.host, port: config.port, quiet: true, httpServer: decoy as Server });
  await app.prepare();
  const toDashboard = createDashboard({ limits: managementLimits, toNext: app.getRequestHandler() });
  return {
    serve: (request, response) => {
      toDashboard(request, response).catch((error: unknown) => {
        log.error({ err: error }, "the dashboard could not respond");
        response.destroy();
      });
    },
    refuseEarly: (request) => managementLimits.refuseEarly(request),
    upgrade: (request, socket, head) => {
      if (!isDev || !(request.url ?? "/").startsWith(HMR_PATH) || decoy.listenerCount("upgrade") === 0) return false;
      decoy.emit("upgrade", request, socket, head);
      return true;
    },
    close: () => app.close(),
  };
}
