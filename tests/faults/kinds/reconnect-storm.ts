/** The fault of a restart with many clients: all of them come back in the same moment. */
import fs from "node:fs";
import { type Fault, RECOVERY_TIMEOUT_MS } from "../fault";

const SOCKETS = 5_000;
const SOCKETS_SHORT = 500;
/** A socket at either end, each in a process of its own, and what else a process has open. */
const OTHER_FILES = 500;

export const reconnectStorm: Fault = {
  name: "reconnect-storm",
  title: `${SOCKETS.toLocaleString("en")} sockets (${SOCKETS_SHORT} in the short form) that reconnect at once after a restart of their node`,
  needs: {},
  obstacle: () => (readFilesMax() >= SOCKETS + OTHER_FILES ? undefined : `ulimit -n is below ${SOCKETS + OTHER_FILES}`),
  // Each write is delivered thousands of times, by a machine that also plays all of the clients.
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
    // What they missed: written to the other node meanwhile.
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
