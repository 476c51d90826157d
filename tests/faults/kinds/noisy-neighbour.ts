/** A hostile project on the same deployment: its callers use as much as they can, and nobody else loses anything. */
import { randomBytes, randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { type Fault, SMALL_LOAD } from "../fault";

/** The requests of each attack in progress at any time. */
const AT_ONCE = 4;
const WRITES_MEANWHILE = 150;
/** Slow enough that the callers themselves do not use up the CPU. */
const PAUSE_MS = 5;
const PATTERN = JSON.stringify({ properties: { text: { pattern: "^(a+)+$" } } });
const FORM = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n';

interface Noise {
  /** `/api/1/ce/…?key=…` of the noisy project. */
  data: string;
  users: string;
  patterns: string;
}

export const noisyNeighbour: Fault = {
  name: "noisy-neighbour",
  title: "a project whose callers hold an endpoint's row, and send endless expressions, registrations and slow reads",
  needs: {},
  load: SMALL_LOAD,
  writesAround: 60,
  inject: async ({ deployment, acknowledged }) => {
    const { pool } = deployment.postgres;
    const { noise, endpointId } = await createNoise(pool);
    const stopping = new AbortController();
    // Each request in progress adds a listener.
    setMaxListeners(0, stopping.signal);
    const holder = holdRow(pool, endpointId, stopping.signal);
    const callers = deployment.nodes.flatMap(({ origin }) => startCallers(origin, noise, stopping.signal));
    // All others continue during the attack.
    await acknowledged(WRITES_MEANWHILE);
    stopping.abort();
    await Promise.all([holder, ...callers]);
    const endedAt = performance.now();
    return { endedAt, check: () => findDuplicates(pool, endpointId) };
  },
};

/** Another account's project. */
async function createNoise(pool: pg.Pool): Promise<{ noise: Noise; endpointId: string }> {
  const key = randomBytes(16).toString("hex");
  const { rows } = await pool.query<{ id: string; name: string }>(
    `WITH u AS (INSERT INTO "User" (id, email, name) VALUES (gen_random_uuid(), $1, 'Noisy') RETURNING id),
          p AS (INSERT INTO "Project" (id, "ownerId", name) SELECT gen_random_uuid(), u.id, 'Noisy project' FROM u RETURNING id),
          k AS (INSERT INTO "ApiKey" (id, "projectId", name, key) SELECT gen_random_uuid(), p.id, 'key', $2 FROM p)
     INSERT INTO "Endpoint" (id, "projectId", name, kind, schema)
     SELECT gen_random_uuid(), p.id, n.name, n.kind::"EndpointKind", n.schema::json
     FROM p, (VALUES ('noise/data', 'data', NULL), ('noise/users', 'authentication', NULL), ('noise/patterns', 'data', $3)) AS n (name, kind, schema)
     RETURNING id, name`,
    [`${key}@example.com`, key, PATTERN],
  );
  const toPath = (name: string) => `/api/1/ce/${name}?key=${key}`;
  const endpoint = rows.find(({ name }) => name === "noise/data");
  if (!endpoint) throw new Error("The noisy endpoint was not created.");
  return {
    noise: { data: toPath("noise/data"), users: toPath("noise/users"), patterns: toPath("noise/patterns") },
    endpointId: endpoint.id,
  };
}

/** Locks the endpoint's row, as a long import would, until it is aborted. */
async function holdRow(pool: pg.Pool, endpointId: string, signal: AbortSignal): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(`SELECT 1 FROM "Endpoint" WHERE id = $1 FOR NO KEY UPDATE`, [endpointId]);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await client.query("ROLLBACK");
  } finally {
    client.release();
  }
}

function startCallers(origin: string, { data, users, patterns }: Noise, signal: AbortSignal): Promise<void>[] {
  const expression = (text: string) => ({ method: "GET", path: `${data}&jsonata=${encodeURIComponent(text)}`, headers: {} });
  const post = (path: string, body: string, headers: Record<string, string> = {}) => ({
    method: "POST",
    path,
    body,
    headers: { "Content-Type": "application/json", ...headers },
  });
  const attacks: (() => Outgoing)[] = [
    () => post(data, "1", { "Idempotency-Key": randomUUID() }),
    () => post(data, FORM, { "Content-Type": "multipart/form-data; boundary=b" }),
    () => post(data, "2"),
    () => post(users, JSON.stringify({ username: randomUUID(), password: "correct horse" })),
    () => post(patterns, JSON.stringify({ text: `${"a".repeat(40)}b` })),
    () => expression('$pad("",1000000000,"x")'),
    () => ({ ...expression('$pad("",1500000,"x")'), isReadSlowly: true }),
  ];
  return attacks.flatMap((attack) => Array.from({ length: AT_ONCE }, () => call(origin, attack, signal)));
}

interface Outgoing {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** The response is not read. */
  isReadSlowly?: boolean;
}

async function call(origin: string, attack: () => Outgoing, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await send(origin, attack(), signal);
    await delay(PAUSE_MS);
  }
}

/** Settles when the request has ended in any way. */
function send(origin: string, { method, path, headers, body, isReadSlowly }: Outgoing, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const request = http.request(`${origin}${path}`, { method, headers, agent: false, signal });
    request.on("response", (response) => {
      if (!isReadSlowly) response.resume();
      response.on("error", () => undefined);
    });
    request.on("error", () => undefined).on("close", resolve);
    request.end(body);
  });
}

/** Each POST of the noisy project with an Idempotency-Key was done at most once, too. */
async function findDuplicates(pool: pg.Pool, endpointId: string): Promise<string[]> {
  const { rows } = await pool.query<{ records: number; changes: number }>(
    `SELECT (SELECT count(*)::int FROM "Record" WHERE "endpointId" = $1) AS records, (SELECT count(*)::int FROM "Change" WHERE "endpointId" = $1) AS changes`,
    [endpointId],
  );
  const [{ records, changes } = { records: 0, changes: 0 }] = rows;
  return records === changes ? [] : [`the noisy endpoint has ${records} records and ${changes} changes`];
}
