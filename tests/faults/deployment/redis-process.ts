/** A real Redis that can be killed and restarted on its port. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { canConnect, findFreePort, HOST } from "@/tests/support/servers/ports";
import { until } from "@/tests/support/until";

export interface RedisProcess {
  host: string;
  port: number;
  /** Settles when it accepts connections. */
  start(): Promise<void>;
  /** Sends SIGKILL. Settles when the process has ended. */
  kill(): Promise<void>;
}

export function isRedisInstalled(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

export async function createRedisProcess(): Promise<RedisProcess> {
  const port = await findFreePort();
  let child: ChildProcess | undefined;
  // Redis ends with this process, however this process ends.
  const onExit = () => child?.kill("SIGKILL");
  const kill = async () => {
    process.off("exit", onExit);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return {
    host: HOST,
    port,
    start: async () => {
      process.once("exit", onExit);
      child = spawn("redis-server", ["--port", String(port), "--bind", HOST, "--save", "", "--appendonly", "no"], { stdio: "ignore" });
      await until("Redis to listen", () => canConnect(port));
    },
    kill,
  };
}
