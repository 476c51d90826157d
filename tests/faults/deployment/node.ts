/**
 * One node of the deployment that the fault suite breaks: data plane and realtime plane as the server composes them, without the dashboard.
 * Configured by the environment. Sends `{ port }` to its parent when it listens, and a NodeState on request. Ends with its parent.
 */
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { parseConfig } from "@/src/config/config";
import { createHttpLimits } from "@/src/http/limits";
import { createClientErrorHandler } from "@/src/http/server/client-error";
import { boot } from "@/src/runtime/boot";

/** The state that a node reports. */
export interface NodeState {
  /** Open streams. */
  sockets: number;
  /** The open streams that are behind, and are sent changes from the log. */
  behind: number;
  residentBytes: number;
  /** The bytes of live objects. */
  aliveBytes: number;
  /** The CPU time of all threads so far, in milliseconds. */
  cpuMs: number;
}

const config = parseConfig(process.env);
const booted = await boot(config);
const server = http.createServer(createHttpLimits(config), (request, response) => booted.dataPlane(request, response));
server.on("clientError", createClientErrorHandler({ log: booted.runtime.log }));
server.on("upgrade", booted.upgrade);
server.listen(config.port, config.host);
await once(server, "listening");
process.on("message", () => {
  // Without access to the garbage collector, objects that it has not collected yet count as live.
  global.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const connections = [...booted.runtime.hub.connections()];
  const sockets = connections.length;
  const behind = connections.filter(({ replayedTo }) => replayedTo !== undefined).length;
  process.send?.({
    sockets,
    behind,
    residentBytes: rss,
    aliveBytes: heapUsed + external,
    cpuMs: (user + system) / 1_000,
  } satisfies NodeState);
});
process.once("disconnect", () => process.exit());
process.send?.({ port: (server.address() as AddressInfo).port });
