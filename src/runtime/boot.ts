/** Starts a process: configuration of TLS, PostgreSQL, migrations, connections, storage, threads, a node, and its periodic jobs. */
import type { IncomingMessage } from "node:http";
import path from "node:path";
import type { Duplex } from "node:stream";
import { getHeapStatistics } from "node:v8";
import type { Config } from "@/src/config/config";
import type { FileStorage } from "@/src/core/files/ports";
import type { Log } from "@/src/core/log";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { createPasswordHasher } from "@/src/core/users/password-hasher";
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
import { createHashThreads } from "./password-threads";
import type { Runtime } from "./registry";
import { startScheduler } from "./scheduler";
import { loadSecret } from "./secret";
import { type Certificates, loadCertificates } from "./web/certificates";

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

/**
 * Starts PostgreSQL where none is configured, applies migrations, and starts a node. Throws an error that says what to do when something cannot start, and
 * closes everything that had started.
 */
export async function boot(config: Config): Promise<Booted> {
  const log = createLog(config);
  const cleanup = createCleanup();
  try {
    return await start({ config, log, cleanup });
  } catch (error) {
    await cleanup
      .run()
      .catch((err: unknown) => log.warn({ err }, "the start failed, and some of what it had started could not be stopped"));
    throw error;
  }
}

/** Everything that must be closed is added to `cleanup` as soon as it is open. */
async function start({ config, log, cleanup }: { config: Config; log: Log; cleanup: Cleanup }): Promise<Booted> {
  const clock = { now: () => new Date() };
  const certificates = config.tls && (await loadCertificates({ ...config.tls, clock, log }));
  const secret = await loadSecret(config);
  const notifications = createProcessNotifications({ log });
  const lanes = await openDatabase({ config, notifications, log, cleanup });
  await migrate({ pool: lanes.pools.management, dir: path.resolve("prisma/migrations"), log });
  const limiter = config.redisUrl === undefined ? createProcessRateLimiter() : createSharedRateLimiter({ url: config.redisUrl, log });
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
    passwords: createPasswordHasher(hashThreads ? { engine: hashThreads } : {}),
    secret,
    cluster: config.redisUrl === undefined ? undefined : { url: config.redisUrl, channel: await toChannel(lanes) },
    memoryBytes: getHeapStatistics().heap_size_limit,
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

async function openDatabase({
  config,
  notifications,
  log,
  cleanup,
}: {
  config: Config;
  notifications: ChangeNotifications;
  log: Log;
  cleanup: Cleanup;
}): Promise<Lanes> {
  const postgres = config.databaseUrl === undefined ? await startEmbeddedPostgres({ dir: config.dataDir, log }) : undefined;
  if (postgres) cleanup.add(() => postgres.stop());
  const url = config.databaseUrl ?? postgres?.url;
  if (url === undefined) throw new Error("There is no database.");
  const lanes = createLanes({ url, notifications, log, connectionsMax: config.databaseConnectionsMax, isEmbedded: postgres !== undefined });
  cleanup.add(() => lanes.end());
  return lanes;
}
