/** PostgreSQL alone: pgbench runs the statements of Rested on Rested's database. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { BODY } from "../bodies";
import type { Contender } from "../contender";
import type { RestedSubject } from "./rested";

/** The writes of one statement: what group commit joins at 50 connections. */
const WRITES_EACH = 25;
/** Rested reads through about as many connections. */
const READERS = 10;

/** The contenders for the cases `create` and `get-one`. */
export function createPgbench(rested: RestedSubject): Readonly<Record<string, Contender>> {
  const { ids, dir } = rested;
  const repeat = (value: string, type: string) => `array_fill(${value}::${type}, ARRAY[${WRITES_EACH}])`;
  const commit = `SELECT first_seq, at FROM record_commit_posts('${ids.created}'::uuid,
    ARRAY(SELECT gen_random_uuid() FROM generate_series(1, ${WRITES_EACH})), ${repeat("'json'", "text")},
    ${repeat(`'${JSON.stringify(BODY)}'`, "json")}, NULL, NULL);`.replace(/\s+/g, " ");
  const readOne = `\\set n random(1, ${ids.records.length})
SELECT wire_id(id) AS id, version, data::text AS data, wire_time("createdAt"), wire_time("updatedAt"), "contentType"::text, wire_id("ownerId")
  FROM "Record" WHERE id = (ARRAY[${ids.records.map((id) => `'${id}'`).join(",")}]::uuid[])[:n] AND "endpointId" = '${ids.read}'::uuid;`.replace(
    /\n {2}/g,
    " ",
  );
  return {
    create: toContender(dir, "pgbench, 25 writes each", commit, 2, WRITES_EACH),
    "get-one": toContender(dir, "pgbench", readOne, READERS, 1),
  };
}

function toContender(dir: string, name: string, statement: string, clients: number, recordsEach: number): Contender {
  const script = path.join(dir, `${name.replace(/\W+/g, "-")}.sql`);
  fs.writeFileSync(script, `${statement}\n`);
  // The fourth line is the port.
  const port = fs.readFileSync(path.join(dir, "postgres", "postmaster.pid"), "utf8").split("\n")[3] ?? "";
  const password = fs.readFileSync(path.join(dir, "postgres.password"), "utf8").trim();
  const unknown = Number.NaN;
  return {
    name,
    hasOpenLoop: false,
    measure: async ({ seconds }) => {
      const args = ["-n", "-h", "127.0.0.1", "-p", port, "-U", "rested", "-M", "prepared", "-c", String(clients), "-j", "1"];
      const { stdout } = await promisify(execFile)(
        "pgbench",
        [...args, "-T", String(Math.max(2, Math.round(seconds))), "-f", script, "rested"],
        {
          env: { ...process.env, PGPASSWORD: password },
        },
      );
      if (!/tps = [1-9]/.test(stdout)) throw new Error(`pgbench: ${stdout}`);
      const perSecond = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]) * recordsEach;
      const latency = { count: 0, p50: unknown, p99: unknown, max: unknown };
      return { perSecond, latency, cpuSeconds: unknown, memoryBytes: unknown };
    },
  };
}
