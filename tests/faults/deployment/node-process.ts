/** Starts, kills and restarts a node (node.ts) as a separate process, always on the same port. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import type { NodeState } from "./node";

export interface NodeProcess {
  /** The port of the first start; later starts use the same. */
  readonly port: number;
  state(): Promise<NodeState>;
  /** Settles when it listens. Throws with the end of its log if it ends before. */
  start(): Promise<void>;
  /** Sends SIGKILL. Settles when the process has ended. */
  kill(): Promise<void>;
}

const LOG_TAIL_CHARACTERS = 2_000;

/** `script`: the bundled node.ts. `prefix`: the start of the command, such as `ip netns exec`. */
export function createNodeProcess(options: {
  script: string;
  host: string;
  env: Record<string, string>;
  logFile: string;
  prefix?: readonly string[];
  /** Options of Node.js. */
  execArgv?: readonly string[];
}): NodeProcess {
  const { script, host, env, logFile, prefix = [], execArgv = [] } = options;
  let child: ChildProcess | undefined;
  let port = 0;

  const ask = async (running: ChildProcess): Promise<unknown> => {
    const aborted = new AbortController();
    const ended = once(running, "exit", { signal: aborted.signal }).then(() => {
      throw new Error(`A node ended by itself. Its log ends with:\n${fs.readFileSync(logFile, "utf8").slice(-LOG_TAIL_CHARACTERS)}`);
    });
    try {
      const [message] = await Promise.race([once(running, "message", { signal: aborted.signal }), ended]);
      return message;
    } finally {
      ended.catch(() => undefined);
      aborted.abort();
    }
  };

  return {
    get port() {
      return port;
    },
    start: async () => {
      const [file = "", ...args] = [...prefix, process.execPath, "--enable-source-maps", ...execArgv, script];
      const log = fs.openSync(logFile, "a");
      const spawnOptions: SpawnOptions = {
        env: { NODE_ENV: "production", ...env, HOST: host, PORT: String(port) },
        stdio: ["ignore", log, log, "ipc"],
      };
      const started = spawn(file, args, spawnOptions);
      child = started;
      fs.closeSync(log);
      port = ((await ask(started)) as { port: number }).port;
    },
    state: async () => {
      if (!child) throw new Error("The node was not started.");
      const answer = ask(child);
      child.send("state");
      return (await answer) as NodeState;
    },
    kill: async () => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
