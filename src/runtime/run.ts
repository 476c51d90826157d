/** Runs the server: in one process, or with several workers (RESTED_WORKERS). */
import cluster from "node:cluster";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Config } from "@/src/config/config";
import { announce, prepareAccounts } from "./announce";
import { boot, prepareDatabase } from "./boot";
import { captureOutput } from "./capture-output";
import { createCleanup } from "./cleanup";
import { createLog } from "./log";
import { installRuntime } from "./registry";
import { handleSignals } from "./shutdown";
import { listen } from "./web/listen";
import { startNext } from "./web/next-pages";
import type { DashboardAddress } from "./workers/messages";
import { startSupervisor } from "./workers/supervisor";
import { runWorker } from "./workers/worker";

/** `script`: the file that runs the server, which workers run too. Throws an error that says what to do if the server cannot start. */
export async function run(config: Config, script: string): Promise<void> {
  if (cluster.isWorker) return runWorker(config);
  // In development, the output of Next.js goes to the terminal as it is.
  if (config.mode === "production") captureOutput({ log: createLog(config) });
  if (config.hasDashboardProcess) await runProcesses(config, script);
  else await runAlone(config);
}

async function runAlone(config: Config): Promise<void> {
  const booted = await boot(config);
  try {
    await prepareAccounts(booted.runtime);
    installRuntime(booted.runtime);
    const web = await listen(booted, { pages: await startNext(booted.runtime) });
    const { log } = booted.runtime;
    const reload = async () => booted.certificates?.reload();
    handleSignals({ log, drain: web.drain, drainMs: config.drainMs, stop: web.stop, reload });
    await announce(booted.runtime, web.url);
  } catch (error) {
    // The built-in PostgreSQL must not outlive a server that could not start.
    await booted.stop();
    throw error;
  }
}

async function runProcesses(config: Config, script: string): Promise<void> {
  const log = createLog(config);
  const cleanup = createCleanup();
  try {
    const database = await prepareDatabase(config, log);
    cleanup.add(() => database.stop());
    const dashboard = await createDashboardAddress();
    cleanup.add(() => dashboard.remove());
    const supervisor = await startSupervisor({ config, database, dashboard, script, log });
    cleanup.add(() => supervisor.stop());
    handleSignals({ log, drain: supervisor.drain, drainMs: config.drainMs, stop: cleanup.run, reload: supervisor.reload });
    await supervisor.announce();
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

/** In a folder that only this user can open. Not in the data folder, because the path of a socket has at most about 100 characters. */
async function createDashboardAddress(): Promise<DashboardAddress & { remove(): Promise<void> }> {
  const secret = randomBytes(32).toString("base64url");
  if (process.platform === "win32") {
    return { path: `\\\\.\\pipe\\rested-${randomBytes(16).toString("hex")}`, secret, remove: async () => undefined };
  }
  const dir = await mkdtemp(path.join(os.tmpdir(), "rested-"));
  return { path: path.join(dir, "dashboard"), secret, remove: () => rm(dir, { recursive: true, force: true }) };
}
