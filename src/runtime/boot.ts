/** The only composition root: makes everything that holds a socket, pool, timer or cache, once, in order, and can end it again in reverse. */
import type { IncomingMessage } from "node:http";
import path from "node:path";
import type { Duplex } from "node:stream";
import { getHeapStatistics } from "node:v8";
import type { Config } from "@/src/config/config";
import { createAccess } from "@/src/core/access/access";
import { createTokens } from "@/src/core/access/access-tokens";
import { createRateGate } from "@/src/core/access/rate-limit-policy";
import { createDefinitions } from "@/src/core/access/resolved-endpoints";
import { createSignIns } from "@/src/core/access/sign-ins";
import { createFiles } from "@/src/core/files/files";
import type { FileStorage } from "@/src/core/files/ports";
import { createFileTokens } from "@/src/core/files/tokens";
import { createHeldBytes } from "@/src/core/limits/held-bytes";
import { createManagementLimits } from "@/src/core/limits/management-limits";
import { limitFileStore, limitRecordStore, limitUserStore } from "@/src/core/limits/quota-stores";
import { createQuotas } from "@/src/core/limits/quotas";
import { createRegistrationLimit } from "@/src/core/limits/registration-limit";
import type { Log } from "@/src/core/log";
import { createRecords } from "@/src/core/records/records";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { createPasswordHasher } from "@/src/core/users/password-hasher";
import { createUsers } from "@/src/core/users/users";
import { readDeploymentId } from "@/src/db/deployment-id";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { createLanes, type Lanes } from "@/src/db/lanes";
import { migrate } from "@/src/db/migrate";
import { createChangeLog } from "@/src/db/records/change-log";
import { sweepChanges } from "@/src/db/records/change-retention";
import { sweepIdempotentRequests } from "@/src/db/records/idempotent-requests";
import { createImportStaging } from "@/src/db/records/import-staging";
import { createRecordStore } from "@/src/db/records/record-store";
import { createSnapshotReader } from "@/src/db/records/snapshot-reader";
import { createDefinitionStore } from "@/src/db/stores/definitions";
import { createFileStore } from "@/src/db/stores/files";
import { createOpenStreamStore } from "@/src/db/stores/open-streams";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { createSignInStore } from "@/src/db/stores/sign-ins";
import { createTokenStore } from "@/src/db/stores/tokens";
import { createUsageStore } from "@/src/db/stores/usage";
import { createUserStore } from "@/src/db/stores/users";
import { createDataPlane, type DataPlane } from "@/src/http/data-plane";
import { createDrain, type Drain } from "@/src/http/server/drain";
import { createSlowClients, type SlowClients, SWEEP_INTERVAL_MS } from "@/src/http/server/slow-clients";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import { createProcessRateLimiter, createSharedRateLimiter } from "@/src/limits/rate-limiter";
import { createImporter } from "@/src/management/import/importer";
import { createClusterBus } from "@/src/realtime/cluster/cluster-bus";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createHub } from "@/src/realtime/hub/hub";
import { createStreamLimits } from "@/src/realtime/hub/stream-limits";
import { createStreamRegistry } from "@/src/realtime/hub/stream-registry";
import { createEventStreams } from "@/src/realtime/transports/sse";
import { createUpgradeHandler } from "@/src/realtime/transports/ws";
import { createSandbox } from "@/src/sandbox/sandbox";
import { findImportWorkerScript } from "@/src/sandbox/worker-script";
import { createDiskStorage } from "@/src/storage/disk";
import { createS3Storage } from "@/src/storage/s3";
import { type Certificates, loadCertificates } from "./certificates";
import { type Cleanup, createCleanup } from "./cleanup";
import { createLog } from "./log";
import { type LoopDelayReading, startLoopDelay } from "./loop-delay";
import { createHashThreads } from "./password-threads";
import type { Runtime } from "./registry";
import { startScheduler } from "./scheduler";
import { loadSecret } from "./secret";

/** `lastUsedAt` of keys and tokens is this far behind at most. */
const USE_INTERVAL_MS = 10_000;
const TOKEN_SWEEP_INTERVAL_MS = 10 * 60_000;
const ONCE_SWEEP_INTERVAL_MS = 10 * 60_000;
/** Files of deleted records and of uploads that never ended are gone this soon after. */
const FILE_SWEEP_INTERVAL_MS = 10_000;
const IMPORT_SWEEP_INTERVAL_MS = 5 * 60_000;
/** How old what the dashboard shows of open streams may be, and how soon one that it ends is ended. */
const STREAMS_INTERVAL_MS = 1_000;
const LOG_SWEEP_INTERVAL_MS = 10_000;
/** How old the counts are that quotas are compared with; what this server lets in is added to them at once. */
const USAGE_INTERVAL_MS = 5_000;
/** How soon the rows of a deleted endpoint begin to be deleted. */
const PURGE_INTERVAL_MS = 1_000;
/** How soon a renewed TLS certificate is used. */
const CERTIFICATE_INTERVAL_MS = 10_000;
/** How long clients may take to let go of their streams at a shutdown. */
const STREAM_GRACE_MS = 2_000;

export interface Booted {
  runtime: Runtime;
  /** Answers a request of the data plane. */
  dataPlane: DataPlane;
  /** Drops the rest of refused bodies. */
  drain: Drain;
  /** Ends connections of clients that read or send too slowly. */
  slowClients: SlowClients;
  /** Answers an upgrade of the realtime plane. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Of the server's own TLS; undefined: it speaks plain HTTP. */
  certificates: Certificates | undefined;
  /** Ends every open stream with 1012, and refuses new ones (W8, W12). */
  closeStreams: () => Promise<void>;
  isDatabaseUp: () => Promise<boolean>;
  /** How late the event loop is. */
  readLoopDelay: () => LoopDelayReading;
  /** Ends what boot made, in reverse. Call `closeStreams` first. */
  stop: () => Promise<void>;
}

/** Starts PostgreSQL where none is configured, migrates, and composes the planes. Throws with what to do when something can't start; then nothing is left of it. */
export async function boot(config: Config): Promise<Booted> {
  const log = createLog(config);
  const cleanup = createCleanup();
  try {
    return await compose({ config, log, cleanup });
  } catch (error) {
    await cleanup.run().catch((err: unknown) => log.warn({ err }, "not everything that was started could be stopped"));
    throw error;
  }
}

/** Each thing that has to be ended is added to `cleanup` as soon as it is there, in the order in which they need each other. */
async function compose({ config, log, cleanup }: { config: Config; log: Log; cleanup: Cleanup }): Promise<Booted> {
  const clock = { now: () => new Date() };
  const certificates = config.tls && (await loadCertificates({ ...config.tls, clock, log }));
  const secret = await loadSecret(config);
  const notifications = createProcessNotifications({ log });
  const lanes = await openDatabase({ config, notifications, log, cleanup });
  const { pools, db, writeDb, endpointQueue, pageReads, reads, background } = lanes;
  await migrate({ pool: pools.management, dir: path.resolve("prisma/migrations"), log });
  const quotas = createQuotas({ store: createUsageStore({ db: reads }), defaults: config.quotas, clock });
  const store = limitRecordStore(createRecordStore({ db: writeDb, pool: pools.reads, pageReads, queue: endpointQueue }), quotas);
  const changes = createChangeLog({ db: reads });
  const definitions = createDefinitions({ store: createDefinitionStore({ db: reads, background, clock }), clock, log });
  const tokens = createTokens({ store: createTokenStore({ db: reads, background }), clock, log });
  const signIns = createSignIns({ store: createSignInStore({ db: reads, clock }), log });
  const fileTokens = createFileTokens({ secret, clock });
  const access = createAccess({ definitions, tokens, signIns, fileTokens, clock });
  const limiter = config.redisUrl === undefined ? createProcessRateLimiter() : createSharedRateLimiter({ url: config.redisUrl, log });
  cleanup.add(() => limiter.close());
  const gate = createRateGate({ access, limiter, limit: config.rateLimit });
  const limits = createStreamLimits(config.streams);
  const sandbox = createSandbox({
    timeoutMs: config.sandboxTimeoutMs,
    memoryBytesMax: config.sandboxMemoryBytesMax,
    resultBytesMax: config.jsonataResultBytesMax,
    cpuMsPerMinute: config.sandboxCpuMsPerMinute,
    log,
  });
  cleanup.add(() => sandbox.close());
  const hub = createHub({
    changes,
    snapshots: createSnapshotReader({ pool: pools.reads, pageReads }),
    notifications,
    access,
    definitions,
    tokens,
    signIns,
    limits,
    sandbox,
    clock,
    log,
    queueBytesMax: config.queueBytesMax,
    queuesBytesMax: config.queuesBytesMax,
  });
  const records = createRecords({ store, sandbox, recordBytesMax: config.bodyBytesMax });
  // Elsewhere threads have no priority of their own.
  const hashThreads = process.platform === "linux" ? createHashThreads() : undefined;
  cleanup.add(() => hashThreads?.close());
  const passwords = createPasswordHasher(hashThreads ? { engine: hashThreads } : {});
  const users = createUsers({
    store: limitUserStore(createUserStore({ db: writeDb, queue: endpointQueue, reads, background }), quotas),
    records,
    tokens,
    sandbox,
    // Not the dashboard's: users of an application must not be able to lock its owner out.
    limiter: createLoginLimiter(),
    registrations: createRegistrationLimit({ limiter, perAddress: config.registrationsPerMinute }),
    passwords,
    clock,
    accessTokenTtlMs: config.accessTokenTtlMs,
    recordBytesMax: config.bodyBytesMax,
  });
  const storage = await openStorage(config, log);
  cleanup.add(() => storage.close());
  const files = createFiles({
    store: limitFileStore(createFileStore({ db: writeDb, queue: endpointQueue, reads, background }), quotas),
    storage,
    records: store,
    sandbox,
    log,
    uploadTimeoutMs: config.uploadTimeoutMs,
  });
  const imports = createImporter({ dir: path.join(config.dataDir, "imports"), findScript: findImportWorkerScript, log });
  cleanup.add(() => imports.close());
  const held = createHeldBytes({ memoryBytes: getHeapStatistics().heap_size_limit, bodyBytesMax: config.bodyBytesMax });
  const slowClients = createSlowClients();
  const drain = createDrain();
  const importStaging = createImportStaging({ pool: pools.writes, stage: lanes.runForAccount, queue: endpointQueue, notifications, log });
  const streams = createUpgradeHandler({ hub, access: gate, log, config });
  const eventStreams = createEventStreams({ hub, config });
  const link =
    config.redisUrl === undefined
      ? undefined
      : createClusterBus({
          url: config.redisUrl,
          channel: `rested:${await readDeploymentId(pools.reads)}`,
          notifications,
          definitions,
          tokens,
          signIns,
          log,
        });
  cleanup.add(() => link?.close());
  definitions.onInvalidate((projectId) => void hub.recheck(projectId));
  tokens.onInvalidate((projectId) => void hub.recheck(projectId));
  signIns.onInvalidate((userId) => void hub.recheckAccount(userId));

  const streamRegistry = createStreamRegistry({ hub, store: createOpenStreamStore({ db: background }) });
  cleanup.add(async () => {
    const noted = await Promise.allSettled([definitions.flushUse(), tokens.flushUse(), streamRegistry.close()]);
    for (const one of noted)
      if (one.status === "rejected")
        log.warn({ err: one.reason }, "the last use of some keys or tokens, or that streams ended, was not noted");
  });
  const purge = createEndpointPurge({ db: background });

  const loopDelay = startLoopDelay({ log, clock });
  cleanup.add(() => loopDelay.stop());
  const scheduler = startScheduler({
    log,
    jobs: [
      { name: "read the change log", intervalMs: config.pollIntervalMs, run: () => hub.poll() },
      { name: "check definitions", intervalMs: config.pollIntervalMs, run: () => definitions.checkRevisions() },
      { name: "check tokens", intervalMs: config.pollIntervalMs, run: () => tokens.checkRevisions() },
      { name: "check sign-ins", intervalMs: config.pollIntervalMs, run: () => signIns.check() },
      { name: "tell of open streams", intervalMs: STREAMS_INTERVAL_MS, run: () => streamRegistry.sync() },
      { name: "note the use of keys", intervalMs: USE_INTERVAL_MS, run: () => definitions.flushUse() },
      { name: "note the use of tokens", intervalMs: USE_INTERVAL_MS, run: () => tokens.flushUse() },
      { name: "delete expired tokens", intervalMs: TOKEN_SWEEP_INTERVAL_MS, run: () => users.sweepTokens() },
      {
        name: "forget old requests",
        intervalMs: ONCE_SWEEP_INTERVAL_MS,
        run: () => sweepIdempotentRequests({ db: background, queue: endpointQueue }),
      },
      {
        name: "forget old changes",
        intervalMs: LOG_SWEEP_INTERVAL_MS,
        run: () => sweepChanges({ db: background, retention: config.retention }),
      },
      { name: "end slow connections", intervalMs: SWEEP_INTERVAL_MS, run: () => slowClients.sweep() },
      { name: "refresh-project-usage", intervalMs: USAGE_INTERVAL_MS, run: () => quotas.refresh() },
      {
        name: "purge-deleted-endpoints",
        intervalMs: PURGE_INTERVAL_MS,
        // Of files, only the rows are gone then; the bytes follow.
        run: async () => void ((await purge.run()) && files.sweepSoon()),
      },
      { name: "sweep files", intervalMs: FILE_SWEEP_INTERVAL_MS, run: () => files.sweep() },
      { name: "sweep-staged-imports", intervalMs: IMPORT_SWEEP_INTERVAL_MS, run: () => importStaging.sweep() },
      ...(certificates ? [{ name: "reload-tls-certificate", intervalMs: CERTIFICATE_INTERVAL_MS, run: () => certificates.reload() }] : []),
      loopDelay.job,
    ],
  });
  cleanup.add(() => scheduler.stop());
  cleanup.add(() => purge.stop());

  return {
    runtime: {
      config,
      log,
      clock,
      db,
      asAccount: lanes.asAccount,
      recordSearch: lanes.recordSearch,
      writeDb,
      endpointQueue,
      records: store,
      changes,
      definitions,
      tokens,
      signIns,
      users,
      quotas,
      files,
      imports,
      importStaging,
      sandbox,
      hub,
      held,
      secret,
      passwords,
      managementLimits: createManagementLimits({ limiter, perMinute: config.managementRateLimit }),
      loginLimiter: createLoginLimiter(),
    },
    dataPlane: createDataPlane({
      access,
      gate,
      records,
      users,
      files,
      fileTokens,
      sandbox,
      clock,
      held,
      slowClients,
      stream: eventStreams,
      drain,
      config,
      log,
    }),
    drain,
    slowClients,
    upgrade: streams.upgrade,
    certificates,
    closeStreams: async () => {
      await Promise.all([streams, eventStreams].map((transport) => transport.closeAll({ graceMs: STREAM_GRACE_MS })));
    },
    isDatabaseUp: lanes.isUp,
    readLoopDelay: loopDelay.read,
    stop: cleanup.run,
  };
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
