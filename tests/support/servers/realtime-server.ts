/** One node with data plane and realtime plane over real sockets and a real database. */
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import pg from "pg";
import type { Tokens } from "@/src/core/access/access-tokens";
import type { RecordJudges } from "@/src/core/access/record-judge";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import type { RecordStore } from "@/src/core/records/ports";
import type { ChangeLog, ChangeNotifications } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import type { Hub } from "@/src/realtime/hub/hub";
import type { StreamLimitsConfig } from "@/src/realtime/hub/stream-limits";
import { type ConnectOptions, connectStream, type StreamClient } from "../clients/stream-client";
import { ACCESS_TOKEN_TTL_MS, type Seed, type SeedOptions, seed } from "./data-server";
import type { TestDatabase } from "./database";
import { createListLog, startTestNode, UNLIMITED } from "./test-node";

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
  /** Stores a record over HTTP and returns its uniqueId. */
  post(seed: Seed, data: unknown): Promise<string>;
  /** Does what the scheduler does each second. */
  tick(): Promise<void>;
  /** Stores what was counted and logged, and reads which projects are recorded. */
  storeTraffic(): Promise<void>;
  sweepTraffic(): Promise<void>;
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
  /** Connects the node to the cluster bus. `channel`: that of its deployment. */
  redis?: { url: string; channel: string };
  /** Reaches the database through another address, which a test may cut. */
  via?: { host: string; port: number };
  tls?: { cert: string; key: string };
  queueBytesMax?: number;
  /** For one expression. */
  sandboxTimeoutMs?: number;
  /** Default: by the stored rules. */
  judges?: RecordJudges;
  pingIntervalMs?: number;
  pongTimeoutMs?: number;
}

export async function createRealtimeServer(options: RealtimeServerOptions = {}): Promise<RealtimeServer> {
  const { queueBytesMax = 1_048_576, pingIntervalMs = 25_000, pongTimeoutMs = 10_000, tls } = options;
  const logged: string[] = [];
  const clock = { at: new Date() };
  const testNode = await startTestNode({
    config: {
      ...UNLIMITED,
      ...{ queueBytesMax, pingIntervalMs, pongTimeoutMs },
      bodyTimeoutMs: 10_000,
      uploadTimeoutMs: 10_000,
      accessTokenTtlMs: ACCESS_TOKEN_TTL_MS,
      rateLimit: options.rateLimit ?? 0,
      streams: { total: 0, perAccount: 0, perKey: 0, perAddress: 0, ...options.streams },
      sandboxTimeoutMs: options.sandboxTimeoutMs ?? 5_000,
    },
    ...{ database: options.database, via: options.via, cluster: options.redis, judges: options.judges },
    clock: { now: () => clock.at },
    now: () => clock.at.getTime(),
    log: createListLog(logged),
  });
  const { node, database, notifications } = testNode;
  const { db, definitions, tokens, signIns, changes, records, hub } = node.runtime;
  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse) => node.dataPlane(request, response);
  const server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest);
  server.on("upgrade", node.upgrade);
  server.on("checkContinue", (request, response) => node.dataPlane(request, response, { awaitsContinue: true }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const httpOrigin = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const wsOrigin = `${tls ? "wss" : "ws"}://127.0.0.1:${port}`;
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  const clients: StreamClient[] = [];
  let streamsClosed: Promise<void> | undefined;
  const closeStreams = async (graceMs?: number) => {
    streamsClosed ??= node.closeStreams(graceMs);
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
      await node.userData.check();
      await hub.poll();
      await node.streamRegistry.sync();
    },
    storeTraffic: async () => {
      await node.trafficJobs.flush();
      await node.trafficJobs.syncRequests();
    },
    sweepTraffic: () => node.trafficJobs.sweep(),
    closeStreams,
    close: async () => {
      for (const client of clients) client.webSocket.terminate();
      await closeStreams(0);
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await pool.end();
      await testNode.close();
    },
  };
}
