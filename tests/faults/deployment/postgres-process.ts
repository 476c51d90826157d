/** The deployment's PostgreSQL: the built-in one, in a separate process that restarts it whenever it ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { readPostmasterPid } from "@/src/db/embedded/process";
import { until } from "@/tests/support/until";

export interface PostgresProcess {
  url: string;
  host: string;
  port: number;
  /** For reading the database directly. */
  pool: pg.Pool;
  /** SIGINT: a fast shutdown, which rolls back transactions in progress. SIGKILL: a crash of the postmaster. Settles when a new one accepts connections. */
  restart(signal: "SIGINT" | "SIGKILL"): Promise<void>;
  stop(): Promise<void>;
}

const RESTART_TIMEOUT_MS = 60_000;

export async function startPostgresProcess(dir: string): Promise<PostgresProcess> {
  const owner = spawn(process.execPath, ["--import", "tsx", "tests/support/servers/embedded-postgres-owner.ts", dir], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(owner, "exit");
  const [line] = await Promise.race([
    once(createInterface({ input: owner.stdout }), "line"),
    exited.then(() => {
      throw new Error("PostgreSQL did not start.");
    }),
  ]);
  const { url } = JSON.parse(String(line)) as { url: string };
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on("error", () => undefined);
  const readPid = () => readPostmasterPid(path.join(dir, "postgres"));
  const isUp = () =>
    pool.query("SELECT 1").then(
      () => true,
      () => false,
    );
  return {
    url,
    host: new URL(url).hostname,
    port: Number(new URL(url).port),
    pool,
    restart: async (signal) => {
      const before = readPid()?.pid;
      if (before === undefined) throw new Error("PostgreSQL does not run.");
      process.kill(before, signal);
      const isAnother = () => {
        const now = readPid();
        return now?.ready === true && now.pid !== before;
      };
      await until("another PostgreSQL", async () => isAnother() && (await isUp()), { timeoutMs: RESTART_TIMEOUT_MS });
    },
    stop: async () => {
      await pool.end();
      owner.stdin.end();
      await exited;
    },
  };
}
