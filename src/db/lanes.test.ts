import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Log } from "@/src/core/log";
import { createLanes, type Lanes } from "@/src/db/lanes";
import { toShares } from "@/src/db/pools";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { until } from "@/tests/support/until";

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

let database: TestDatabase;
let lanes: Lanes;
let observer: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  lanes = createLanes({ url: database.url, notifications: createProcessNotifications(), log, connectTimeoutMs: 2_000 });
  observer = new pg.Client({ connectionString: database.url });
  await observer.connect();
});
afterAll(async () => {
  await lanes.end();
  await observer.end();
  await database.drop();
});

/** The statements that are running on the connections of a purpose. */
async function countActive(purpose: string): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`,
    [`rested ${purpose}`],
  );
  return rows[0]?.count ?? -1;
}

/** Cancels everything that is running on the connections of a purpose. */
const cancel = (purpose: string) =>
  observer.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'", [
    `rested ${purpose}`,
  ]);

describe("toShares", () => {
  it.each([10, 13, 14, 24, 25, 100])("[E6] divides %i connections, at least one for each purpose", (total) => {
    const shares = Object.values(toShares(total));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
    expect(toShares(total).writes).toBeGreaterThanOrEqual(3);
  });
});

describe("createLanes", () => {
  it("[E6] every lane works while all connections of the others are in use", async () => {
    const { reads, background, db, writeDb, recordSearch, pools, isUp } = lanes;
    const ask: Record<string, () => Promise<unknown>> = {
      reads: async () => reads.$queryRawUnsafe("SELECT 1 AS one"),
      background: async () => background.$queryRawUnsafe("SELECT 1 AS one"),
      management: () => db.user.count(),
      writes: () => writeDb.user.count(),
      searches: () => recordSearch.run("ada", 5_000, (read) => read("SELECT 1 AS one", [])),
      health: isUp,
    };
    const { health: _, ...busy } = toShares(24);
    for (const [free, use] of Object.entries(ask)) {
      const taken = [];
      for (const [purpose, share] of Object.entries(busy)) {
        if (purpose === free) continue;
        const pool = Object.entries(pools).find(([name]) => name === purpose)?.[1];
        if (typeof pool !== "object") throw new Error(`There is no pool for ${purpose}.`);
        for (let n = 0; n < share; n += 1) taken.push(await pool.connect());
      }
      expect(await use(), free).not.toBe(false);
      for (const client of taken) client.release();
    }
  });

  it("[E6] reports a database that does not respond as down, with one query for all concurrent callers", async () => {
    const away = createLanes({ url: "postgresql://u:p@127.0.0.1:1/d", notifications: createProcessNotifications(), log });
    const [first, second] = [away.isUp(), away.isUp()];
    expect(first).toBe(second);
    expect(await first).toBe(false);
    await away.end();
  });

  it("[E6] leaves connections for other accounts beside a busy one", async () => {
    const sleep = () => lanes.db.$queryRaw`SELECT pg_sleep(60)::text`;
    const flood = Array.from({ length: 50 }, () => lanes.asAccount("eve", async () => sleep()).catch(() => "ended"));
    await until("her share of the connections to be taken", async () => (await countActive("management")) === 2);
    expect(await lanes.asAccount("ada", () => lanes.db.user.count())).toBe(0);
    expect(await countActive("management")).toBe(2);
    const refused = Array.from({ length: 201 }, () => lanes.asAccount("eve", async () => sleep()).catch((error: unknown) => error));
    expect(await Promise.race(refused)).toMatchObject({ code: "server_busy", retryAfterSeconds: 1 });
    let left = true;
    const ended = Promise.all([...flood, ...refused]).finally(() => {
      left = false;
    });
    await until("all to end", async () => {
      await cancel("management");
      return !left;
    });
    await ended;
  });

  it("[E6] searches leave no setting on their connection, which behind a pooler may serve writes next", async () => {
    const names = ["transaction_read_only", "max_parallel_workers_per_gather", "statement_timeout"];
    const columns = names.map((name) => `current_setting('${name}') AS "${name}"`).join(", ");
    const sql = `SELECT ${columns}, pg_backend_pid() AS pid`;
    const [during] = await lanes.recordSearch.run("ada", 5_000, (read) => read(sql, []));
    expect(during).toMatchObject({ transaction_read_only: "on", max_parallel_workers_per_gather: "0", statement_timeout: "5s" });
    const { rows } = await lanes.pools.searches.query(sql);
    const defaults = await observer.query(`SELECT ${columns}`);
    expect(rows).toEqual([{ ...defaults.rows[0], pid: during?.pid }]);
  });

  it("[E6] runs one search per account and two in total, and limits the queue", async () => {
    const search = (account: string) => lanes.recordSearch.run(account, 60_000, (read) => read("SELECT pg_sleep(60)::text", []));
    const flood = Array.from({ length: 100 }, () => search("eve").catch((error: unknown) => error));
    const refused = await Promise.race(flood);
    expect(refused).toMatchObject({ code: "server_busy", retryAfterSeconds: 2 });
    await until("one to run", async () => (await countActive("searches")) === 1);
    expect(await lanes.recordSearch.run("ada", 60_000, (read) => read("SELECT 1 AS one", []))).toEqual([{ one: 1 }]);
    expect(await countActive("searches")).toBe(1);
    let left = true;
    const ended = Promise.all(flood).finally(() => {
      left = false;
    });
    await until("all to end", async () => {
      await cancel("searches");
      return !left;
    });
    await ended;
    const late = lanes.recordSearch.run("ada", 1, (read) => read("SELECT pg_sleep(60)::text", []));
    await expect(late).rejects.toMatchObject({ code: "server_busy" });
    await expect(lanes.recordSearch.run("ada", 60_000, (read) => read(`DELETE FROM "Record"`, []))).rejects.toMatchObject({
      cause: { code: "25006" },
    });
  });

  it("[E6] leaves a connection for single reads while long and short lists use all of theirs", async () => {
    const ends: (() => void)[] = [];
    const read = () => new Promise<void>((resolve) => ends.push(resolve));
    const lists = [lanes.pageReads, lanes.listReads].flatMap((semaphore) => Array.from({ length: 20 }, () => semaphore.run(["eve"], read)));
    expect(lanes.pageReads.running + lanes.listReads.running).toBe(toShares(24).reads - 1);
    await until("all to be read", () => {
      for (const end of ends.splice(0)) end();
      return lanes.pageReads.running + lanes.listReads.running === 0;
    });
    await Promise.all(lists);
  });

  it.each(["pageReads", "listReads"] as const)("[E6] runs %s round robin by endpoint", async (kind) => {
    const semaphore = lanes[kind];
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const read = (name: string) => () =>
      new Promise<void>((resolve) => {
        begun.push(name);
        ends.push(resolve);
      });
    const flood = Array.from({ length: 20 }, () => semaphore.run(["eve"], read("eve")));
    const other = semaphore.run(["ada"], read("ada"));
    const running = semaphore.running;
    expect(running).toBeGreaterThanOrEqual(Math.floor((toShares(24).reads - 1) / 2));
    expect(semaphore.waiting).toBe(21 - running);
    // One for each of the two endpoints whose reads are running.
    ends.shift()?.();
    ends.shift()?.();
    await until("two more to begin", () => begun.length === running + 2);
    expect(begun.slice(running).sort()).toEqual(["ada", "eve"]);
    await until("all to be read", () => {
      for (const end of ends.splice(0)) end();
      return semaphore.running === 0;
    });
    await Promise.all([...flood, other]);
  });
});
