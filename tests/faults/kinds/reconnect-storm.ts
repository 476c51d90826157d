/** A restart with many clients, which all reconnect at the same moment. */
import fs from "node:fs";
import { type Fault, RECOVERY_TIMEOUT_MS } from "../fault";

const SOCKETS = 5_000;
const SOCKETS_SHORT = 500;
/** The files of a process: one for each socket, and others. Clients and nodes are separate processes. */
const OTHER_FILES = 500;

export const reconnectStorm: Fault = {
  name: "reconnect-storm",
  title: `${SOCKETS.toLocaleString("en")} sockets (${SOCKETS_SHORT} in the short form) that reconnect at once after a restart of their node`,
  needs: {},
  obstacle: () => (readFilesMax() >= SOCKETS + OTHER_FILES ? undefined : `ulimit -n is below ${SOCKETS + OTHER_FILES}`),
  // Each write is delivered thousands of times, on a machine that also runs all clients.
  load: { paceMs: 3_000, padBytes: 100 },
  writesAround: 4,
  inject: async ({ deployment: { nodes }, subscribe, acknowledged, isShort }) => {
    const [node] = nodes;
    let restarted = Promise.resolve();
    let onRestarted = (): void => undefined;
    await subscribe(isShort ? SOCKETS_SHORT : SOCKETS, {
      node: 0,
      beforeReconnect: () => restarted,
      timeoutMs: RECOVERY_TIMEOUT_MS,
    });
    await acknowledged(reconnectStorm.writesAround);
    restarted = new Promise((resolve) => {
      onRestarted = resolve;
    });
    await node.kill();
    // The clients miss these writes, which go to the other node.
    await acknowledged(reconnectStorm.writesAround);
    await node.start();
    const endedAt = performance.now();
    onRestarted();
    return { endedAt };
  },
};

function readFilesMax(): number {
  if (process.platform !== "linux") return Number.POSITIVE_INFINITY;
  const [, soft = ""] = /^Max open files\s+(\S+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8")) ?? [];
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}
