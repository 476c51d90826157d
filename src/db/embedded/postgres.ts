/** Runs the built-in PostgreSQL: a real server in the data folder, for this process alone. Knows nothing of what is stored in it. */
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
  /** The data folder. PostgreSQL's own is `postgres` in it, its log `postgres.log`, its password `postgres.password`. */
  dir: string;
  log: Log;
  /** False: nothing survives a power cut. For throw-away data such as tests. Default true. */
  durable?: boolean;
}

export interface EmbeddedPostgres {
  /** For clients, with the password. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** An ordinary role that owns the database. Its password is new at each start. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** For set-up alone: what runs as this role can read and write files, and start programs. */
  readonly superuser: Readonly<Credentials>;
  /** Of the server process now: it is started again, on the same port, when it ends by itself. */
  readonly pid: number;
  /** Rolls back what is in progress, stops the server and waits for its end. Can be called again. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on a free loopback port, making the database on first use, and answers when it accepts connections.
 * Takes over from a server that was killed. Raises, with what to do, when another server uses the folder, the folder
 * can't be written or belongs to another PostgreSQL version, or this platform has no binaries.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, durable = true } = options;
  // Linux ends PostgreSQL with the thread that started it.
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
      // Another server may have been quicker; its folder is then refused.
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

/** Makes sure that nobody uses the folder: stops an orphan, refuses a living server's. */
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

/** Starts the server again when it ends by itself, with growing pauses, until it is stopped. */
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
  // Where the kernel does not stop it with this process (see PostgresUser.launch), an ordinary exit at least does.
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
