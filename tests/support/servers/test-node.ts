/** One node as the server composes it, on a database and in a folder of its own. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type Config, parseConfig } from "@/src/config/config";
import type { Clock } from "@/src/core/clock";
import type { Files } from "@/src/core/files/files";
import type { Log } from "@/src/core/log";
import type { ChangeNotifications } from "@/src/core/streams/ports";
import { createPasswordHasher, type PasswordHasher } from "@/src/core/users/password-hasher";
import { createLanes, type Lanes } from "@/src/db/lanes";
import { createProcessRateLimiter } from "@/src/limits/rate-limiter";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createCleanup } from "@/src/runtime/cleanup";
import { composeNode, type Node, type NodeOptions } from "@/src/runtime/compose";
import { createDiskStorage } from "@/src/storage/disk";
import { listFiles } from "../list-files";
import { createTestDatabase, type TestDatabase } from "./database";

/** Where the files of records are. */
export interface FilesFolder {
  files: Files;
  dir: string;
  /** The names of the files in it, partial ones included. */
  list(): Promise<string[]>;
}

export interface TestNode {
  node: Node;
  lanes: Lanes;
  database: TestDatabase;
  notifications: ChangeNotifications;
  folder: FilesFolder;
  config: Config;
  /** Closes the node and its connections, and removes its folder, and its database unless it was given. */
  close(): Promise<void>;
}

export interface TestNodeOptions extends Pick<NodeOptions, "cluster" | "drain" | "judges" | "now" | "mail"> {
  clock: Clock;
  log: Log;
  config?: Partial<Config>;
  /** Default: a new one. */
  database?: TestDatabase | undefined;
  /** Connects to the database through another address, which a test may cut. */
  via?: { host: string; port: number } | undefined;
  /** How long a statement waits for a lock, and a writer for its turn. */
  waits?: { lockTimeoutMs: number; writeWaitMsMax: number } | undefined;
  passwords?: PasswordHasher | undefined;
  memoryBytes?: number | undefined;
}

/** For planes under test: no limits of rates, quotas and numbers of streams. */
export const UNLIMITED: Partial<Config> = {
  rateLimit: 0,
  registrationsPerMinute: 0,
  smtpRates: { total: 0, perAccount: 0 },
  quotas: { records: 0, recordBytes: 0, fileBytes: 0, users: 0, endpoints: 0, answerBytes: 0, projects: 0 },
  streams: { total: 0, perAccount: 0, perKey: 0, perAddress: 0 },
  queuesBytesMax: 1024 ** 3,
};

/** Many tests run at once: sandboxes have more time. */
const SANDBOX: Partial<Config> = { sandboxTimeoutMs: 5_000, sandboxMemoryBytesMax: 64 * 1024 * 1024, sandboxCpuMsPerMinute: 0 };

export async function startTestNode(options: TestNodeOptions): Promise<TestNode> {
  const {
    clock,
    log,
    now,
    cluster,
    drain,
    judges,
    mail,
    via,
    waits,
    passwords = createPasswordHasher(),
    memoryBytes = 1024 ** 3,
  } = options;
  const cleanup = createCleanup();
  const database = options.database ?? (await createTestDatabase());
  if (!options.database) cleanup.add(() => database.drop());
  const dataDir = await mkdtemp(path.join(os.tmpdir(), "rested-node-"));
  cleanup.add(() => rm(dataDir, { recursive: true, force: true }));
  // Mail servers of tests have free ports.
  const config: Config = { ...parseConfig({ NODE_ENV: "test" }), ...SANDBOX, smtpPorts: "any", ...options.config, dataDir };
  const url = new URL(database.url);
  if (via) url.host = `${via.host}:${via.port}`;
  const notifications = createProcessNotifications({ log });
  const lanes = createLanes({ url: url.href, notifications, log, ...waits });
  // A connection that the test has cut cannot be ended.
  cleanup.add(() => lanes.end().catch(() => undefined));
  const dir = path.join(dataDir, "files");
  await mkdir(dir);
  const node = composeNode({
    config,
    lanes,
    notifications,
    storage: createDiskStorage({ dir }),
    limiter: createProcessRateLimiter(now ? { now } : {}),
    passwords,
    secret: "a-secret-of-tests-that-has-forty-three-chars",
    cluster,
    judges,
    memoryBytes,
    clock,
    ...(now ? { now } : {}),
    ...(drain ? { drain } : {}),
    mail,
    log,
    cleanup,
  });
  cleanup.add(() => node.closeStreams(0));
  const folder = { files: node.runtime.files, dir, list: () => listFiles(dir) };
  return { node, lanes, database, notifications, folder, config, close: cleanup.run };
}

/** Appends each entry to `logged`, as text. */
export function createListLog(logged: string[]): Log {
  const add =
    (level: string) =>
    (context: object, message: string): void => {
      const values = Object.values(context).map((value: unknown) => (value instanceof Error ? String(value.stack) : JSON.stringify(value)));
      logged.push(`${level} ${message} ${values.join(" ")}`);
    };
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error") };
}
