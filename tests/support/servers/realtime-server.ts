/** One node with data plane and realtime plane over real sockets and a real database, composed as runtime/boot.ts does, without the dashboard. */
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { createAccess } from "@/src/core/access/access";
import { createTokens, type Tokens } from "@/src/core/access/access-tokens";
import { createRateGate } from "@/src/core/access/rate-limit-policy";
import { createDefinitions, type Definitions } from "@/src/core/access/resolved-endpoints";
import { createSignIns, type SignIns } from "@/src/core/access/sign-ins";
import { createFileTokens } from "@/src/core/files/tokens";
import { createHeldBytes } from "@/src/core/limits/held-bytes";
import { createRegistrationLimit } from "@/src/core/limits/registration-limit";
import type { Log } from "@/src/core/log";
import type { RecordStore } from "@/src/core/records/ports";
import { createRecords } from "@/src/core/records/records";
import type { ChangeLog, ChangeNotifications } from "@/src/core/streams/ports";
import { createPasswordHasher } from "@/src/core/users/password-hasher";
import { createUsers } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import { createLanes } from "@/src/db/lanes";
import { createChangeLog } from "@/src/db/records/change-log";
import { createRecordStore } from "@/src/db/records/record-store";
import { createSnapshotReader } from "@/src/db/records/snapshot-reader";
import { createDefinitionStore } from "@/src/db/stores/definitions";
import { createOpenStreamStore } from "@/src/db/stores/open-streams";
import { createSignInStore } from "@/src/db/stores/sign-ins";
import { createTokenStore } from "@/src/db/stores/tokens";
import { createUserStore } from "@/src/db/stores/users";
import { createDataPlane } from "@/src/http/data-plane";
import { createDrain } from "@/src/http/server/drain";
import { createSlowClients } from "@/src/http/server/slow-clients";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import { createProcessRateLimiter } from "@/src/limits/rate-limiter";
import { createClusterBus } from "@/src/realtime/cluster/cluster-bus";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createHub, type Hub } from "@/src/realtime/hub/hub";
import { createStreamLimits, type StreamLimitsConfig } from "@/src/realtime/hub/stream-limits";
import { createStreamRegistry } from "@/src/realtime/hub/stream-registry";
import { createEventStreams } from "@/src/realtime/transports/sse";
import { createUpgradeHandler } from "@/src/realtime/transports/ws";
import { createSandbox } from "@/src/sandbox/sandbox";
import { type ConnectOptions, connectStream, type StreamClient } from "../clients/stream-client";
import { ACCESS_TOKEN_TTL_MS, type Seed, type SeedOptions, seed } from "./data-server";
import { createTestDatabase, type TestDatabase } from "./database";
import { createFilesFolder } from "./files-folder";

export interface RealtimeServer {
  port: number;
  /** `http://127.0.0.1:<port>`, `https` with a certificate. */
  httpOrigin: string;
  /** The same with `ws` or `wss`. */
  wsOrigin: string;
  database: TestDatabase;
  hub: Hub;
  definitions: Definitions;
  tokens: Tokens;
  signIns: SignIns;
  notifications: ChangeNotifications;
  changes: ChangeLog;
  records: RecordStore;
  db: Db;
  /** To look into the database, and to change it behind the server's back. */
  pool: pg.Pool;
  /** The time that the server sees; set it to move it. */
  clock: { at: Date };
  logged: string[];
  seed(options?: SeedOptions): Promise<Seed>;
  /** Opens a stream; the client is closed with the server. */
  connect(path: string, options?: ConnectOptions): Promise<StreamClient>;
  /** Stores a record over HTTP and answers its uniqueId. */
  post(seed: Seed, data: unknown): Promise<string>;
  /** What boot does each second. */
  tick(): Promise<void>;
  closeStreams(graceMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface RealtimeServerOptions {
  /** Another node of the same deployment: they share nothing but this. */
  database?: TestDatabase;
  /** Requests a minute; default 0: no limit. */
  rateLimit?: number;
  /** Default: no limit. */
  streams?: Partial<StreamLimitsConfig>;
  /** Tells other nodes what happens, and hears of them. `channel`: of a deployment. */
  redis?: { url: string; channel: string };
  /** Reaches the database through another address, which a test may cut. */
  via?: { host: string; port: number };
  tls?: { cert: string; key: string };
  queueBytesMax?: number;
  /** For one expression. */
  sandboxTimeoutMs?: number;
  pingIntervalMs?: number;
  pongTimeoutMs?: number;
}

export async function createRealtimeServer(options: RealtimeServerOptions = {}): Promise<RealtimeServer> {
  const { queueBytesMax = 1_048_576, pingIntervalMs = 25_000, pongTimeoutMs = 10_000, tls } = options;
  const database = options.database ?? (await createTestDatabase());
  const logged: string[] = [];
  const log = createListLog(logged);
  const clock = { at: new Date() };
  const coreClock = { now: () => clock.at };
  const url = new URL(database.url);
  if (options.via) url.host = `${options.via.host}:${options.via.port}`;
  const notifications = createProcessNotifications({ log });
  const lanes = createLanes({ url: url.href, notifications, log });
  const { pools, db, writeDb, endpointQueue: queue, pageReads, reads, background } = lanes;
  const definitions = createDefinitions({
    store: createDefinitionStore({ db: reads, background, clock: coreClock }),
    clock: coreClock,
    log,
  });
  const tokens = createTokens({ store: createTokenStore({ db: reads, background }), clock: coreClock, log });
  const signIns = createSignIns({ store: createSignInStore({ db: reads, clock: coreClock }), log });
  const fileTokens = createFileTokens({ secret: "the secret of test servers", clock: coreClock });
  const access = createAccess({ definitions, tokens, signIns, fileTokens, clock: coreClock });
  const limiter = createProcessRateLimiter({ now: () => clock.at.getTime() });
  const gate = createRateGate({ access, limiter, limit: options.rateLimit ?? 0, now: () => clock.at.getTime() });
  const changes = createChangeLog({ db: reads });
  const records = createRecordStore({ db: writeDb, pool: pools.reads, pageReads, queue });
  const limits = createStreamLimits({ total: 0, perAccount: 0, perKey: 0, perAddress: 0, ...options.streams });
  const sandbox = createSandbox({ timeoutMs: options.sandboxTimeoutMs ?? 5_000, memoryBytesMax: 64 * 1024 * 1024, log });
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
    clock: coreClock,
    log,
    queueBytesMax,
    queuesBytesMax: 1_073_741_824,
  });
  const stopListening = definitions.onInvalidate((projectId) => void hub.recheck(projectId));
  tokens.onInvalidate((projectId) => void hub.recheck(projectId));
  signIns.onInvalidate((userId) => void hub.recheckAccount(userId));
  const link = options.redis && createClusterBus({ ...options.redis, notifications, definitions, tokens, signIns, log });
  const streamRegistry = createStreamRegistry({ hub, store: createOpenStreamStore({ db: background }) });
  const handler = createUpgradeHandler({ hub, access: gate, config: { pingIntervalMs, pongTimeoutMs }, log });
  const eventStreams = createEventStreams({ hub, config: { pingIntervalMs, pongTimeoutMs } });
  const config = { bodyBytesMax: 1_048_576, bodyTimeoutMs: 10_000, uploadTimeoutMs: 10_000 };
  const recordBytesMax = 1_048_576;
  const folder = await createFilesFolder({ db: writeDb, queue, records, sandbox, log });
  const rules = createRecords({ store: records, sandbox, recordBytesMax });
  const users = createUsers({
    store: createUserStore({ db: writeDb, queue, reads, background }),
    records: rules,
    tokens,
    sandbox,
    limiter: createLoginLimiter(),
    registrations: createRegistrationLimit({ limiter, perAddress: 0 }),
    passwords: createPasswordHasher(),
    clock: coreClock,
    accessTokenTtlMs: ACCESS_TOKEN_TTL_MS,
    recordBytesMax,
  });
  const dataPlane = createDataPlane({
    access,
    gate,
    records: rules,
    users,
    files: folder.files,
    fileTokens,
    sandbox,
    clock: coreClock,
    held: createHeldBytes({ memoryBytes: 1024 ** 3, bodyBytesMax: config.bodyBytesMax }),
    slowClients: createSlowClients(),
    drain: createDrain(),
    stream: eventStreams,
    config,
    log,
  });
  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse) => dataPlane(request, response);
  const server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  server.on("upgrade", handler.upgrade);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const httpOrigin = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const wsOrigin = `${tls ? "wss" : "ws"}://127.0.0.1:${port}`;
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  const clients: StreamClient[] = [];
  let streamsClosed: Promise<unknown> | undefined;
  const closeStreams = async (graceMs = 2_000) => {
    streamsClosed ??= Promise.all([handler, eventStreams].map((transport) => transport.closeAll({ graceMs })));
    await streamsClosed;
  };

  return {
    port,
    httpOrigin,
    wsOrigin,
    database,
    hub,
    definitions,
    tokens,
    signIns,
    notifications,
    changes,
    records,
    db,
    pool,
    clock,
    logged,
    seed: (seedOptions = {}) => seed(pool, seedOptions),
    connect: async (path, connectOptions) => {
      const client = await connectStream(`${wsOrigin}${path}`, connectOptions);
      clients.push(client);
      return client;
    },
    post: async ({ path }, data) => {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(`${httpOrigin}${path}`, { method: "POST", headers, body: JSON.stringify(data) });
      const answer = (await response.json()) as { uniqueId?: string };
      if (response.status !== 201 || answer.uniqueId === undefined) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
      return answer.uniqueId;
    },
    tick: async () => {
      await definitions.checkRevisions();
      await tokens.checkRevisions();
      await signIns.check();
      await hub.poll();
      await streamRegistry.sync();
    },
    closeStreams,
    close: async () => {
      for (const client of clients) client.webSocket.terminate();
      await closeStreams(0);
      stopListening();
      link?.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await sandbox.close();
      await lanes.end().catch(() => undefined);
      await pool.end();
      await folder.remove();
      if (options.database === undefined) await database.drop();
    },
  };
}

function createListLog(logged: string[]): Log {
  const add =
    (level: string) =>
    (context: object, message: string): void => {
      const values = Object.values(context).map((value: unknown) => (value instanceof Error ? String(value.stack) : JSON.stringify(value)));
      logged.push(`${level} ${message} ${values.join(" ")}`);
    };
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error") };
}
