/** Creates the connection pools of a process, one for each purpose, so that no purpose can block another (E6). */
import os from "node:os";
import type pg from "pg";
import type { Log } from "@/src/core/log";
import { createPool } from "@/src/db/client";

export const CONNECTIONS_DEFAULT = 24;
const CONNECTIONS_MIN = 10;
/** Two for writes, and one each for reads, background and health. */
const WORKER_CONNECTIONS_MIN = 5;
/** The share of the connections for records that writes get. Reads benefit from many, because several results arrive in one tick. */
const WRITES_SHARE = 0.375;

/** The dashboard's statements are short. A longer one is cancelled. */
const MANAGEMENT_STATEMENT_MS = 15_000;
/** The health check must detect a database that does not respond. */
const HEALTH_TIMEOUT_MS = 2_000;
/** Searches have a lower priority than everything else on the same processors, including password hashes and filters of streams (10). */
const SEARCH_NICENESS = 15;

export interface Pools {
  /** Statements and transactions that lock an endpoint's or a user's row, and all other writes of the data plane. */
  writes: pg.Pool;
  /** Reads of the data plane and the streams. */
  reads: pg.Pool;
  /** The dashboard and the management API. */
  management: pg.Pool;
  /** Pages of the grid and of exports. Each may scan all records of an endpoint. */
  searches: pg.Pool;
  /** Periodic jobs. */
  background: pg.Pool;
  /** The health check. One connection. */
  health: pg.Pool;
  end(): Promise<void>;
}

/** The number of connections for each purpose. */
export type Shares = Readonly<Record<Exclude<keyof Pools, "end">, number>>;

/** The part of the server that a process serves: everything, only the endpoints and streams (a worker), or only the dashboard and the management API. */
export type Purpose = "all" | "data" | "dashboard";

/** Divides `connectionsMax` connections. The minimum is 10 for `all` and `dashboard`, and 5 for `data`. */
export function toShares(connectionsMax: number, purpose: Purpose = "all"): Shares {
  if (purpose === "data") {
    const rest = Math.max(WORKER_CONNECTIONS_MIN, connectionsMax) - 2;
    const writes = Math.max(2, Math.floor(rest * WRITES_SHARE));
    // A worker never uses the pools of the dashboard, so they open no connection.
    return { management: 1, searches: 1, background: 1, health: 1, writes, reads: rest - writes };
  }
  if (purpose === "dashboard") {
    const rest = Math.max(CONNECTIONS_MIN, connectionsMax) - 7;
    return { management: 3, searches: 2, background: 1, health: 1, writes: rest - 1, reads: 1 };
  }
  const total = Math.max(CONNECTIONS_MIN, connectionsMax);
  const few = total < 14;
  const rest = total - (few ? 5 : 8);
  const fixed = few ? { management: 2, searches: 1, background: 1, health: 1 } : { management: 3, searches: 2, background: 2, health: 1 };
  // The writes of an endpoint share one connection.
  const writes = Math.max(3, Math.floor(rest * WRITES_SHARE));
  return { ...fixed, writes, reads: rest - writes };
}

export interface PoolsOptions {
  /** `postgresql://…` */
  url: string;
  log: Log;
  /** In total. Default: 24. */
  connectionsMax?: number;
  /** Default: `all`. */
  purpose?: Purpose;
  /** This process runs the database on this machine, so it can lower the priority of searches. */
  isEmbedded?: boolean;
  /** Default: 5000. */
  connectTimeoutMs?: number;
  /** Default: 3000. */
  lockTimeoutMs?: number;
}

/** The first query opens the first connection. The caller must call `end()`. */
export function createPools({ connectionsMax = CONNECTIONS_DEFAULT, purpose, isEmbedded = false, ...options }: PoolsOptions): Pools {
  const shares = toShares(connectionsMax, purpose);
  const pools = {
    writes: createPool({ ...options, name: "writes", max: shares.writes }),
    reads: createPool({ ...options, name: "reads", max: shares.reads }),
    management: createPool({ ...options, name: "management", max: shares.management, statementTimeoutMs: MANAGEMENT_STATEMENT_MS }),
    searches: createPool({
      ...options,
      name: "searches",
      max: shares.searches,
      ...(isEmbedded ? { onBackend: lowerPriority } : {}),
    }),
    background: createPool({ ...options, name: "background", max: shares.background }),
    health: createPool({
      ...options,
      name: "health",
      max: shares.health,
      connectTimeoutMs: Math.min(HEALTH_TIMEOUT_MS, options.connectTimeoutMs ?? HEALTH_TIMEOUT_MS),
      queryTimeoutMs: HEALTH_TIMEOUT_MS,
    }),
  };
  return {
    ...pools,
    end: async () => {
      await Promise.all(Object.values(pools).map((pool) => pool.end()));
    },
  };
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, SEARCH_NICENESS);
  } catch {
    // Not permitted, because PostgreSQL may run as another user. The number of searches is limited anyway.
  }
}
