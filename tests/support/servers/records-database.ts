/** A database with the real client, and what tests of records need: endpoints, the log, the notifications, and a check that all agree. */
import pg from "pg";
import { expect } from "vitest";
import type { Log } from "@/src/core/log";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { ChangeNotification } from "@/src/core/streams/ports";
import { createDb, createPool, type Db } from "@/src/db/client";
import { createEndpointQueue, type EndpointQueue } from "@/src/db/records/endpoint-queue";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";

/** A short form of a log entry. `data` is text. */
export interface LogEntry {
  seq: number;
  type: string;
  id: string;
  data: string;
  version: number;
}

export interface RecordsDatabase {
  database: TestDatabase;
  pool: pg.Pool;
  db: Db;
  /** The queue of the writers on `db`. */
  queue: EndpointQueue;
  /** The notifications since the last call. */
  takeNotifications(): ChangeNotification[];
  createEndpoint(): Promise<{ id: string; projectId: string; userId: string }>;
  readLog(endpointId: string): Promise<LogEntry[]>;
  /** Expects numbers without holes, and that the log, replayed, gives the records as they are. Returns the log. */
  expectSound(endpointId: string): Promise<LogEntry[]>;
  close(): Promise<void>;
}

const quiet: Log = { debug() {}, info() {}, warn() {}, error: (context, message) => console.error(message, context) };

/** `serverDefaults`: settings of the database that the code must not depend on. */
export async function createRecordsDatabase(
  options: {
    max?: number;
    connectTimeoutMs?: number;
    idleInTransactionMs?: number;
    lockTimeoutMs?: number;
    via?: { host: string; port: number };
    serverDefaults?: string[];
  } = {},
): Promise<RecordsDatabase> {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  // Not the client's own connections: they see what is committed.
  const observer = new pg.Pool({ connectionString: url.href, max: 1 });
  observer.on("error", () => undefined);
  for (const setting of options.serverDefaults ?? []) await database.set(setting);
  if (options.via) url.host = `${options.via.host}:${options.via.port}`;
  const { max, connectTimeoutMs, idleInTransactionMs, lockTimeoutMs } = options;
  const pool = createPool({
    url: url.href,
    log: quiet,
    ...(max === undefined ? {} : { max }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(idleInTransactionMs === undefined ? {} : { idleInTransactionMs }),
    ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
  });
  const notifications = createProcessNotifications({ log: quiet });
  let heard: ChangeNotification[] = [];
  notifications.subscribe((notification) => heard.push(notification));
  const db = createDb({ pool, notifications, log: quiet });

  async function readLog(endpointId: string): Promise<LogEntry[]> {
    const { rows } = await observer.query<Omit<LogEntry, "seq"> & { seq: string }>(
      `SELECT seq, type, replace("recordId"::text, '-', '') AS id, data::text AS data, version FROM "Change" WHERE "endpointId" = $1 ORDER BY seq`,
      [endpointId],
    );
    return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
  }

  return {
    database,
    pool,
    db,
    queue: createEndpointQueue(),
    takeNotifications() {
      const taken = heard;
      heard = [];
      return taken;
    },
    async createEndpoint() {
      const suffix = createUniqueId();
      const user = await db.user.create({ data: { email: `${suffix}@example.org`, name: "Someone" } });
      const project = await db.project.create({ data: { name: "a project", ownerId: user.id } });
      const endpoint = await db.endpoint.create({ data: { name: `an/endpoint/${suffix}`, projectId: project.id } });
      return { id: endpoint.id, projectId: project.id, userId: user.id };
    },
    readLog,
    async expectSound(endpointId) {
      const log = await readLog(endpointId);
      expect(log.map((entry) => entry.seq)).toEqual(log.map((_, index) => index + 1));
      const { rows } = await observer.query<{ seq: string }>(`SELECT seq FROM "Endpoint" WHERE id = $1`, [endpointId]);
      expect(rows).toEqual([{ seq: String(log.length) }]);
      expect(replay(log)).toEqual(await readState(observer, endpointId));
      return log;
    },
    async close() {
      await db.$disconnect();
      await pool.end();
      await observer.end();
      await database.drop();
    },
  };
}

interface RecordState {
  id: string;
  data: string;
  version: number;
  /** Of the change that created it. */
  seq: number;
}

/** The records that result from the log, in creation order. */
function replay(log: readonly LogEntry[]): RecordState[] {
  const records = new Map<string, RecordState>();
  for (const { seq, type, id, data, version } of log) {
    const before = records.get(id);
    expect([type, version]).toEqual(before ? [type === "POST" ? "not POST" : type, version] : ["POST", 1]);
    if (type === "DELETE") {
      expect({ data, version }).toEqual({ data: before?.data, version: before?.version });
      records.delete(id);
    } else {
      if (before) expect(version).toBe(before.version + 1);
      records.set(id, { id, data, version, seq: before?.seq ?? seq });
    }
  }
  return [...records.values()].sort((a, b) => a.seq - b.seq);
}

async function readState(observer: pg.Pool, endpointId: string): Promise<RecordState[]> {
  const { rows } = await observer.query<Omit<RecordState, "seq"> & { seq: string }>(
    `SELECT replace(id::text, '-', '') AS id, data::text AS data, version, seq FROM "Record" WHERE "endpointId" = $1 ORDER BY seq`,
    [endpointId],
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}
