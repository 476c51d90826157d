/** The data plane over a real socket and a real database, for contract tests. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import type { Config } from "@/src/config/config";
import type { Tokens } from "@/src/core/access/access-tokens";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { HeldBytes } from "@/src/core/limits/held-bytes";
import type { Change } from "@/src/core/records/ports";
import type { SecretBox } from "@/src/core/secrets/secret-box";
import type { EmailQueue } from "@/src/core/users/email-queue";
import type { PasswordHasher } from "@/src/core/users/password-hasher";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import type { Lanes } from "@/src/db/lanes";
import { createHttpLimits } from "@/src/http/limits";
import { createClientErrorHandler } from "@/src/http/server/client-error";
import type { SlowClients } from "@/src/http/server/slow-clients";
import type { MailOptions } from "@/src/runtime/node/mail";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import type { TestDatabase } from "./database";
import { createListLog, type FilesFolder, startTestNode, UNLIMITED } from "./test-node";

/** A project with one key and one endpoint. */
export interface Seed {
  projectId: string;
  endpointId: string;
  endpointName: string;
  keyId: string;
  key: string;
  /** Path and query, with the key. */
  path: string;
}

export interface SeedOptions {
  endpointName?: string;
  kind?: EndpointKind;
  secure?: boolean;
  scope?: "read" | "write" | "read_write";
  expiresAt?: Date;
  revokedAt?: Date;
  allowedOrigins?: string[];
  allowNullOrigin?: boolean;
  disallowNoOrigin?: boolean;
  masterKey?: string;
}

export interface DataServer {
  port: number;
  /** `http://127.0.0.1:<port>` */
  origin: string;
  definitions: Definitions;
  tokens: Tokens;
  users: Users;
  emailQueue: EmailQueue;
  database: TestDatabase;
  lanes: Lanes;
  /** Where its files are. */
  folder: FilesFolder;
  /** To look into the database, and to change it behind the server's back. */
  pool: pg.Pool;
  db: Db;
  /** The time that the server sees; set it to move it. */
  clock: { at: Date };
  held: HeldBytes;
  /** Sends the mails that are due. */
  sendMails(): Promise<void>;
  /** Encrypts as this server does. */
  box: SecretBox;
  /** Swept by tests, in their own time. */
  slowClients: SlowClients;
  /** The log entries, as text. */
  logged: string[];
  /** The changes that subscribers would have received. */
  published: Change[];
  seed(options?: SeedOptions): Promise<Seed>;
  /** How much an endpoint holds: what a refused request must not change. */
  count(seed: Seed): Promise<{ records: number; changes: number }>;
  close(): Promise<void>;
}

/** Of access tokens: seven days, as by default. */
export const ACCESS_TOKEN_TTL_MS = 7 * 24 * 60 * 60 * 1000;

export interface DataServerOptions {
  /** Headers of every response, names and values in turn. */
  headers?: readonly string[];
  bodyBytesMax?: number;
  bodyTimeoutMs?: number;
  headersTimeoutMs?: number;
  drainMs?: number;
  /** Requests a minute; default 0: no limit. */
  rateLimit?: number;
  /** By address and endpoint; default 0: no limit. */
  registrationsPerMinute?: number;
  /** Default: one of its own. */
  passwords?: PasswordHasher;
  sandboxTimeoutMs?: number;
  /** Default: no budget. */
  sandboxCpuMsPerMinute?: number;
  /** Default: bodyTimeoutMs. */
  uploadTimeoutMs?: number;
  /** Quota of each project; default 0: no limit. */
  fileBytesMax?: number;
  /** The total of the budgets for held bytes; default 1 GiB. */
  memoryBytes?: number;
  /** Reaches the database through another address, which a test may cut. */
  via?: { host: string; port: number };
  /** Another server of the same deployment: they share nothing but this. */
  database?: TestDatabase;
  /** The mail server of the deployment. */
  smtp?: Config["smtp"];
  /** Recipients a minute through it; default: no limit. */
  smtpRates?: Config["smtpRates"];
  mail?: MailOptions;
  /** How long a statement waits for a lock, and a writer for its turn. */
  waits?: { lockTimeoutMs: number; writeWaitMsMax: number };
}

export async function createDataServer(options: DataServerOptions = {}): Promise<DataServer> {
  const { bodyTimeoutMs = 10_000, uploadTimeoutMs = bodyTimeoutMs, headersTimeoutMs = 10_000, drainMs = 5_000 } = options;
  const { database, via, waits, passwords, memoryBytes, mail, smtp } = options;
  const logged: string[] = [];
  const log = createListLog(logged);
  const clock = { at: new Date() };
  const testNode = await startTestNode({
    config: {
      ...UNLIMITED,
      bodyBytesMax: options.bodyBytesMax ?? 1024 * 1024,
      ...(smtp ? { smtp } : {}),
      ...(options.smtpRates ? { smtpRates: options.smtpRates } : {}),
      outboundAllowed: ["127.0.0.0/8"],
      ...{ bodyTimeoutMs, uploadTimeoutMs, headersTimeoutMs },
      accessTokenTtlMs: ACCESS_TOKEN_TTL_MS,
      rateLimit: options.rateLimit ?? 0,
      registrationsPerMinute: options.registrationsPerMinute ?? 0,
      quotas: { records: 0, recordBytes: 0, fileBytes: options.fileBytesMax ?? 0, users: 0, endpoints: 0, answerBytes: 0, projects: 0 },
      sandboxTimeoutMs: options.sandboxTimeoutMs ?? 5_000,
      sandboxCpuMsPerMinute: options.sandboxCpuMsPerMinute ?? 0,
    },
    ...{ database, via, waits, passwords, memoryBytes, mail, log },
    clock: { now: () => clock.at },
    now: () => clock.at.getTime(),
    drain: { drainMs },
  });
  const { node, lanes, folder, notifications, config } = testNode;
  const { db, definitions, tokens, users, emailQueue, held } = node.runtime;
  const { dataPlane: handle, slowClients } = node;
  const published: Change[] = [];
  notifications.subscribe((notification) => {
    if (notification.kind === "changes") published.push(...notification.changes);
  });
  const server = http.createServer({ ...createHttpLimits(config), connectionsCheckingInterval: 50 }, (request, response) => {
    slowClients.watchAnswer(request, response);
    handle(request, response, { headers: options.headers ?? [] });
  });
  server.on("checkContinue", (request, response) => handle(request, response, { awaitsContinue: true }));
  server.on("clientError", createClientErrorHandler({ log }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const pool = new pg.Pool({ connectionString: testNode.database.url, max: 2 });
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    definitions,
    tokens,
    users,
    emailQueue,
    database: testNode.database,
    lanes,
    folder,
    pool,
    db,
    clock,
    held,
    sendMails: () => node.mail.delivery.poll(),
    box: node.mail.box,
    slowClients,
    logged,
    published,
    seed: (seedOptions = {}) => seed(pool, seedOptions),
    count: async ({ endpointId }) => {
      const { rows } = await pool.query<{ records: number; changes: number }>(
        `SELECT (SELECT count(*)::int FROM "Record" WHERE "endpointId" = $1) AS records, (SELECT count(*)::int FROM "Change" WHERE "endpointId" = $1) AS changes`,
        [endpointId],
      );
      return rows[0] ?? { records: -1, changes: -1 };
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await pool.end();
      await testNode.close();
    },
  };
}

export async function seed(pool: pg.Pool, options: SeedOptions): Promise<Seed> {
  const {
    endpointName = "things/of-test",
    kind = "data",
    secure = false,
    scope = "read_write",
    allowedOrigins = [],
    allowNullOrigin = false,
    disallowNoOrigin = false,
  } = options;
  const key = randomBytes(16).toString("hex");
  const masterKeyHash = options.masterKey === undefined ? null : createHash("sha256").update(options.masterKey).digest();
  const { rows } = await pool.query<{ projectId: string; endpointId: string; keyId: string }>(
    `WITH u AS (INSERT INTO "User" ("id", "email", "name") VALUES (gen_random_uuid(), $1, 'Test') RETURNING "id"),
          p AS (INSERT INTO "Project" ("id", "ownerId", "name", "allowedOrigins", "disallowNoOrigin", "masterKeyHash", "allowNullOrigin")
                SELECT gen_random_uuid(), u."id", 'Test project', $2::text[], $3, $4, $12 FROM u RETURNING "id"),
          k AS (INSERT INTO "ApiKey" ("id", "projectId", "name", "key", "scope", "expiresAt", "revokedAt")
                SELECT gen_random_uuid(), p."id", 'Test key', $5, $6::"KeyScope", $7, $8 FROM p RETURNING "id"),
          e AS (INSERT INTO "Endpoint" ("id", "projectId", "name", "secure", "kind") SELECT gen_random_uuid(), p."id", $9, $10, $11::"EndpointKind" FROM p RETURNING "id")
     SELECT p."id" AS "projectId", e."id" AS "endpointId", k."id" AS "keyId" FROM p, k, e`,
    [
      `${key}@example.com`,
      allowedOrigins,
      disallowNoOrigin,
      masterKeyHash,
      key,
      scope,
      options.expiresAt ?? null,
      options.revokedAt ?? null,
      endpointName,
      secure,
      kind,
      allowNullOrigin,
    ],
  );
  const [row] = rows;
  if (!row) throw new Error("The project could not be seeded.");
  return { ...row, endpointName, key, path: `/api/1/ce/${endpointName}?key=${key}` };
}
