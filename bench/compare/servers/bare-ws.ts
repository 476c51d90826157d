/** Starts a bare loop over WebSockets (bare-ws-server.mjs). */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { toRequest, toUpgrade } from "../../load/requests";
import { BODY } from "../bodies";
import type { Subject } from "../subject";

export async function startBareWs({ node }: { node: string }): Promise<Subject> {
  const child = fork(fileURLToPath(new URL("bare-ws-server.mjs", import.meta.url)), { execPath: node, execArgv: [] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  // The size of the message that Rested sends.
  const message = JSON.stringify({ event: "POST", seq: 1, data: BODY, uniqueId: "0".repeat(32), createdAt: "2026-11-23T10:00:00.000Z" });
  return {
    name: "bare ws",
    version: "",
    port,
    pid: child.pid ?? 0,
    cases: {},
    fanOut: {
      publish: { requests: [toRequest("POST", "/", { body: message })], statuses: [201] },
      stream: { kind: "websocket", opening: toUpgrade("/"), ready: "HTTP/1.1 101" },
    },
    stop: async () => {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}
