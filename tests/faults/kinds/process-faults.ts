/** Faults that end a process: a node, PostgreSQL, Redis. */

import { isRedisInstalled } from "../deployment/redis-process";
import { type Fault, SMALL_LOAD } from "../fault";

/** The writes that are acknowledged while a process is down. */
const WRITES_MEANWHILE = 20;

export const killNode: Fault = {
  name: "kill-node",
  title: "`kill -9` of a node, which is started again",
  needs: {},
  load: SMALL_LOAD,
  writesAround: 60,
  inject: async ({ deployment, run, acknowledged }) => {
    const node = deployment.nodes[run % 2 === 0 ? 0 : 1];
    const endedAt = performance.now();
    await node.kill();
    // The other node continues.
    await acknowledged(WRITES_MEANWHILE);
    await node.start();
    return { endedAt };
  },
};

export const stopPostgres: Fault = {
  name: "restart-postgres",
  title: "restart of PostgreSQL (fast shutdown)",
  needs: {},
  load: SMALL_LOAD,
  writesAround: 60,
  inject: async ({ deployment }) => {
    const endedAt = performance.now();
    await deployment.postgres.restart("SIGINT");
    return { endedAt };
  },
};

export const killPostgres: Fault = {
  ...stopPostgres,
  name: "kill-postgres",
  title: "`kill -9` of PostgreSQL, which recovers",
  inject: async ({ deployment }) => {
    const endedAt = performance.now();
    await deployment.postgres.restart("SIGKILL");
    return { endedAt };
  },
};

export const killRedis: Fault = {
  name: "kill-redis",
  title: "`kill -9` of Redis, which is started again",
  needs: {},
  redisOnly: true,
  obstacle: () => (isRedisInstalled() ? undefined : "redis-server is not installed"),
  load: SMALL_LOAD,
  writesAround: 60,
  inject: async ({ deployment: { redis }, acknowledged }) => {
    const endedAt = performance.now();
    await redis?.kill();
    await acknowledged(WRITES_MEANWHILE);
    await redis?.start();
    return { endedAt };
  },
};
