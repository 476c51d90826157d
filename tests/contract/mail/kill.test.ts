/** Servers that are killed while mails go out (M1): nothing is lost, and a mail that is sent twice has the same Message-ID. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Seed, seed } from "@/tests/support/servers/data-server";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { type MailServer, startMailServer } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";

const MASTER_KEY = "a-master-key-of-tests";
const MAILS = 24;

let database: TestDatabase;
let pool: pg.Pool;
let smtp: MailServer;
let folder: string;
let world: Seed;
const children: ChildProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  smtp = await startMailServer();
  folder = await mkdtemp(path.join(os.tmpdir(), "rested-mail-"));
  await writeFile(path.join(folder, "ca.pem"), smtp.ca);
  world = await seed(pool, { kind: "email", endpointName: "mails", secure: true, masterKey: MASTER_KEY });
  await pool.query(
    `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "from", recipients, rate) VALUES ($1, '127.0.0.1', $2, false, 'shop@shop.example', '"any"', 10000)`,
    [world.projectId, smtp.port],
  );
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await smtp.close();
  await pool.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** A server as a process of its own, with the times of production. */
async function startServer(): Promise<{ child: ChildProcess; origin: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", "tests/faults/deployment/node.ts"], {
    env: {
      NODE_ENV: "production",
      PATH: process.env.PATH,
      PORT: "0",
      DATABASE_URL: database.url,
      RESTED_DATA_DIR: path.join(folder, `node-${children.length}`),
      RESTED_SECRET: "vQn0x4Jm8Lr2Tz6Wy1Kb5Hd9Fg3Sp7Xc",
      RESTED_OUTBOUND_ALLOWED: "127.0.0.0/8",
      RESTED_SMTP_PORTS: "any",
      NODE_EXTRA_CA_CERTS: path.join(folder, "ca.pem"),
    },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push(child);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { child, origin: `http://127.0.0.1:${port}` };
}

async function send(origin: string, n: number): Promise<string | undefined> {
  const body = JSON.stringify({ to: `n${n}@example.com`, subject: `Mail ${n}`, text: "Hello" });
  const headers = { "Content-Type": "application/json", "X-Master-Key": MASTER_KEY };
  const answer = await fetch(origin + world.path, { method: "POST", headers, body }).catch(() => undefined);
  if (answer?.status !== 201) return undefined;
  const { data } = await answer.json().catch(() => ({ data: undefined }));
  return data?.delivery.messageId;
}

it("[M1] kill -9 loses no mail that was acknowledged, and repeats none with another Message-ID", { timeout: 120_000 }, async () => {
  const first = await startServer();
  // Two mails are between DATA and its answer when the server is killed.
  smtp.script.push("accept", "hang", "accept", "hang");
  const sending = Promise.all(Array.from({ length: MAILS }, (_, n) => send(first.origin, n)));
  await until("mails go out", () => smtp.mails.length >= 4, { timeoutMs: 60_000 });
  first.child.kill("SIGKILL");
  await once(first.child, "exit");
  const acknowledged = (await sending).filter((id) => id !== undefined);
  expect(acknowledged.length).toBeGreaterThan(0);
  const waiting = await pool.query(`SELECT 1 FROM "OutboxMail" WHERE "leaseId" IS NOT NULL`);
  expect(waiting.rowCount).toBeGreaterThan(0);

  // As half a minute later, when the leases of the killed server have ended.
  await pool.query(`UPDATE "OutboxMail" SET "dueAt" = now() WHERE "leaseId" IS NOT NULL`);
  await startServer();
  await until("the queue is empty", async () => (await pool.query(`SELECT 1 FROM "OutboxMail"`)).rowCount === 0, { timeoutMs: 60_000 });

  const accepted = new Set(smtp.mails.map((mail) => mail.header("Message-ID")?.slice(1, -1)));
  expect(acknowledged.filter((id) => !accepted.has(id))).toEqual([]);
  const { rows } = await pool.query<{ id: string; state: string; to: string }>(
    `SELECT data->'delivery'->>'messageId' AS id, data->'delivery'->>'state' AS state, data->'to'->>0 AS "to" FROM "Record" WHERE "endpointId" = $1`,
    [world.endpointId],
  );
  expect(rows.filter(({ state }) => state !== "sent")).toEqual([]);
  expect(new Set(rows.map(({ id }) => id))).toEqual(accepted);
  // Each recipient has mails of one Message-ID only.
  const ids = new Map<string, Set<string | undefined>>();
  for (const mail of smtp.arrived) {
    const to = mail.to.join();
    ids.set(to, (ids.get(to) ?? new Set()).add(mail.header("Message-ID")));
  }
  expect([...ids.values()].filter(({ size }) => size !== 1)).toEqual([]);
});
