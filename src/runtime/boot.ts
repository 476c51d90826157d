/** Starts a process: configuration of TLS, PostgreSQL, migrations, connections, storage, threads, a node, and its periodic jobs. */
import type { IncomingMessage } from "node:http";
import os from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { getHeapStatistics } from "node:v8";
import type { Config } from "@/src/config/config";
import type { FileStorage } from "@/src/core/files/ports";
import type { Log } from "@/src/core/log";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { createPasswordHasher, HASHES_AT_ONCE_MAX } from "@/src/core/users/password-hasher";
import { createPool } from "@/src/db/client";
import { readDeploymentId } from "@/src/db/deployment-id";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { createLanes, type Lanes } from "@/src/db/lanes";
import { migrate } from "@/src/db/migrate";
import type { DataPlane } from "@/src/http/data-plane";
import type { Drain } from "@/src/http/server/drain";
import type { SlowClients } from "@/src/http/server/slow-clients";
import { createProcessRateLimiter, createSharedRateLimiter } from "@/src/limits/rate-limiter";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createDiskStorage } from "@/src/storage/disk";
import { createS3Storage } from "@/src/storage/s3";
import { type Cleanup, createCleanup } from "./cleanup";
import { composeNode } from "./compose";
import { createLog } from "./log";
import { type LoopDelayReading, startLoopDelay } from "./loop-delay";
import type { Siblings } from "./node/siblings";
import { createHashThreads } from "./password-threads";
import type { Runtime } from "./registry";
import { startScheduler } from "./scheduler";
import { loadSecret } from "./secret";
import { type Certificates, loadCertificates } from "./web/certificates";

const MIGRATIONS = path.resolve("prisma/migrations");
/** A renewed TLS certificate is used within this time. */
const CERTIFICATE_INTERVAL_MS = 10_000;

export interface Booted {
  runtime: Runtime;
  /** Serves the requests of the data plane. */
  dataPlane: DataPlane;
  /** Drops the rest of refused bodies. */
  drain: Drain;
  /** Ends connections of clients that read or send too slowly. */
  slowClients: SlowClients;
  /** Serves the upgrade requests of the realtime plane. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** For the server's own TLS; undefined: it serves plain HTTP. */
  certificates: Certificates | undefined;
  /** Ends every open stream with 1012, and refuses new ones (W8, W12). */
  closeStreams: () => Promise<void>;
  isDatabaseUp: () => Promise<boolean>;
  /** How late the event loop is. */
  readLoopDelay: () => LoopDelayReading;
  /** Closes what boot has opened, in reverse order. Call `closeStreams` first. */
  stop: () => Promise<void>;
}

/** One of several processes of a server. Their parent process has prepared the database. */
export interface ProcessPart {
  /** For the log. */
  name: string;
  database: { url: string; isEmbedded: boolean; connectionsMax: number };
  siblings: Siblings;
}

/** The database that the processes of a server share. */
export interface PreparedDatabase {
  url: string;
  isEmbedded: boolean;
  /** Stops PostgreSQL if the server has its own. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL where none is configured, applies migrations, and starts a node. With `part`, the database is given, and the node serves its part of the
 * server. Throws an error that says what to do when something cannot start, and closes everything that had started.
 */
export async function boot(config: Config, part?: ProcessPart): Promise<Booted> {
  const log = createLog(config, part ? { process: part.name } : null);
  const cleanup = createCleanup();
  try {
    return await start({ config, part, log, cleanup });
  } catch (error) {
    await cleanup
      .run()
      .catch((err: unknown) => log.warn({ err }, "the start failed, and some of what it had started could not be stopped"));
    throw error;
  }
}

interface StartOptions {
  config: Config;
  part: ProcessPart | undefined;
  log: Log;
  cleanup: Cleanup;
}

/** Everything that must be closed is added to `cleanup` as soon as it is open. */
async function start({ config, part, log, cleanup }: StartOptions): Promise<Booted> {
  const clock = { now: () => new Date() };
  const certificates = config.tls && (await loadCertificates({ ...config.tls, clock, log }));
  const secret = await loadSecret(config);
  const notifications = createProcessNotifications({ log });
  const lanes = await openDatabase({ config, part, notifications, log, cleanup });
  if (!part) await migrate({ pool: lanes.pools.management, dir: MIGRATIONS, log });
  // The only worker has nobody to count requests with.
  const exchange = config.workers > 1 ? part?.siblings.counts : undefined;
  const limiter =
    config.redisUrl === undefined
      ? createProcessRateLimiter({ exchange })
      : createSharedRateLimiter({ url: config.redisUrl, log, exchange });
  cleanup.add(() => limiter.close());
  // On other systems a thread has no priority of its own.
  const hashThreads = process.platform === "linux" ? createHashThreads() : undefined;
  cleanup.add(() => hashThreads?.close());
  const storage = await openStorage(config, log);
  cleanup.add(() => storage.close());
  const node = composeNode({
    config,
    lanes,
    notifications,
    storage,
    limiter,
    passwords: createPasswordHasher({
      ...(hashThreads ? { engine: hashThreads } : {}),
      ...(part ? { atOnceMax: Math.max(1, Math.floor(HASHES_AT_ONCE_MAX / config.workers)) } : {}),
    }),
    secret,
    cluster: config.redisUrl === undefined ? undefined : { url: config.redisUrl, channel: await toChannel(lanes) },
    siblings: part?.siblings,
    memoryBytes: part ? toMemoryShare(config) : getHeapStatistics().heap_size_limit,
    clock,
    log,
    cleanup,
  });

  const loopDelay = startLoopDelay({ log, clock });
  cleanup.add(() => loopDelay.stop());
  const jobs = [...node.jobs, loopDelay.job];
  if (certificates) jobs.push({ name: "reload-tls-certificate", intervalMs: CERTIFICATE_INTERVAL_MS, run: () => certificates.reload() });
  const scheduler = startScheduler({ log, jobs });
  cleanup.add(() => scheduler.stop());
  return { ...node, certificates, isDatabaseUp: lanes.isUp, readLoopDelay: loopDelay.read, stop: cleanup.run };
}

/** The channel of a deployment: servers with the same database share it. */
async function toChannel({ pools }: Lanes): Promise<string> {
  return `rested:${await readDeploymentId(pools.reads)}`;
}

async function openStorage(config: Config, log: Log): Promise<FileStorage & { close(): void }> {
  if (config.s3 !== undefined) return createS3Storage({ options: config.s3, log });
  return { ...createDiskStorage({ dir: path.join(config.dataDir, "files") }), close: () => undefined };
}

/** The memory that one of several processes may use: its heap, but not more than its part of the memory of the machine or the container. */
function toMemoryShare({ workers }: Config): number {
  // 0 or a huge number: there is no limit for this process.
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
  return Math.min(getHeapStatistics().heap_size_limit, Math.floor(memory / (workers + 1)));
}

/** Starts PostgreSQL where none is configured, and applies migrations, for the processes of the server. Throws an error that says what to do. */
export async function prepareDatabase(config: Config, log: Log): Promise<PreparedDatabase> {
  const postgres = config.databaseUrl === undefined ? await startEmbeddedPostgres({ dir: config.dataDir, log }) : undefined;
  const url = config.databaseUrl ?? postgres?.url;
  if (url === undefined) throw new Error("There is no database.");
  const pool = createPool({ url, log, name: "migrations", max: 1 });
  try {
    // The processes read the secret at the same time, so it must be complete.
    await loadSecret(config);
    await migrate({ pool, dir: MIGRATIONS, log });
  } catch (error) {
    await postgres?.stop();
    throw error;
  } finally {
    await pool.end();
  }
  return { url, isEmbedded: postgres !== undefined, stop: async () => postgres?.stop() };
}

async function openDatabase({
  config,
  part,
  notifications,
  log,
  cleanup,
}: StartOptions & {
  notifications: ChangeNotifications;
}): Promise<Lanes> {
  if (part) {
    const { database, siblings } = part;
    const lanes = createLanes({ ...database, notifications, log, purpose: siblings.role });
    cleanup.add(() => lanes.end());
    return lanes;
  }
  const postgres = config.databaseUrl === undefined ? await startEmbeddedPostgres({ dir: config.dataDir, log }) : undefined;
  if (postgres) cleanup.add(() => postgres.stop());
  const url = config.databaseUrl ?? postgres?.url;
  if (url === undefined) throw new Error("There is no database.");
  const lanes = createLanes({ url, notifications, log, connectionsMax: config.databaseConnectionsMax, isEmbedded: postgres !== undefined });
  cleanup.add(() => lanes.end());
  return lanes;
}
