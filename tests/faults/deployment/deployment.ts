/** Two nodes on one PostgreSQL, with or without Redis. Each is a separate process that a fault can break. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Cleanup, createCleanup } from "@/src/runtime/cleanup";
import { createSmallDisk, type SmallDisk } from "../kinds/small-disk";
import { createLink, type Link } from "./link";
import { createNodeProcess, type NodeProcess } from "./node-process";
import { type PostgresProcess, startPostgresProcess } from "./postgres-process";
import { createRedisProcess, type RedisProcess } from "./redis-process";
import { createWorld, type World } from "./world";

/** The parts that a fault needs besides two nodes and PostgreSQL. */
export interface DeploymentNeeds {
  /** The second node is behind a link that can lose packets. */
  link?: true;
  /** The data folder is on a separate disk that can be full. */
  smallDisk?: true;
}

export interface DeployedNode extends NodeProcess {
  /** `http://host:port`, as clients reach it. */
  origin: string;
}

export interface Deployment {
  nodes: readonly [DeployedNode, DeployedNode];
  postgres: PostgresProcess;
  redis: RedisProcess | undefined;
  link: Link | undefined;
  disk: SmallDisk | undefined;
  world: World;
  /** The secret that the nodes share. */
  secret: string;
  /** The ends of the logs of the nodes and PostgreSQL. */
  logTail(): string;
  dispose(): Promise<void>;
}

const LOG_TAIL_CHARACTERS = 3_000;
const DIRECT = { prefix: [] as readonly string[], host: "127.0.0.1" };

/** Starts everything. `script`: the bundled node.ts. `runs`: the number of runs to create endpoints for. Cleans up if it fails. */
export async function startDeployment(options: {
  script: string;
  runs: number;
  withRedis: boolean;
  needs: DeploymentNeeds;
}): Promise<Deployment> {
  const cleanup = createCleanup();
  try {
    return await start(options, cleanup);
  } catch (error) {
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

async function start(options: Parameters<typeof startDeployment>[0], cleanup: Cleanup): Promise<Deployment> {
  const { script, runs, withRedis, needs } = options;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-faults-"));
  cleanup.add(() => fs.rmSync(dir, { recursive: true, force: true }));
  const dataDir = path.join(dir, "data");
  fs.mkdirSync(dataDir);
  const disk = needs.smallDisk && createSmallDisk(dataDir);
  if (disk) cleanup.add(disk.close);
  const postgres = await startPostgresProcess(dataDir);
  cleanup.add(postgres.stop);
  const redis = withRedis ? await createRedisProcess() : undefined;
  if (redis) {
    cleanup.add(redis.kill);
    await redis.start();
  }
  const link = needs.link && (await createLink());
  if (link) cleanup.add(link.close);

  const secret = randomBytes(32).toString("base64");
  const startNode = async (name: string, place: Link | undefined): Promise<DeployedNode> => {
    const reach = place?.toThisSide ?? (async (server) => server);
    const database = new URL(postgres.url);
    const reached = await reach(postgres);
    database.host = `${reached.host}:${reached.port}`;
    const cache = redis && (await reach(redis));
    const node = createNodeProcess({
      ...(place ?? DIRECT),
      script,
      logFile: path.join(dir, `${name}.log`),
      env: toEnvironment({ dataDir, secret, databaseUrl: database.href, redisUrl: cache && `redis://${cache.host}:${cache.port}` }),
    });
    cleanup.add(node.kill);
    await node.start();
    const { host, port } = await (place?.toFarSide({ host: place.host, port: node.port }) ?? { host: DIRECT.host, port: node.port });
    return Object.assign(node, { origin: `http://${host}:${port}` });
  };
  const nodes = [await startNode("node-1", undefined), await startNode("node-2", link)] as const;
  return {
    nodes,
    postgres,
    redis,
    link,
    disk,
    secret,
    world: await createWorld({ pool: postgres.pool, origin: nodes[0].origin, runs }),
    logTail: () => ["node-1.log", "node-2.log", "data/postgres.log"].map((file) => readTail(dir, file)).join(""),
    dispose: cleanup.run,
  };
}

/** The nodes do not inherit the settings of the person who runs the suite. */
function toEnvironment(node: {
  dataDir: string;
  secret: string;
  databaseUrl: string;
  redisUrl: string | undefined;
}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    RESTED_LOG_LEVEL: "warn",
    RESTED_DATA_DIR: node.dataDir,
    RESTED_SECRET: node.secret,
    DATABASE_URL: node.databaseUrl,
    // Unreachable limits: requests are counted, in Redis if there is one, but none is refused.
    RESTED_RATE_LIMIT: "1000000000",
    // All clients of the suite come from one address.
    RESTED_STREAMS_PER_ADDRESS_MAX: "0",
    // The mail server and the receiver of webhooks are on this machine.
    RESTED_OUTBOUND_ALLOWED: "127.0.0.1",
    RESTED_SMTP_PORTS: "any",
    RESTED_WEBHOOK_HTTP: "1",
    ...(node.redisUrl === undefined ? {} : { REDIS_URL: node.redisUrl }),
  };
}

function readTail(dir: string, file: string): string {
  const name = path.join(dir, file);
  return fs.existsSync(name) ? `── ${file}\n${fs.readFileSync(name, "utf8").slice(-LOG_TAIL_CHARACTERS)}\n` : "";
}
