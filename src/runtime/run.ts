/** Runs the server: in one process, or with several workers (RESTED_WORKERS). */
import cluster from "node:cluster";
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
import { createDashboardAddress, removeDashboardAddress } from "./workers/dashboard-address";
import { startSupervisor } from "./workers/supervisor";
import { runWorker } from "./workers/worker";

/** Distinguishes workers of this server from workers of another manager, such as PM2 in its cluster mode. */
const WORKER_ARGUMENT = "--rested-worker";

/** `script`: the file that runs the server, which workers run too. Throws an error that says what to do if the server cannot start. */
export async function run(config: Config, script: string): Promise<void> {
  if (cluster.isWorker && process.argv.includes(WORKER_ARGUMENT)) return runWorker(config);
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
  if (!cluster.isPrimary) {
    throw new Error(
      "RESTED_WORKERS and RESTED_DASHBOARD_PROCESS do not work in a cluster of another manager, such as PM2. Run one process there.",
    );
  }
  const log = createLog(config);
  const cleanup = createCleanup();
  try {
    const database = await prepareDatabase(config, log);
    cleanup.add(() => database.stop());
    const dashboard = await createDashboardAddress();
    cleanup.add(() => removeDashboardAddress(dashboard));
    const supervisor = await startSupervisor({ config, database, dashboard, script, args: [WORKER_ARGUMENT], log });
    cleanup.add(() => supervisor.stop());
    handleSignals({ log, drain: supervisor.drain, drainMs: config.drainMs, stop: cleanup.run, reload: supervisor.reload });
    await supervisor.announce();
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}
