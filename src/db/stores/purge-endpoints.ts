/** Deletes the rows of deleted endpoints in small batches, so that other work is never delayed by their size or number (G18). */
import { setTimeout as delay } from "node:timers/promises";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";

/** The rows of each table in one batch. Adapted to how long batches take, because records may be large and disks slow. */
const BATCH_MIN = 10;
const BATCH_START = 500;
const BATCH_MAX = 5_000;
/** The target duration of a batch, which holds locks, dead rows and a snapshot. */
const BATCH_MS = 50;
/** How many endpoints are purged round robin, oldest first. */
const ENDPOINTS_MAX = 100;

const FIND = nameStatement(
  "rested_find_deleted_endpoints",
  `SELECT id::text AS id FROM "Endpoint" WHERE "projectId" IS NULL ORDER BY id LIMIT $1::int`,
);

const PURGE = nameStatement(
  "rested_purge_endpoint",
  `SELECT state, next_after::text AS "nextAfter" FROM purge_endpoint($1::uuid, $2::bigint, $3::int)`,
);

type Batch = { state: "more"; nextAfter: string } | { state: "left" | "gone" | "busy" };

export interface EndpointPurge {
  /**
   * Deletes until nothing is left, or what is left cannot be deleted now (another server is doing it, or rows are locked). Pauses after each batch
   * for as long as it took. Each batch is a separate transaction: after a crash the next run continues. Returns false if nothing was deleted.
   */
  run(): Promise<boolean>;
  /** Makes the current and all later calls of `run` return after the batch in progress. */
  stop(): void;
}

/** Uses one connection at a time. Any number of servers may run it: only one batch runs at a time among all of them. */
export function createEndpointPurge({ db }: { db: Pick<RawStatements, "$queryRawUnsafe"> }): EndpointPurge {
  let limit = BATCH_START;
  const stopping = new AbortController();

  async function runBatch(endpointId: string, after: string): Promise<Batch> {
    const startedAt = performance.now();
    const [batch] = await db.$queryRawUnsafe<Batch[]>(PURGE, endpointId, after, limit);
    const ms = performance.now() - startedAt;
    if (ms < BATCH_MS / 2) limit = Math.min(BATCH_MAX, limit * 2);
    else if (ms > BATCH_MS * 2) limit = Math.max(BATCH_MIN, Math.ceil(limit / 2));
    if (batch?.state === "more") await delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
    return batch ?? { state: "gone" };
  }

  /** Deletes one batch of each endpoint. Returns false if there is nothing to do for now. */
  async function runRound(positions: Map<string, string>): Promise<boolean> {
    const endpoints = await db.$queryRawUnsafe<{ id: string }[]>(FIND, ENDPOINTS_MAX);
    let deleted = false;
    for (const { id } of endpoints) {
      if (stopping.signal.aborted) return false;
      const batch = await runBatch(id, positions.get(id) ?? "0");
      if (batch.state === "busy") return false;
      if (batch.state === "more") positions.set(id, batch.nextAfter);
      else positions.delete(id);
      if (batch.state !== "left") deleted = true;
    }
    return deleted;
  }

  return {
    async run() {
      const positions = new Map<string, string>();
      let rounds = 0;
      while (!stopping.signal.aborted && (await runRound(positions))) rounds += 1;
      return rounds > 0;
    },
    stop: () => stopping.abort(),
  };
}
