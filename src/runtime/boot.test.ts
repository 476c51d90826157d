/** A failed start leaves nothing open. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "@/src/config/config";
import { boot } from "@/src/runtime/boot";
import { createCleanup } from "@/src/runtime/cleanup";
import { createTestDatabase } from "@/tests/support/servers/database";
import { until } from "@/tests/support/until";

/** Fails when the rate limiter is made: after the database was opened and migrated. */
const BROKEN = { redisUrl: "redis://localhost:70000" };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "rested-boot-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("a start that fails after the database was opened", () => {
  it("ends all connections", async () => {
    const database = await createTestDatabase();
    const observer = new pg.Client({ connectionString: database.url });
    await observer.connect();
    const count = async () => {
      const { rows } = await observer.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      return rows[0]?.count;
    };
    const config = parseConfig({ NODE_ENV: "test", RESTED_LOG_LEVEL: "silent", RESTED_DATA_DIR: dir, DATABASE_URL: database.url });
    await expect(boot({ ...config, ...BROKEN })).rejects.toThrow("Invalid URL");
    await until("no connection to be left", async () => (await count()) === 0);
    await observer.end();
    await database.drop();
  });

  it("stops the built-in PostgreSQL", async () => {
    const config = parseConfig({ NODE_ENV: "test", RESTED_LOG_LEVEL: "silent", RESTED_DATA_DIR: dir });
    await expect(boot({ ...config, ...BROKEN })).rejects.toThrow("Invalid URL");
    expect(existsSync(path.join(dir, "postgres", "PG_VERSION"))).toBe(true);
    expect(existsSync(path.join(dir, "postgres", "postmaster.pid"))).toBe(false);
  }, 60_000);
});

describe("createCleanup", () => {
  it("undoes everything once, in reverse, also when one of it fails", async () => {
    const undone: number[] = [];
    const cleanup = createCleanup();
    cleanup.add(() => undone.push(1));
    cleanup.add(() => {
      throw new Error("two");
    });
    cleanup.add(async () => undone.push(3));
    await expect(cleanup.run()).rejects.toThrow("two");
    await cleanup.run();
    expect(undone).toEqual([3, 1]);
  });
});
