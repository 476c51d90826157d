/** The connections of a process, by purpose: each purpose has a pool that nothing else can take, so that each always gets its turn (E6). */
import os from "node:os";
import type pg from "pg";
import type { Log } from "@/src/core/log";
import { createPool } from "@/src/db/client";

export const CONNECTIONS_DEFAULT = 24;
const CONNECTIONS_MIN = 10;

/** The dashboard's statements are short; a longer one is stopped. */
const MANAGEMENT_STATEMENT_MS = 15_000;
/** Whoever asks for the server's health must hear of a database that hangs. */
const HEALTH_TIMEOUT_MS = 2_000;
/** Searches in records yield to everything else on the same processors, password hashes and filters of streams (10) included. */
const SEARCH_NICENESS = 15;

export interface Pools {
  /** Statements and transactions that take the lock of an endpoint's or a user's row, and what else the data plane writes. */
  writes: pg.Pool;
  /** What the data plane and the streams read. */
  reads: pg.Pool;
  /** The dashboard and the management API. */
  management: pg.Pool;
  /** Pages of the grid and of exports: any of them may look through all records of an endpoint. */
  searches: pg.Pool;
  /** Periodic jobs. */
  background: pg.Pool;
  /** One connection. */
  health: pg.Pool;
  end(): Promise<void>;
}

/** How many connections each purpose has. */
export type Shares = Readonly<Record<Exclude<keyof Pools, "end">, number>>;

/** Divides `connectionsMax` connections; fewer than 10 count as 10. */
export function toShares(connectionsMax: number): Shares {
  const total = Math.max(CONNECTIONS_MIN, connectionsMax);
  const few = total < 14;
  const rest = total - (few ? 5 : 8);
  const fixed = few ? { management: 2, searches: 1, background: 1, health: 1 } : { management: 3, searches: 2, background: 2, health: 1 };
  // Reads gain from many connections, since several answers come in one turn of the event loop; the writes of an endpoint share one.
  const writes = Math.max(3, Math.floor(rest * 0.375));
  return { ...fixed, writes, reads: rest - writes };
}

export interface PoolsOptions {
  /** `postgresql://…` */
  url: string;
  log: Log;
  /** In all; default 24. */
  connectionsMax?: number;
  /** The database runs on this machine, started by this process: its searches get a lower priority. */
  isEmbedded?: boolean;
  /** Default 5000. */
  connectTimeoutMs?: number;
  /** Default 3000. */
  lockTimeoutMs?: number;
}

/** Opens no connection before the first query. The caller ends them. */
export function createPools({ connectionsMax = CONNECTIONS_DEFAULT, isEmbedded = false, ...options }: PoolsOptions): Pools {
  const shares = toShares(connectionsMax);
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
    // Not allowed to: PostgreSQL may run as another user. The number of searches is bounded all the same.
  }
}
