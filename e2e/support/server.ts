/** Runs the production build in a process, with an empty data folder and a free port. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { withoutSettings } from "@/scripts/setup/settings.mjs";

export interface RunningServer {
  /** For example `http://localhost:41234`. */
  url: string;
  /** The same URL with `ws` or `wss`. */
  wsUrl: string;
  /** Printed until an account exists. */
  setupUrl: string | undefined;
  dataDir: string;
  pid: number;
  /** The output so far, of both streams. */
  output(): string;
  /** Sends SIGTERM and waits. Keeps the data folder. Returns the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL and waits, to simulate a crash. */
  kill(): Promise<void>;
  /** Stops the server and removes the data folder. */
  dispose(): Promise<void>;
}

export interface ServerOptions {
  /** An existing folder, for a restart. */
  dataDir?: string;
  port?: number;
  env?: Record<string, string>;
}

const READY = /ready at (https?:\/\/\S+)/;
const SETUP = /(https?:\/\/\S+\/setup\?token=\S+)/;

/** Starts dist/server.js and waits until it is ready. If it exits first, rejects with its output. */
export async function startServer({ dataDir, port = 0, env = {} }: ServerOptions = {}): Promise<RunningServer> {
  const folder = dataDir ?? (await mkdtemp(path.join(os.tmpdir(), "rested-e2e-")));
  const child = spawn(process.execPath, ["dist/server.js"], {
    env: {
      ...withoutSettings(process.env),
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: String(port),
      RESTED_DATA_DIR: folder,
      NEXT_TELEMETRY_DISABLED: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let output = "";
  const ready = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        output += `${line}\n`;
        const url = READY.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      });
    }
    exited.then((code) => reject(new Error(`The server ended with ${code} before it was ready:\n${output}`)));
  });
  const url = await ready;
  return {
    url,
    wsUrl: url.replace(/^http/, "ws"),
    get setupUrl() {
      return SETUP.exec(output)?.[1];
    },
    dataDir: folder,
    pid: child.pid ?? 0,
    output: () => output,
    stop: () => end(child, exited, "SIGTERM"),
    kill: async () => void (await end(child, exited, "SIGKILL")),
    dispose: async () => {
      await end(child, exited, "SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function end(child: ChildProcess, exited: Promise<number | null>, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return exited;
}
