/** The data folder of the built-in PostgreSQL: creates it on first use and checks an existing one. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import type { Log } from "@/src/core/log";
import type { PostgresBinaries } from "@/src/db/embedded/binaries";
import { isAlive } from "@/src/db/embedded/process";
import type { PostgresUser } from "@/src/db/embedded/user";

const ROLE = "rested";
const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** Written to postgresql.conf, where an administrator can change them. The values are modest because the machine is shared. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: "128MB",
  max_connections: "100",
  max_wal_size: "512MB",
  random_page_cost: "1.1",
  autovacuum_naptime: "15s",
  jit: "off",
  // Parallel workers need more shared memory than the 64 MB of a container.
  max_parallel_workers_per_gather: "0",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

export interface DataFolder {
  /** Absolute, without symbolic links. */
  dir: string;
  dataDir: string;
  logFile: string;
  /** PostgreSQL's processes hold a lock on this file while they run. */
  lockFile: string;
  /** The superuser. */
  role: string;
  password: string;
}

/**
 * Prepares the folder that `openFolder` returned. Afterwards it contains PostgreSQL's data; if this throws on first use, it contains no incomplete
 * data.
 */
export async function prepareDataFolder(options: {
  dir: string;
  binaries: PostgresBinaries;
  user: PostgresUser;
  durable: boolean;
  log: Log;
}): Promise<DataFolder> {
  const { dir, binaries, user, durable, log } = options;
  const dataDir = path.join(dir, "postgres");
  const logFile = path.join(dir, "postgres.log");
  const lockFile = path.join(dir, "postgres.lock");
  rotateLog(logFile);
  removeLeftovers(dir);
  const exists = fs.existsSync(path.join(dataDir, "PG_VERSION"));
  const password = readPassword({ dir, create: !exists });
  if (!exists) {
    log.info({ dir: dataDir }, "creating a new PostgreSQL database");
    await initialize({ dir, dataDir, binaries, user, password, durable });
  }
  checkData({ dataDir, major: binaries.major });
  // The folder was copied by root, but PostgreSQL must own it.
  if (process.getuid?.() === 0 && fs.statSync(dataDir).uid === 0) user.give(dataDir);
  if (!fs.existsSync(lockFile)) {
    fs.closeSync(fs.openSync(lockFile, "a", 0o600));
    user.give(lockFile);
  }
  return { dir, dataDir, logFile, lockFile, role: ROLE, password };
}

/** Creates the folder if it is missing, and returns its absolute path without symbolic links. */
export function openFolder(given: string): string {
  const dir = path.resolve(given);
  try {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    fs.accessSync(dir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return fs.realpathSync(dir);
  } catch (error) {
    throw new Error(
      `The data folder ${dir} is not writable (${toMessage(error)}). Give this process's user write access, or choose another folder with RESTED_DATA_DIR.`,
      { cause: error },
    );
  }
}

function checkData(options: { dataDir: string; major: number }): void {
  const version = fs.readFileSync(path.join(options.dataDir, "PG_VERSION"), "utf8").trim();
  if (Number(version) === options.major) return;
  throw new Error(
    `The data in ${options.dataDir} was written by PostgreSQL ${version}, but this release contains PostgreSQL ${options.major}. Start the release that wrote it and take a dump (pg_dump), then restore it into an empty folder.`,
  );
}

/** Reads the superuser's password from a file that only this process's user can read. */
function readPassword(options: { dir: string; create: boolean }): string {
  const file = path.join(options.dir, "postgres.password");
  if (options.create && !fs.existsSync(file)) {
    const own = `${file}.${process.pid}`;
    writeDurably(own, `${randomBytes(24).toString("base64url")}\n`);
    try {
      // A link makes the complete file appear at once, and succeeds for only one of two servers that start together.
      fs.linkSync(own, file);
    } catch (error) {
      if (!fs.existsSync(file)) throw error;
    } finally {
      fs.rmSync(own, { force: true });
    }
  }
  try {
    const password = fs.readFileSync(file, "utf8").trim();
    if (password) return password;
  } catch (error) {
    throw new Error(`PostgreSQL's password cannot be read (${toMessage(error)}). Restore ${file}, which belongs to the data beside it.`, {
      cause: error,
    });
  }
  throw new Error(`${file} is empty. Restore it; it belongs to the data beside it.`);
}

/** Creates the data in a temporary folder and moves it into place when it is complete, so that a crash leaves no incomplete database. */
async function initialize(options: {
  dir: string;
  dataDir: string;
  binaries: PostgresBinaries;
  user: PostgresUser;
  password: string;
  durable: boolean;
}): Promise<void> {
  const { dir, dataDir, binaries, user, password, durable } = options;
  const fresh = path.join(dir, `postgres.new-${process.pid}`);
  const passwordFile = `${fresh}.password`;
  try {
    fs.mkdirSync(fresh, { mode: 0o700 });
    fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    user.give(fresh);
    user.give(passwordFile);
    const { file, args, ...identity } = user.launch(binaries.initdb, [
      ...["-D", fresh, "-U", ROLE, "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--encoding=UTF8"],
      // Compares by code point and uses Unicode's case mapping, the same on every platform.
      ...["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"],
      // MB. All commits wait while a segment of the log is created, which takes 10 to 20 ms for the usual 16 MB. A busy new database creates one every second.
      "--wal-segsize=4",
      ...Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
      ...(durable ? [] : ["--no-sync"]),
    ]);
    await promisify(execFile)(file, args, identity).catch((error: unknown) => {
      throw new Error(`PostgreSQL could not create its data folder ${dataDir}: ${toMessage(error)}`, { cause: error });
    });
    moveIntoPlace(fresh, dataDir);
    if (durable) syncFolder(dir);
  } finally {
    fs.rmSync(passwordFile, { force: true });
    fs.rmSync(fresh, { recursive: true, force: true });
  }
}

function moveIntoPlace(fresh: string, dataDir: string): void {
  try {
    fs.renameSync(fresh, dataDir);
  } catch (error) {
    // Another server that was started at the same time was faster.
    if (fs.existsSync(path.join(dataDir, "PG_VERSION"))) return;
    throw new Error(`${dataDir} exists, but does not contain PostgreSQL's data. Move it, or choose another folder with RESTED_DATA_DIR.`, {
      cause: error,
    });
  }
}

/** Removes the temporary files of a process that was killed while it created a database. */
function removeLeftovers(dir: string): void {
  for (const name of fs.readdirSync(dir)) {
    const pid = Number(/^postgres\.(?:new-|password\.)(\d+)/.exec(name)?.[1]);
    if (pid && (pid === process.pid || !isAlive(pid))) fs.rmSync(path.join(dir, name), { recursive: true, force: true });
  }
}

function rotateLog(file: string): void {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat && stat.size > LOG_BYTES_MAX) fs.renameSync(file, `${file}.1`);
}

function writeDurably(file: string, text: string): void {
  const fd = fs.openSync(file, "w", 0o600);
  try {
    fs.writeSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function syncFolder(dir: string): void {
  const fd = fs.openSync(dir, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
