/**
 * Measures pages of 50 of a million records with access rules, beside pages without rules. The owner's index serves some of the rules.
 * Run: npm run bench -- access-rules [records=1000000]
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type pg from "pg";
import { parseConfig } from "@/src/config/config";
import { createPool } from "@/src/db/client";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { migrate } from "@/src/db/migrate";
import { boot } from "@/src/runtime/boot";
import { createLog } from "@/src/runtime/log";

const OWNERS = 1_000;
const ROUNDS = 200;
const WARM_UP = 50;

const CASES: readonly (readonly [name: string, rules: object | null])[] = [
  ["no rules again", null],
  ["read: @owner = @user.id", { read: "@owner = @user.id" }],
  ["the same, and a field of the record", { read: '@owner = @user.id & data.note ~ "x"' }],
  ["the same, and a hidden field", { read: "@owner = @user.id", hide: ["note"] }],
  ["read: every record, by a field", { read: "data.n >= 0" }],
  ["read: one of 100 records, by a field", { read: "data.group = 7" }],
];

await measure(Number(process.argv[2] ?? 1_000_000));

async function measure(count: number): Promise<void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
  const log = createLog({ logLevel: "warn" });
  const postgres = await startEmbeddedPostgres({ dir, log });
  const pool = createPool({ url: postgres.url, log });
  try {
    await migrate({ pool, dir: path.resolve("prisma/migrations"), log });
    const { projectId, endpointId, key, token } = await fill(pool, count);
    const env = { NODE_ENV: "production", DATABASE_URL: postgres.url, LOG_LEVEL: "warn", RESTED_RATE_LIMIT: "0", RESTED_DATA_DIR: dir };
    const booted = await boot(parseConfig(env));
    const server = http.createServer((request, response) => booted.dataPlane(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/api/1/ce/bench/rules?key=${key}&limit=50`;
    const setRules = async (rules: object | null) => {
      await pool.query(`UPDATE "Endpoint" SET rules = $2 WHERE id = $1`, [endpointId, rules && JSON.stringify(rules)]);
      booted.runtime.definitions.invalidate(projectId);
    };
    for (const [name, rules] of CASES) {
      // Before each case, because other work on the machine changes all times.
      await setRules(null);
      const without = await measurePages(url, token);
      await setRules(rules);
      console.log(`${name.padEnd(40)} ${((await measurePages(url, token)) / without).toFixed(2)} ×`);
    }
    server.closeAllConnections();
    server.close();
    await booted.stop();
  } finally {
    await pool.end();
    await postgres.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** The median time of a page, in milliseconds. */
async function measurePages(url: string, token: string): Promise<number> {
  const times: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    const body: unknown = await answer.json();
    if (!Array.isArray(body) || body.length !== 50) throw new Error(`${answer.status} ${JSON.stringify(body).slice(0, 200)}`);
    if (round >= 0) times.push(performance.now() - startedAt);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Stores records of about 200 bytes at one endpoint, which belong to 1,000 users in turn, and logs one of these in. */
async function fill(pool: pg.Pool, count: number): Promise<{ projectId: string; endpointId: string; key: string; token: string }> {
  const key = randomBytes(16).toString("hex");
  const token = randomBytes(32).toString("base64url");
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT set_config('rested.logged_by_commit', 'on', true)");
    const { rows } = await client.query<{ projectId: string; endpointId: string; usersId: string }>(
      `WITH u AS (INSERT INTO "User" (id, email, name) VALUES (gen_random_uuid(), 'bench@example.com', 'bench') RETURNING id),
            p AS (INSERT INTO "Project" (id, "ownerId", name) SELECT gen_random_uuid(), id, 'bench project' FROM u RETURNING id),
            k AS (INSERT INTO "ApiKey" (id, "projectId", name, key) SELECT gen_random_uuid(), id, 'key', $1 FROM p),
            a AS (INSERT INTO "Endpoint" (id, "projectId", name, kind) SELECT gen_random_uuid(), id, 'bench/users', 'authentication' FROM p RETURNING id),
            e AS (INSERT INTO "Endpoint" (id, "projectId", name, seq) SELECT gen_random_uuid(), id, 'bench/rules', $2 FROM p RETURNING id)
       SELECT p.id AS "projectId", e.id AS "endpointId", a.id AS "usersId" FROM p, e, a`,
      [key, count],
    );
    const [made] = rows;
    if (!made) throw new Error("The project was not stored.");
    await client.query(
      `CREATE TEMP TABLE owner ON COMMIT DROP AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, ${OWNERS - 1}) n`,
    );
    await client.query(
      `INSERT INTO "Record" (id, "endpointId", seq, data, "ownerId") SELECT id, $1, n + 1, json_build_object('username', n), id FROM owner`,
      [made.usersId],
    );
    await client.query(`INSERT INTO "AppUser" (id, "endpointId", name, "passwordHash") SELECT id, $1, n, 'none' FROM owner`, [
      made.usersId,
    ]);
    await client.query(
      `INSERT INTO "AccessToken" (id, "userId", "projectId", hash, "expiresAt") SELECT gen_random_uuid(), id, $1, $2, now() + interval '1 day' FROM owner WHERE n = 7`,
      [made.projectId, createHash("sha256").update(token).digest()],
    );
    await client.query(
      `INSERT INTO "Record" (id, "endpointId", seq, data, "ownerId")
       SELECT gen_random_uuid(), $1, s.n, ('{"n":' || s.n || ',"group":' || s.n % 100 || ',"note":"' || repeat('x', 60) || '"}')::json, o.id
       FROM generate_series(1, $2::int) AS s(n) JOIN owner o ON o.n = s.n % ${OWNERS}`,
      [made.endpointId, count],
    );
    await client.query("COMMIT");
    await client.query(`VACUUM ANALYZE "Record"`);
    return { ...made, key, token };
  } finally {
    client.release();
  }
}
