/** Runs the built-in PostgreSQL: a regular server on the data folder, only for this process. */
import { setTimeout as delay } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import type { Log } from "@/src/core/log";
import { findPostgresBinaries } from "@/src/db/embedded/binaries";
import { openFolder, prepareDataFolder } from "@/src/db/embedded/folder";
import { findFreePort, launchPostmaster, type Postmaster, readLastPort } from "@/src/db/embedded/postmaster";
import { inspectDataFolder, stopOrphan } from "@/src/db/embedded/process";
import { type Credentials, prepareDatabase } from "@/src/db/embedded/roles";
import { createPostgresUser } from "@/src/db/embedded/user";

const HOST = "127.0.0.1";
const DATABASE = "rested";
const START_ATTEMPTS = 5;
const RELAUNCH_DELAY_MS = 500;
const RELAUNCH_DELAY_MAX_MS = 30_000;

export interface EmbeddedPostgresOptions {
  /** The data folder. It contains PostgreSQL's own folder `postgres`, its log `postgres.log` and its password `postgres.password`. */
  dir: string;
  log: Log;
  /** False: data may be lost in a power failure. For temporary data such as tests. Default: true. */
  durable?: boolean;
}

export interface EmbeddedPostgres {
  /** The URL for clients, with the password. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** An ordinary role that owns the database. Each start sets a new password. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Only for administration: this role can read and write files and start programs. */
  readonly superuser: Readonly<Credentials>;
  /** The process id of the current server process. If it exits unexpectedly, it is started again on the same port. */
  readonly pid: number;
  /** Rolls back open transactions, stops the server and waits until it has exited. Can be called again. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on a free loopback port, creating the database on first use, and settles when it accepts connections. Takes over from a server
 * that was killed. Throws, with instructions, if another server uses the folder, the folder is not writable or belongs to another PostgreSQL version,
 * or this platform has no binaries.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, durable = true } = options;
  // Linux ends PostgreSQL together with the thread that started it.
  if (!isMainThread) throw new Error("The built-in PostgreSQL must be started from the main thread.");
  const binaries = findPostgresBinaries();
  const dir = openFolder(options.dir);
  const user = createPostgresUser({ dir, binaries });
  const folder = await prepareDataFolder({ dir, binaries, user, durable, log });

  const launch = async (wanted: number | undefined, exact = false): Promise<Postmaster> => {
    for (let attempt = 1; ; attempt++) {
      await claim({ dir: folder.dir, dataDir: folder.dataDir, log });
      const port = await findFreePort(HOST, wanted);
      if (exact && port !== wanted) throw new Error(`Port ${wanted}, which this server's connections use, is in use.`);
      const outcome = await launchPostmaster({ ...folder, binaries, user, host: HOST, port, durable, log });
      if (outcome.state === "ready") return outcome.postmaster;
      // Another server may have been faster. Then claiming its folder throws.
      await claim({ dir: folder.dir, dataDir: folder.dataDir, log });
      switch (outcome.state) {
        case "port_taken":
          if (attempt < START_ATTEMPTS) continue;
          throw new Error(`PostgreSQL found no free port on ${HOST} in ${START_ATTEMPTS} attempts.`);
        case "locked":
          throw new Error(
            `Another server, perhaps in another container, uses the data folder ${folder.dir}. Stop it first, or set RESTED_DATA_DIR to another folder.`,
          );
        case "failed":
          throw new Error(`PostgreSQL did not start (${outcome.reason}). Its log, ${folder.logFile}, ends with:\n${outcome.logTail}`);
      }
    }
  };
  const first = await launch(readLastPort(folder.dataDir));
  const supervised = supervise({ first, log, launch: () => launch(first.port, true) });
  const server = { host: HOST, port: first.port, database: DATABASE };
  const superuser = { user: folder.role, password: folder.password };
  const credentials = await prepareDatabase({ ...server, superuser }).catch(async (error: unknown) => {
    await supervised.stop();
    throw error;
  });
  return {
    ...server,
    ...credentials,
    superuser,
    url: `postgresql://${credentials.user}:${encodeURIComponent(credentials.password)}@${HOST}:${first.port}/${DATABASE}`,
    get pid() {
      return supervised.pid();
    },
    stop: supervised.stop,
  };
}

/** Ensures that nobody uses the folder: stops an orphan, throws if a running server uses it. */
async function claim(options: { dir: string; dataDir: string; log: Log }): Promise<void> {
  const found = inspectDataFolder(options.dataDir);
  switch (found.use) {
    case "free":
      return;
    case "taken":
      throw new Error(
        `Another server (pid ${found.ownerPid}) uses the data folder ${options.dir}. Stop it first, or set RESTED_DATA_DIR to another folder.`,
      );
    case "orphan":
      return await stopOrphan({ pid: found.pid, log: options.log });
  }
}

/** Restarts the server after unexpected exits, with increasing pauses, until it is stopped. */
function supervise(options: { first: Postmaster; log: Log; launch: () => Promise<Postmaster> }): { pid(): number; stop(): Promise<void> } {
  const { log, launch } = options;
  const stopping = new AbortController();
  let current = options.first;
  let stopped: Promise<void> | undefined;

  const relaunch = async (): Promise<Postmaster | undefined> => {
    for (let pauseMs = RELAUNCH_DELAY_MS; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, RELAUNCH_DELAY_MAX_MS)) {
      await delay(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (stopping.signal.aborted) return undefined;
      try {
        return await launch();
      } catch (error) {
        log.error({ err: error }, "PostgreSQL could not be restarted; retrying");
      }
    }
    return undefined;
  };
  const watch = async (): Promise<void> => {
    for (;;) {
      const reason = await current.ended;
      if (stopping.signal.aborted) return;
      log.error({ reason }, "PostgreSQL exited unexpectedly; restarting it");
      const next = await relaunch();
      if (!next) return;
      current = next;
      if (stopping.signal.aborted) return await next.stop();
      log.warn({ pid: next.pid }, "PostgreSQL was restarted");
    }
  };
  const watching = watch();
  // If the kernel does not stop PostgreSQL together with this process (see PostgresUser.launch), a normal exit does.
  const onExit = (): void => current.signal("SIGINT");
  process.once("exit", onExit);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await current.stop();
    await watching;
    process.off("exit", onExit);
  };
  return {
    pid: () => current.pid,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
