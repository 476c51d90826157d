/**
 * Centrifugo with the history of its channels in memory, as Rested has one in its log. It uses all processors that it may (GOMAXPROCS is not set), and publishers
 * call its HTTP API over connections that stay open. Other settings are its defaults.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { toRequest, toUpgrade } from "../../load/requests";
import { BODY } from "../bodies";
import { findFreePort, HOST, STREAM_QUEUE_BYTES, type Subject, startProgram } from "../subject";

const CHANNEL = "bench";

export async function startCentrifugo({ file, dir }: { file: string; dir: string }): Promise<Subject> {
  fs.mkdirSync(dir, { recursive: true });
  const port = await findFreePort();
  const apiKey = randomBytes(16).toString("hex");
  const config = path.join(dir, "config.json");
  fs.writeFileSync(
    config,
    JSON.stringify({
      http_server: { address: HOST, port },
      http_api: { key: apiKey },
      client: { insecure: true, connection_limit: 0, queue_max_size: STREAM_QUEUE_BYTES },
      channel: { without_namespace: { history_size: 1_000, history_ttl: "300s" } },
      log: { level: "warn" },
    }),
  );
  const logFile = path.join(dir, "server.log");
  const { pid, stop } = await startProgram({ file, args: ["--config", config], cwd: dir, port, logFile });
  return {
    name: "Centrifugo",
    version: readVersion(file),
    port,
    pid,
    cases: {},
    fanOut: {
      publish: {
        requests: [
          toRequest("POST", "/api/publish", {
            headers: { "X-API-Key": apiKey },
            body: JSON.stringify({ channel: CHANNEL, data: BODY }),
          }),
        ],
        statuses: [200],
      },
      stream: {
        kind: "centrifugo",
        opening: toUpgrade("/connection/websocket"),
        afterUpgrade: [JSON.stringify({ id: 1, connect: {} }), JSON.stringify({ id: 2, subscribe: { channel: CHANNEL } })],
        ready: '"id":2',
        joinedBytes: JSON.stringify({ push: { channel: CHANNEL, pub: { data: BODY, offset: 10_000 } } }).length,
      },
    },
    stop,
  };
}

function readVersion(file: string): string {
  try {
    const text = execFileSync("go", ["version", "-m", file], { encoding: "utf8" });
    return /github\.com\/centrifugal\/centrifugo\/v6\s+v(\S+)/.exec(text)?.[1] ?? "";
  } catch {
    return "";
  }
}
