/** Runs a process of a server with several processes: a worker, or the process with the dashboard (ADR 40). */
import type { Config } from "@/src/config/config";
import { announce, prepareAccounts } from "../announce";
import { type Booted, boot } from "../boot";
import { captureOutput } from "../capture-output";
import { createLog } from "../log";
import { installRuntime } from "../registry";
import { createDashboardProxy } from "../web/dashboard-proxy";
import { listenForWorkers } from "../web/dashboard-socket";
import { type Listening, listen } from "../web/listen";
import { removeDashboardAddress } from "./dashboard-address";
import type { DashboardAddress, ServerHealth, StartMessage, ToParent, ToWorker } from "./messages";
import { createParentChannel, type ParentChannel } from "./parent-channel";

/** How often a process reports how late its event loop is. */
const REPORT_INTERVAL_MS = 5_000;

/** Begins when the parent process sends what it needs, and ends when the parent ends. */
export function runWorker(config: Config): void {
  let role: StartMessage["role"] | undefined;
  let dashboard: DashboardAddress | undefined;
  // The only worker has no peers. The process with the dashboard has the workers.
  const channel = createParentChannel(send, { hasPeers: () => config.workers > 1 || role === "dashboard" });
  let started: Promise<Started | undefined> | undefined;
  let listenOn: (port: number) => void = () => undefined;
  let cancel: () => void = () => undefined;
  const port = new Promise<number>((resolve, reject) => {
    listenOn = resolve;
    cancel = () => reject(new Error("The server stops."));
  });
  // A process may stop before it waits for the port.
  port.catch(() => undefined);
  process.on("message", (message: ToWorker) => {
    if (channel.receive(message)) return;
    switch (message.kind) {
      case "start":
        role = message.role;
        dashboard = message.dashboard;
        started ??= start({ config, message, channel, port }).catch(fail);
        break;
      case "listen":
        listenOn(message.port);
        break;
      case "health":
        void started?.then((running) => running?.setHealth(message.health));
        break;
      case "announce":
        void started?.then((running) => running?.announce(message.url)).then(() => send({ kind: "announced" }));
        break;
      case "drain":
        void started?.then((running) => running?.listening.drain());
        break;
      case "reload":
        void started?.then((running) => running?.booted.certificates?.reload());
        break;
      case "stop":
        cancel();
        void stop(started);
        break;
    }
  });
  // The parent process decides when its workers stop. A terminal or a supervisor also sends its signals to them.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  // The parent was killed. All acknowledged writes are in the database.
  process.on("disconnect", () => process.exit());
  // `node:cluster` exits at a disconnect before other listeners run.
  process.on("exit", () => {
    if (dashboard && !process.connected) removeDashboardAddress(dashboard);
  });
  send({ kind: "hello" });
}

interface Started {
  booted: Booted;
  listening: Listening;
  setHealth(health: ServerHealth): void;
  announce(url: string): Promise<void>;
}

interface StartOptions {
  config: Config;
  message: StartMessage;
  channel: ParentChannel;
  /** Settles when the worker may listen. */
  port: Promise<number>;
}

async function start({ config, message, channel, port }: StartOptions): Promise<Started> {
  const { role, name, serverId, databaseUrl, isDatabaseEmbedded, connectionsMax, dashboard } = message;
  captureOutput({ log: createLog(config, { process: name }) });
  const { link, counts, loginLimiter } = channel;
  const booted = await boot(config, {
    name,
    database: { url: databaseUrl, isEmbedded: isDatabaseEmbedded, connectionsMax },
    siblings: { role, serverId, link, counts, loginLimiter },
  });
  try {
    let health: ServerHealth = { processes: { running: 0, configured: 0 }, loopDelays: [] };
    let listening: Listening;
    if (role === "dashboard") {
      await prepareAccounts(booted.runtime);
      installRuntime(booted.runtime);
      listening = await listenForWorkers(booted, dashboard);
    } else {
      const pages = createDashboardProxy({ address: dashboard, log: booted.runtime.log });
      send({ kind: "loaded" });
      listening = await listen(booted, {
        pages,
        port: await port,
        readHealth: () => health,
        ...(config.workers > 1 ? { exchange: counts } : {}),
      });
    }
    const report = setInterval(() => send({ kind: "loopDelay", reading: booted.readLoopDelay() }), REPORT_INTERVAL_MS);
    report.unref();
    send({ kind: "listening", url: listening.url, port: listening.port });
    return {
      booted,
      listening,
      setHealth: (latest) => {
        health = latest;
      },
      announce: (url) => announce(booted.runtime, url),
    };
  } catch (error) {
    await booted.stop();
    throw error;
  }
}

function fail(error: unknown): undefined {
  const message = error instanceof Error ? error.message : String(error);
  process.send?.({ kind: "failed", message } satisfies ToParent, () => process.exit(1));
  return undefined;
}

async function stop(started: Promise<Started | undefined> | undefined): Promise<void> {
  const running = await started;
  await running?.listening.stop();
  process.exit(0);
}

function send(message: ToParent): void {
  if (process.connected) process.send?.(message);
}
